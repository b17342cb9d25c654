"""A record: one member's statement about one account, as it is kept and sealed.

In:  what rows say (rows/), day by day.
Out: statuses and what may follow on which, buckets, the five-class floor, retention dates, and
     the payload that is sealed at rest.
Not here: tokens, names, identifiers. Days are counted from 1970-01-01, months from year 0.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime
from enum import IntEnum, StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from consent.profiles import Profile
from exchange.errors import IntegrityError

HISTORY_MONTHS_MAX = 60
DPD_MAX = 20_000
AMOUNT_MINOR_MAX = 10**15
BUCKET_MAX = 7
_EPOCH = date(1970, 1, 1).toordinal()


class Status(StrEnum):
    """How an account stands."""

    # Enum's own hash is a Python call; statuses are looked up in sets for every record and row.
    __hash__ = str.__hash__

    CURRENT = "CURRENT"
    OVERDUE = "OVERDUE"
    PAUSED = "PAUSED"
    RESTRUCTURED = "RESTRUCTURED"
    LITIGATION = "LITIGATION"
    CHARGED_OFF = "CHARGED_OFF"
    GUARANTOR_PAID = "GUARANTOR_PAID"
    ASSET_SETTLED = "ASSET_SETTLED"
    SOLD = "SOLD"
    SETTLED = "SETTLED"
    DELETED_ERROR = "DELETED_ERROR"
    DELETED_FRAUD = "DELETED_FRAUD"


DELETED = frozenset({Status.DELETED_ERROR, Status.DELETED_FRAUD})
_PAID_BY_OTHERS = frozenset({Status.GUARANTOR_PAID, Status.ASSET_SETTLED})
TERMINAL = DELETED | _PAID_BY_OTHERS | {Status.SOLD, Status.SETTLED}
OPEN = frozenset(Status) - TERMINAL
ADVERSE_BY_STATUS = _PAID_BY_OTHERS | {Status.CHARGED_OFF}

_ALIVE = frozenset({Status.CURRENT, Status.OVERDUE, Status.PAUSED, Status.RESTRUCTURED})
_ARREARS = frozenset({Status.OVERDUE, Status.RESTRUCTURED, Status.LITIGATION, Status.CHARGED_OFF})
_NEW: frozenset[Status | None] = frozenset({None})

# Status -> the statuses that may stand before it; None is a record seen for the first time.
BEFORE: dict[Status, frozenset[Status | None]] = {
    Status.CURRENT: _NEW | _ALIVE | {Status.LITIGATION},
    Status.OVERDUE: _NEW | _ALIVE | {Status.LITIGATION},
    Status.PAUSED: _NEW | _ALIVE,
    Status.RESTRUCTURED: _NEW | _ALIVE | {Status.LITIGATION},
    Status.LITIGATION: _NEW | _ARREARS,
    Status.CHARGED_OFF: _NEW | _ARREARS,
    Status.GUARANTOR_PAID: frozenset(_ARREARS),
    Status.ASSET_SETTLED: frozenset(_ARREARS),
    Status.SOLD: frozenset(OPEN),
    Status.SETTLED: frozenset(OPEN),
    Status.DELETED_ERROR: frozenset(frozenset(Status) - DELETED),
    Status.DELETED_FRAUD: frozenset(frozenset(Status) - DELETED),
}


class Product(StrEnum):
    """What kind of credit an account is."""

    CASH_LOAN = "cash_loan"
    INSTALMENT = "instalment"
    BULLET_LOAN = "bullet_loan"
    CREDIT_LINE = "credit_line"
    LINE_DRAW = "line_draw"
    CREDIT_CARD = "credit_card"
    BNPL = "bnpl"
    AUTO_LOAN = "auto_loan"
    MORTGAGE = "mortgage"
    BUSINESS_LOAN = "business_loan"
    LEASE = "lease"
    GUARANTEE_CLAIM = "guarantee_claim"
    ASSIGNED_DEBT = "assigned_debt"


class SubjectRole(StrEnum):
    """In what capacity the subject stands in for the account."""

    BORROWER = "borrower"
    CO_BORROWER = "co_borrower"
    GUARANTOR = "guarantor"


class Transfer(IntEnum):
    """Whether the account changed hands."""

    NONE = 0
    OUT = 1  # SOLD
    IN = 2  # reported by the buyer with reason TRANSFER_IN


def today_in(zone: str, now: int) -> date:
    """Return the calendar day of a moment (unix seconds) in an IANA time zone."""
    return _day_of_minute(zone, now // 60)


@lru_cache(maxsize=1024)
def _day_of_minute(zone: str, minute: int) -> date:
    return datetime.fromtimestamp(minute * 60, ZoneInfo(zone)).date()


def day(when: date) -> int:
    """Count the days from 1970-01-01."""
    return when.toordinal() - _EPOCH


def date_of(days: int) -> date:
    """Return the date this many days after 1970-01-01."""
    return date.fromordinal(days + _EPOCH)


def month(when: date) -> int:
    """Number a date's calendar month: 12 times the year, plus 0 to 11."""
    return when.year * 12 + when.month - 1


def month_text(number: int) -> str:
    """Write a month number as `YYYY-MM`."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def later(when: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day where it is shorter."""
    year, rest = divmod(month(when) + months, 12)
    return date(year, rest + 1, min(when.day, monthrange(year, rest + 1)[1]))


def bucket(dpd: int) -> int:
    """Return the bucket of whole days past due, by the scheme `core`.

    Source: edges as in PBOC repayment status 1 to 7 (to be confirmed).
    """
    return 0 if dpd == 0 else min(BUCKET_MAX, (dpd + 29) // 30)


def status_bucket(status: Status, dpd: int) -> int:
    """Return the bucket of an account: charged off is the worst."""
    return BUCKET_MAX if status is Status.CHARGED_OFF else bucket(dpd)


def class_floor(status: Status, dpd: int) -> int:
    """Return the best of the five classes (1 to 5) that such a debt may carry.

    Source: Measures for risk classification of financial assets (2023); restructured debts at
    least 2 (to be confirmed).
    """
    if status is Status.CHARGED_OFF or dpd > 360:
        return 5
    if dpd > 270:
        return 4
    if dpd > 90:
        return 3
    return 2 if dpd > 0 or status is Status.RESTRUCTURED else 1


class SealedPause(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A declared pause, as it is sealed."""

    starts: int  # day
    ends: int  # day, itself included
    cause: str


class SealedNotice(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How the borrower was told before the running or last episode was listed."""

    sent_at: int  # unix seconds
    channel: str
    template: str
    delivery: str
    ground: str | None


PAYLOAD_FORM = 1  # of the layout below


class RecordPayload(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What is sealed of one version: all that findings and later rows need, and no more."""

    form: int
    as_of: int  # day
    as_of_month: int
    status: Status
    dpd: int  # whole days past due
    bucket: int  # 0 to 7
    overdue_minor: int
    balance_minor: int
    principal_minor: int
    currency: str
    history: str  # newest month first, from as_of_month back
    product: Product
    role: SubjectRole
    opened_on: int  # day
    closed_on: int | None  # day
    status_on: int | None  # day
    oldest_unpaid_due_on: int | None  # day
    first_overdue_on: int | None  # day the running or last episode began
    ended_on: int | None  # day the last episode ended; None while one runs, or if none ever did
    purge_on: int | None  # first day on which it may no longer be used
    five_class: int | None  # 1 to 5
    transfer: Transfer
    transfer_id: bytes | None  # 16 bytes; of the sale once it is sold, else `came_by`
    pauses: tuple[SealedPause, ...]
    notice: SealedNotice | None
    basis: str  # code of the profile; "" where a grant is the basis
    same_dpd: int  # rows in a row, this one included, that reported this dpd
    digest: bytes  # 16 bytes: of the row that made this version
    came_by: bytes | None = None  # transfer id by which it was bought; it stays when resold

    @property
    def open(self) -> bool:
        """Tell whether the account is open."""
        return self.status in OPEN

    @property
    def arrived_by(self) -> bytes | None:
        """Return the transfer by which the account was bought, also after it was sold again."""
        # Versions from before `came_by` was kept say it by their transfer alone.
        return self.came_by or (self.transfer_id if self.transfer is Transfer.IN else None)

    @property
    def episode_runs(self) -> bool:
        """Tell whether a delinquency episode runs."""
        return self.first_overdue_on is not None and self.ended_on is None


_DECODER = msgspec.msgpack.Decoder(RecordPayload)
_ENCODER = msgspec.msgpack.Encoder()


def encode_payload(payload: RecordPayload) -> bytes:
    """Write a payload for sealing; the sealer pads it."""
    return _ENCODER.encode(payload)


def decode_payload(content: bytes) -> RecordPayload:
    """Read a payload that was sealed.

    Raises:
        IntegrityError: it is not one.
    """
    try:
        return _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IntegrityError("a sealed record is not in its own form") from error


class Episode(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One delinquency of an account: from the first day overdue to its cure or end."""

    first_overdue_on: date | None  # None where only the history tells of it
    ended_on: date | None  # None while it runs

    def purge_on(self, profile: Profile) -> date | None:
        """Return the first day past this episode's retention, None while no clock runs."""
        start = self._clock(profile)
        return None if start is None else later(start, 12 * profile.retention_years)

    def _clock(self, profile: Profile) -> date | None:
        if profile.retention_from == "ended_on" or self.first_overdue_on is None:
            return self.ended_on
        if profile.retention_from == "default":  # The first day that counts as non-performing.
            defaulted = self.first_overdue_on.toordinal() + profile.non_performing_days
            return date.fromordinal(defaulted)
        return self.first_overdue_on


def purge_date(episode: Episode | None, closed_on: date | None, profile: Profile) -> date | None:
    """Return the day from which a record may no longer be used, None while that is open.

    An open account whose last episode has ended stays: only the months of that episode go.
    """
    if episode is not None:
        cured = episode.ended_on is not None and closed_on is None
        return None if cured else episode.purge_on(profile)
    return None if closed_on is None else later(closed_on, profile.never_adverse_months)
