"""A client's ledger: what it asked and what it was told, written as it happened.

One JSON object a line, flushed before the client goes on: a line without a receipt before the
request is sent, the same line with it once the answer is verified. A last line that was cut by a
crash says nothing. `exchange verify-run` holds ledgers against what the exchange has stored.

    {"what":"query","member":"lender-a","id":"qry_…"}
    {"what":"query","member":"lender-a","id":"qry_…","receipt":"<compact JWS>"}
    {"what":"batch","member":"lender-a","id":"bat_…","receipt":"<compact JWS>"}
    {"what":"proof","member":"lender-a","id":"qry_…","proof":"<.tlog-proof>"}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from exchange.domain.strict_json import JsonLimits, loads
from exchange.errors import ExchangeError, InvalidField

LINE_BYTES_MAX = 64 << 10
_LIMITS = JsonLimits(string_bytes=LINE_BYTES_MAX)
_NAMES = frozenset({"what", "member", "id", "receipt", "proof"})


class What(StrEnum):
    """What a line of a ledger is about."""

    QUERY = "query"
    BATCH = "batch"
    PROOF = "proof"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One thing that a client did, or was told."""

    what: What
    member: str
    id: str  # of the query or batch, as the client made it
    receipt: str  # "" while there is no answer
    proof: str  # "" but for a proof


def read_ledger(content: bytes) -> Iterator[LedgerLine]:
    """Read a ledger; a last line without its line feed was cut, and is left out.

    Raises:
        InvalidField: a line is not of the documented form.
    """
    whole, _, _cut = content.rpartition(b"\n")
    for number, raw in enumerate(whole.split(b"\n") if whole else [], 1):
        yield _line(raw, f"line {number}")


def _line(raw: bytes, place: str) -> LedgerLine:
    try:
        read = loads(raw, _LIMITS)
    except ExchangeError as error:
        raise InvalidField(f"{place} of the ledger: {error}") from error
    if not isinstance(read, dict) or not set(read) <= _NAMES:
        raise InvalidField(f"{place} of the ledger is not of the documented form")
    texts = {name: str(read.get(name, "")) for name in _NAMES}
    if texts["what"] not in set(What) or not texts["member"] or not texts["id"]:
        raise InvalidField(f"{place} of the ledger is not of the documented form")
    return LedgerLine(
        what=What(texts["what"]),
        member=texts["member"],
        id=texts["id"],
        receipt=texts["receipt"],
        proof=texts["proof"],
    )
