"""The answer to one look: outcome, finding, grade, reasons and limits, as receipts show them."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import UNSET, Struct, UnsetType

from exchange.domain.grades import MODEL, ReasonCode

_ENCODE = msgspec.json.Encoder().encode


class Outcome(StrEnum):
    """What kind of answer it is. NO_DATA is neither clean nor bad."""

    NO_DATA = "NO_DATA"
    NO_ADVERSE = "NO_ADVERSE"
    ADVERSE = "ADVERSE"
    WITHHELD = "WITHHELD"


class VelocityBands(Struct, frozen=True, gc=False):
    """Velocity as an answer shows it."""

    days_7: str = msgspec.field(name="7")
    days_30: str = msgspec.field(name="30")
    days_90: str = msgspec.field(name="90")


class Finding(Struct, frozen=True, kw_only=True, gc=False):
    """What one asker may learn; what it may not is absent."""

    current_bucket: int | UnsetType = UNSET
    worst_bucket: int | UnsetType = UNSET
    months_since_worst: str | UnsetType = UNSET
    late_months: str | UnsetType = UNSET
    lender_band: str | UnsetType = UNSET
    open_overdue_band: str | UnsetType = UNSET
    overdue_amount_band: int | UnsetType = UNSET
    other_currency: bool | UnsetType = UNSET
    freshest_month: str | UnsetType = UNSET
    velocity: VelocityBands | UnsetType = UNSET
    dispute: bool | UnsetType = UNSET
    statement: str | UnsetType | None = UNSET

    def as_claims(self) -> dict[str, object]:
        """Return the bands under the names that receipts carry."""
        claims: dict[str, object] = msgspec.to_builtins(self)
        return claims


class Answer(Struct, frozen=True, kw_only=True, gc=False):
    """What the asker gets to know, and how to read it."""

    outcome: Outcome
    reason: str  # `permitted`, or why not
    finding: Finding | None  # None exactly when it was withheld
    grade: str | None
    reasons: tuple[str, ...]
    model: str = MODEL
    limits: tuple[str, ...]  # why the answer is shallower than asked

    def told(self) -> bytes:
        """Write the claims of the receipt that this answer fills, as members of an object."""
        return _ENCODE(self)[1:-1]

    def as_claims(self) -> dict[str, object]:
        """Return these claims in plain values."""
        claims: dict[str, object] = msgspec.json.decode(_ENCODE(self))
        return claims


def withheld(reason: str) -> Answer:
    """Answer a look that was not permitted: nothing was looked up."""
    return Answer(
        outcome=Outcome.WITHHELD,
        reason=reason,
        finding=None,
        grade=None,
        reasons=(ReasonCode.WITHHELD.value,),
        limits=(),
    )
