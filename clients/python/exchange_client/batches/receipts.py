"""The receipts of what was reported: bound to the very bytes that were sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from exchange_client.batches.files import BatchFile
from exchange_client.core.encoding import JSON, b64url, loads_object, unb64url
from exchange_client.errors import ReceiptInvalid
from exchange_client.pins import Pins
from exchange_client.signing import open_jws

BATCH_TYPE: Final = "cx-batch+jwt"
_COUNTS: Final = ("stored", "unchanged", "amended", "deleted", "faulted", "warned", "absent")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReceipt:
    """What became of a batch. Keep the text: it is the evidence."""

    text: str = field(repr=False)  # compact JWS, as it came
    batch_id: str
    stored: int  # rows that made a new version, amendments and deletions included
    unchanged: int
    amended: int
    deleted: int
    faulted: int  # rows that were refused: fetch them with `faults(batch_id)`
    warned: int
    absent: int  # FULL: open accounts that the file does not mention
    sums: Mapping[str, JSON]
    leaf: str | None  # base64url; None for a dry run

    @property
    def whole(self) -> bool:
        """Whether every row was taken."""
        return self.faulted == 0

    def save(self, path: Path | str) -> None:
        """Write the receipt."""
        Path(path).write_text(self.text + "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReceipt:
    """What became of one record that was sent alone. Keep the text: it is the evidence."""

    text: str = field(repr=False)  # compact JWS, as it came
    account_ref: str
    event: str  # stored, amended, deleted or unchanged
    warnings: tuple[str, ...]  # codes
    leaf: str | None  # base64url; None where nothing was changed


def open_batch_receipt(text: str, pins: Pins, member: str, file: BatchFile) -> BatchReceipt:
    """Verify a batch receipt against the file that was sent.

    Raises:
        ReceiptInvalid: it is not the exchange's, not this member's, or not of these bytes.
    """
    bound = {
        "batch": file.batch_id,
        "digest": b64url(file.digest),
        "rows_root": b64url(file.rows_root),
    }
    claims = _open(text, pins, {"aud": member, **bound})
    sums = claims.get("sums")
    return BatchReceipt(
        text=text,
        batch_id=file.batch_id,
        sums=MappingProxyType(sums if isinstance(sums, dict) else {}),
        leaf=_leaf(claims),
        **{name: _count(claims, name) for name in _COUNTS},
    )


def open_record_receipt(
    text: str, pins: Pins, member: str, account_ref: str, digest: bytes
) -> RecordReceipt:
    """Verify a record's receipt against what was sent.

    Raises:
        ReceiptInvalid: it is not the exchange's, not this member's, or not of these bytes.
    """
    claims = _open(text, pins, {"aud": member, "account": account_ref, "digest": b64url(digest)})
    event, warnings = claims.get("event"), claims.get("warnings")
    if not isinstance(event, str) or not isinstance(warnings, list):
        raise ReceiptInvalid("the record's receipt is not in its form")
    return RecordReceipt(
        text=text,
        account_ref=account_ref,
        event=event,
        warnings=tuple(map(str, warnings)),
        leaf=_leaf(claims),
    )


def _open(text: str, pins: Pins, bound: Mapping[str, str]) -> dict[str, JSON]:
    """Verify a receipt of records, and that it speaks of what it must, in the pinned log."""
    try:
        claims = loads_object(open_jws(text, BATCH_TYPE, pins.keys_of("batch")))
    except ValueError as error:
        raise ReceiptInvalid(f"the claims are no JSON object: {error}") from error
    for name, expected in {"iss": pins.exchange, "log": pins.log_origin, **bound}.items():
        if claims.get(name) != expected:
            raise ReceiptInvalid(f"the receipt speaks of something else ({name})")
    return claims


def _leaf(claims: Mapping[str, JSON]) -> str | None:
    leaf = claims.get("leaf")
    if leaf is None:
        return None
    try:
        unb64url(leaf)
    except ValueError as error:
        raise ReceiptInvalid(f"leaf: {error}") from error
    return str(leaf)


def _count(claims: Mapping[str, JSON], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ReceiptInvalid(f"{name} must be a whole number")
    return value
