"""The form of a row: its fields, each with its own type, range and pattern.

Four texts that every row has are plain here, and checked for many rows at once (texts.py); what
each must be, STRICT says, by which a refused row is explained.
Not here: how bytes become a row (reading.py), how fields agree with each other (checks.py) and
with what is stored (versions.py).
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from exchange.domain.queries import TokenKind
from exchange.domain.records import AMOUNT_MINOR_MAX, DPD_MAX, Product, Status, SubjectRole

AccountRef = Annotated[str, Meta(pattern=r"\A(?![0-9]+\Z)[A-Za-z0-9_.:-]{1,64}\Z")]
AmountMinor = Annotated[int, Meta(ge=0, le=AMOUNT_MINOR_MAX)]
TransferId = Annotated[
    str, Meta(pattern=r"\A[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
]


class Reason(StrEnum):
    """Why a row is more than the next statement about an account."""

    AMEND = "AMEND"
    RENUMBER = "RENUMBER"
    TRANSFER_IN = "TRANSFER_IN"


class DeleteReason(StrEnum):
    """The two deletions: it was never true, or the borrower is a victim of identity theft."""

    DELETE_ERROR = "DELETE_ERROR"
    DELETE_FRAUD = "DELETE_FRAUD"


class PauseCause(StrEnum):
    """Why days do not count as past due."""

    DISASTER = "DISASTER"
    RELIEF_POLICY = "RELIEF_POLICY"
    DISPUTE = "DISPUTE"
    COURT = "COURT"


class Channel(StrEnum):
    """How a notice was sent."""

    SMS = "SMS"
    EMAIL = "EMAIL"
    APP = "APP"
    POST = "POST"
    IN_PERSON = "IN_PERSON"
    CALL_RECORDED = "CALL_RECORDED"


class Delivery(StrEnum):
    """What became of a notice."""

    DELIVERED = "DELIVERED"
    SENT = "SENT"
    FAILED = "FAILED"


class Ground(StrEnum):
    """Why a failed or an older notice is enough. Source: PBOC practice (to be confirmed)."""

    SAME_EPISODE = "SAME_EPISODE"
    UNREACHABLE = "UNREACHABLE"
    EMIGRATED = "EMIGRATED"
    IMPRISONED = "IMPRISONED"
    CHARGED_OFF = "CHARGED_OFF"
    DEAD_OR_MISSING = "DEAD_OR_MISSING"


class _Strict(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    pass


class RowToken(_Strict, frozen=True, kw_only=True):
    """A token as a row carries it."""

    kind: TokenKind
    value: str  # base64url of 64 bytes

    def __repr__(self) -> str:
        return f"RowToken({self.kind})"


class Pause(_Strict, frozen=True, kw_only=True):
    """Days that do not count as past due, first and last included."""

    starts: date = field(name="from")
    ends: date = field(name="to")
    cause: PauseCause


class Notice(_Strict, frozen=True, kw_only=True):
    """How the borrower was told before an arrear was listed."""

    sent_at: Annotated[int, Meta(ge=0, le=2**40)]  # unix seconds
    channel: Channel
    template: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.:@-]{1,64}\Z")]
    delivery: Delivery
    ground: Ground | None = None


class Row(_Strict, frozen=True, kw_only=True, tag_field="op", tag="PUT"):
    """One statement about one account of one subject on one day."""

    account_ref: str
    tokens: Annotated[tuple[RowToken, ...], Meta(min_length=1, max_length=4)]
    role: SubjectRole
    product: Product
    as_of: date
    opened_on: date
    closed_on: date | None = None
    oldest_unpaid_due_on: date | None = None
    first_overdue_on: date | None = None
    currency: str
    principal_minor: AmountMinor
    balance_minor: AmountMinor
    overdue_minor: AmountMinor
    dpd: Annotated[int, Meta(ge=0, le=DPD_MAX)]
    bucket: Annotated[int, Meta(ge=0, le=7)] | UnsetType = UNSET
    status: Status
    status_on: date | None = None
    five_class: Annotated[int, Meta(ge=1, le=5)] | None = None
    history: Annotated[str, Meta(pattern=r"\A[N*MA1-7BDZCG#/]{1,60}\Z")] = ""  # "" where absent
    pauses: Annotated[tuple[Pause, ...], Meta(max_length=12)] = ()
    grant: Annotated[str, Meta(min_length=1)] = ""  # "" where absent
    basis: Annotated[str, Meta(pattern=r"\A[a-z_]{1,32}\Z")] = ""  # "" where absent
    notice: Notice | None = None
    reason: Reason | None = None
    previous_ref: AccountRef | None = None
    transfer_id: TransferId | None = None


class _StrictToken(_Strict, frozen=True, kw_only=True):
    kind: TokenKind
    value: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{85}[AQgw]\Z")]


# The types of those fields of a Row whose form the row itself does not know.
STRICT: dict[str, object] = {
    "account_ref": AccountRef,
    "tokens": Annotated[tuple[_StrictToken, ...], Meta(min_length=1, max_length=4)],
    "currency": Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")],
    "grant": Annotated[str, Meta(pattern=r"\Agnt_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}\Z")],
}


class Deletion(_Strict, frozen=True, kw_only=True, tag_field="op", tag="DELETE"):
    """The withdrawal of everything said about one account."""

    account_ref: AccountRef
    reason: DeleteReason
    as_of: date


class Submitted(Row, frozen=True, kw_only=True, tag_field="op", tag="PUT"):
    """A row that is sent alone, with what the header of a file would say."""

    epoch: Annotated[str, Meta(pattern=r"\Aep_[1-9][0-9]{0,5}\Z")]
    profile: Annotated[str, Meta(pattern=r"\A[a-z]{2}@[1-9][0-9]{0,3}\Z")]
