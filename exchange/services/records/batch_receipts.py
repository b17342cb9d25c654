"""Sign what became of a batch, or of a record sent alone.

In:  the verdicts, and the leaf that testifies them.
Out: a compact JWS, `typ: cx-batch+jwt`. It names no record and nothing of other members.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import msgspec

from exchange.crypto.keyring import Use
from exchange.crypto.signing import sign_jws
from exchange.domain.base64url import b64url
from exchange.domain.batches import BatchFile
from exchange.domain.rows import Deletion, Reason
from exchange.services.ports import MMD_SECONDS, Ports
from exchange.services.records.judge_rows import Verdict

BATCH_TYPE = "cx-batch+jwt"


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


def tally_of(verdicts: Sequence[Verdict], *, absent: int, whole_totals: bool) -> BatchTally:
    """Count verdicts."""
    changes = [each.change for each in verdicts if each.change]
    deleted = sum(isinstance(change.row, Deletion) for change in changes)
    return BatchTally(
        stored=len(changes),
        unchanged=sum(each.unchanged for each in verdicts),
        amended=sum(change.row.reason is Reason.AMEND for change in changes),
        deleted=deleted,
        faulted=sum(each.refused for each in verdicts),
        warned=sum(bool(each.flaws) and not each.refused for each in verdicts),
        absent=absent,
        totals="WHOLE" if whole_totals else "COUNT_ONLY",
    )


def sign_batch_receipt(
    file: BatchFile, tally: BatchTally, leaf_hash: bytes | None, now: int, ports: Ports
) -> str:
    """Sign the receipt of a file.

    Args:
        leaf_hash: None for a dry run.
    """
    claims: dict[str, object] = {
        "batch": file.header.batch_id,
        "digest": b64url(file.digest),
        "rows": len(file.lines),
        "rows_root": b64url(file.rows_root()),
        "sums": msgspec.to_builtins(file.trailer.sums),
        **asdict(tally),
    }
    return sign_record_claims(claims, file.header.member, leaf_hash, now, ports)


def sign_record_claims(
    claims: Mapping[str, object], member: str, leaf_hash: bytes | None, now: int, ports: Ports
) -> str:
    """Sign what became of rows; without a leaf nothing was changed."""
    terms = ports.terms
    whole = {
        "iss": terms.issuer,
        "aud": member,
        "iat": now,
        **claims,
        "profile": terms.profile.ref,
        "leaf": None if leaf_hash is None else b64url(leaf_hash),
        "log": ports.origin(now),
        "mmd": MMD_SECONDS,
    }
    keyring = ports.keyring
    payload = json.dumps(whole, separators=(",", ":")).encode()
    return sign_jws(payload, BATCH_TYPE, keyring.kid(Use.BATCH), keyring.signer(Use.BATCH))
