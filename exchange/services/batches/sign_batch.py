"""Sign what became of a file: `typ: cx-batch+jwt`. It names no record and no other member."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import msgspec

from exchange.domain.base64url import b64url
from exchange.domain.batches import FileFrame
from exchange.services.ports import Ports
from exchange.services.records.sign_receipt import sign_record_claims


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTally:
    """How many rows became what."""

    stored: int  # versions made, amendments and deletions included
    unchanged: int
    amended: int
    deleted: int
    faulted: int
    warned: int
    absent: int  # FULL: open accounts that the file does not mention
    totals: str  # WHOLE, or COUNT_ONLY where a status or an amount could not be read


def sign_batch(
    frame: FileFrame, tally: BatchTally, leaf_hash: bytes | None, now: int, ports: Ports
) -> str:
    """Sign the receipt of a file.

    Args:
        leaf_hash: None for a dry run.
    """
    claims: dict[str, object] = {
        "batch": frame.header.batch_id,
        "digest": b64url(frame.digest),
        "rows": frame.rows,
        "rows_root": b64url(frame.rows_root),
        "sums": msgspec.to_builtins(frame.trailer.sums),
        **asdict(tally),
    }
    return sign_record_claims(claims, frame.header.member, leaf_hash, now, ports)
