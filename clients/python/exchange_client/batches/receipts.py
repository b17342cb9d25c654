"""The receipt of a batch: what was stored, bound to the very bytes that were sent."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReceipt:
    """What became of a batch. Keep the text: it is the evidence."""

    text: str = field(repr=False)  # compact JWS, as it came
    batch_id: str
    stored: int  # rows that made a new version, amendments included
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


def open_batch_receipt(text: str, pins: Pins, member: str, file: BatchFile) -> BatchReceipt:
    """Verify a batch receipt against the file that was sent.

    Raises:
        ReceiptInvalid: it is not the exchange's, not this member's, or not of these bytes.
    """
    claims = loads_object(open_jws(text, BATCH_TYPE, pins.keys_of("batch")))
    bound = (
        ("iss", pins.exchange),
        ("aud", member),
        ("batch", file.batch_id),
        ("digest", b64url(file.digest)),
        ("rows_root", b64url(file.rows_root)),
    )
    for name, expected in bound:
        if claims.get(name) != expected:
            raise ReceiptInvalid(f"the batch receipt speaks of something else ({name})")
    return _read(text, claims)


def _read(text: str, claims: dict[str, JSON]) -> BatchReceipt:
    sums, leaf = claims.get("sums"), claims.get("leaf")
    try:
        if leaf is not None:
            unb64url(leaf)
        counts = {name: _count(claims, name) for name in _COUNTS}
    except ValueError as error:
        raise ReceiptInvalid(f"the batch receipt is not in its form: {error}") from error
    return BatchReceipt(
        text=text,
        batch_id=str(claims["batch"]),
        sums=MappingProxyType(sums if isinstance(sums, dict) else {}),
        leaf=leaf if isinstance(leaf, str) else None,
        **counts,
    )


_COUNTS: Final = ("stored", "unchanged", "amended", "deleted", "faulted", "warned", "absent")


def _count(claims: Mapping[str, JSON], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} must be a whole number")
    return value
