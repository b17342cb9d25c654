"""How the fields of one row agree with each other, the profile, the day and the batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from exchange_client.validating.forms import Flaw
from exchange_client.validating.histories import history_fits

CLEAN_PAID: Final = frozenset({"GUARANTOR_PAID", "ASSET_SETTLED", "SETTLED"})
TERMINAL: Final = CLEAN_PAID | {"SOLD", "DELETED_ERROR", "DELETED_FRAUD"}
LATE: Final = frozenset({"OVERDUE", "LITIGATION", "CHARGED_OFF"})
DATED: Final = TERMINAL | {"RESTRUCTURED", "LITIGATION", "CHARGED_OFF"}
DELETED: Final = frozenset({"DELETED_ERROR", "DELETED_FRAUD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Under what a file is judged; what the profile says is the exchange's to publish."""

    today: date  # in the member's time zone
    as_of_from: date
    as_of_to: date
    currency: str = "CNY"
    smallest_overdue_minor: int = 0
    bases: frozenset[str] = frozenset()  # that may stand in place of a grant


class Read:
    """A row whose form is right, its dates read."""

    def __init__(self, row: Mapping[str, object]) -> None:
        self._row = row

    def text(self, name: str) -> str:
        """Return a text, "" where it is absent or null."""
        value = self._row.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """Return a whole number, 0 where it is absent or null."""
        value = self._row.get(name)
        return value if isinstance(value, int) else 0

    def has(self, name: str) -> bool:
        """Tell whether a field is there and not null."""
        return self._row.get(name) is not None

    def day(self, name: str) -> date | None:
        """Return a date, None where it is absent or null."""
        text = self.text(name)
        return date.fromisoformat(text) if text else None

    def items(self, name: str) -> list[dict[str, str]]:
        """Return a list of objects."""
        value = self._row.get(name)
        return value if isinstance(value, list) else []


Rule = Callable[[Read, Circumstances, list[Flaw]], None]


def check_flaws(row: Mapping[str, object], judged_in: Circumstances) -> list[Flaw]:
    """Return what is wrong with a row of the right form; warnings among it."""
    flaws: list[Flaw] = []
    read = Read(row)
    for rule in _RULES:
        rule(read, judged_in, flaws)
    return flaws


def delete_flaws(row: Mapping[str, object], judged_in: Circumstances) -> list[Flaw]:
    """Return what is wrong with a deletion of the right form."""
    as_of = Read(row).day("as_of")
    if as_of and as_of > judged_in.today:
        return [("as_of", "row.as_of_future")]
    if as_of and not judged_in.as_of_from <= as_of <= judged_in.as_of_to:
        return [("as_of", "row.date_order")]
    return []


def bucket_of(status: str, dpd: int) -> int:
    """Return the bucket, by the scheme `core`."""
    if status == "CHARGED_OFF":
        return 7
    return 0 if dpd == 0 else min(7, (dpd + 29) // 30)


def class_floor(status: str, dpd: int) -> int:
    """Return the best of the five classes that such a debt may carry."""
    if status == "CHARGED_OFF" or dpd > 360:
        return 5
    if dpd > 270:
        return 4
    if dpd > 90:
        return 3
    return 2 if dpd > 0 or status == "RESTRUCTURED" else 1


def paused_days(row: Read) -> int:
    """Count the paused days after the oldest unpaid due date, up to as_of; 0 for bad pauses."""
    due, as_of = row.day("oldest_unpaid_due_on"), _day(row, "as_of")
    if due is None or not _pauses_hold(row):
        return 0
    total = 0
    for starts, ends in _spans(row):
        first = max(starts.toordinal(), due.toordinal() + 1)
        total += max(0, min(ends, as_of).toordinal() - first + 1)
    return total


def _day(row: Read, name: str) -> date:
    return row.day(name) or date.min


def _spans(row: Read) -> Sequence[tuple[date, date]]:
    return sorted(
        (date.fromisoformat(one["from"]), date.fromisoformat(one["to"]))
        for one in row.items("pauses")
    )


def _pauses_hold(row: Read) -> bool:
    spans = _spans(row)
    opened = _day(row, "opened_on")
    orderly = all(opened <= starts <= ends and ends.year <= 2199 for starts, ends in spans)
    return orderly and all(one[1] < other[0] for one, other in pairwise(spans))


def _pauses(row: Read, _: Circumstances, flaws: list[Flaw]) -> None:
    if row.items("pauses") and not _pauses_hold(row):
        flaws.append(("pauses", "row.pause"))


def _tokens(row: Read, _: Circumstances, flaws: list[Flaw]) -> None:
    kinds = [one["kind"] for one in row.items("tokens")]
    identities = kinds.count("identity")
    values = {one["value"] for one in row.items("tokens")}
    ordered = kinds[:identities].count("identity") == identities
    counted = 1 <= identities <= 3 and len(kinds) - identities <= 1
    if not (ordered and counted and len(values) == len(kinds)):
        flaws.append(("tokens", "row.token"))


def _as_of(row: Read, judged_in: Circumstances, flaws: list[Flaw]) -> None:
    as_of = _day(row, "as_of")
    if as_of > judged_in.today:
        flaws.append(("as_of", "row.as_of_future"))
    elif not judged_in.as_of_from <= as_of <= judged_in.as_of_to:
        flaws.append(("as_of", "row.date_order"))
    if _day(row, "opened_on").year < 1900:
        flaws.append(("opened_on", "row.date"))


def _dates(row: Read, _: Circumstances, flaws: list[Flaw]) -> None:
    opened, as_of = _day(row, "opened_on"), _day(row, "as_of")
    if opened > as_of:
        flaws.append(("opened_on", "row.date_order"))
    for name in ("status_on", "closed_on", "first_overdue_on"):
        when = row.day(name)
        stays_open = name == "closed_on" and row.text("status") not in TERMINAL
        if when and (stays_open or not opened <= when <= as_of):
            flaws.append((name, "row.date_order"))


def _arrears(row: Read, _: Circumstances, flaws: list[Flaw]) -> None:
    due, first = row.day("oldest_unpaid_due_on"), row.day("first_overdue_on")
    status, dpd = row.text("status"), row.number("dpd")
    if due is None:
        if dpd or row.number("overdue_minor"):
            flaws.append(("oldest_unpaid_due_on", "row.date_order"))
    elif due > _day(row, "as_of") or status in CLEAN_PAID:
        flaws.append(("oldest_unpaid_due_on", "row.date_order"))
    elif first and first.toordinal() > due.toordinal() + 1:
        flaws.append(("first_overdue_on", "row.date_order"))
    if (dpd and not first) or (first and status == "CURRENT"):
        flaws.append(("first_overdue_on", "row.date_order"))


def _amounts(row: Read, judged_in: Circumstances, flaws: list[Flaw]) -> None:
    if row.text("currency") != judged_in.currency:
        flaws.append(("currency", "row.currency"))
    overdue, dpd = row.number("overdue_minor"), row.number("dpd")
    settled_apart = (overdue == 0) is not (dpd == 0) and row.text("status") != "PAUSED"
    if overdue > row.number("balance_minor") or settled_apart:
        flaws.append(("overdue_minor", "row.amount"))
    elif 0 < overdue < judged_in.smallest_overdue_minor:
        flaws.append(("overdue_minor", "row.below_minimum"))


def _derived(row: Read, _: Circumstances, flaws: list[Flaw]) -> None:
    due, dpd, status = row.day("oldest_unpaid_due_on"), row.number("dpd"), row.text("status")
    as_of = _day(row, "as_of")
    if due and dpd != max(0, as_of.toordinal() - due.toordinal() - paused_days(row)):
        flaws.append(("dpd", "row.dpd_mismatch"))
    if row.has("bucket") and row.number("bucket") != bucket_of(status, dpd):
        flaws.append(("bucket", "row.bucket_mismatch"))
    if row.has("five_class") and row.number("five_class") < class_floor(status, dpd):
        flaws.append(("five_class", "row.class_below_floor"))


def _status(row: Read, _: Circumstances, flaws: list[Flaw]) -> None:
    status, dpd, overdue = row.text("status"), row.number("dpd"), row.number("overdue_minor")
    if status in DELETED:
        flaws.append(("status", "row.code"))
        return
    if status in CLEAN_PAID | {"CURRENT"} and (dpd or overdue):
        flaws.append(("dpd" if dpd else "overdue_minor", "row.status_fields"))
    elif status in LATE and not (dpd and overdue):
        flaws.append(("overdue_minor" if dpd else "dpd", "row.status_fields"))
    if status in CLEAN_PAID and row.number("balance_minor"):
        flaws.append(("balance_minor", "row.status_fields"))
    _dated(row, flaws)


def _dated(row: Read, flaws: list[Flaw]) -> None:
    status, as_of = row.text("status"), _day(row, "as_of")
    if status in DATED:
        if not row.has("status_on"):
            flaws.append(("status_on", "row.status_fields"))
        elif status in TERMINAL and row.day("closed_on") != row.day("status_on"):
            flaws.append(("closed_on", "row.status_fields"))
    elif status == "PAUSED" and not any(one <= as_of <= end for one, end in _spans(row)):
        flaws.append(("pauses", "row.status_fields"))


def _history(row: Read, _: Circumstances, flaws: list[Flaw]) -> None:
    told, opened, as_of = row.text("history"), _day(row, "opened_on"), _day(row, "as_of")
    if told and opened <= as_of:
        level = bucket_of(row.text("status"), row.number("dpd"))
        if not history_fits(told, row.text("status"), level, (opened, as_of)):
            flaws.append(("history", "row.history_form"))


def _basis(row: Read, judged_in: Circumstances, flaws: list[Flaw]) -> None:
    grant, basis = row.text("grant"), row.text("basis")
    if grant and basis:
        flaws.append(("basis", "row.shape"))
    elif basis and basis not in judged_in.bases:
        flaws.append(("basis", "row.code"))
    elif not grant and not basis:
        flaws.append(("grant", "row.grant_missing"))


def _reason(row: Read, _: Circumstances, flaws: list[Flaw]) -> None:
    reason, previous = row.text("reason"), row.text("previous_ref")
    if (reason == "RENUMBER") is not bool(previous) or previous == row.text("account_ref"):
        flaws.append(("previous_ref", "row.reason"))
    if row.text("status") == "SOLD" or reason == "TRANSFER_IN":
        if not row.has("transfer_id"):
            flaws.append(("transfer_id", "row.transfer"))
    elif row.has("transfer_id") and reason != "AMEND":
        flaws.append(("transfer_id", "row.transfer"))


def _plausible(row: Read, _: Circumstances, flaws: list[Flaw]) -> None:
    if not row.number("dpd"):
        return
    if row.number("overdue_minor") > 3 * row.number("principal_minor"):
        flaws.append(("overdue_minor", "plaus.overdue_over_3x_principal"))
    if row.day("first_overdue_on") == row.day("opened_on"):
        flaws.append(("first_overdue_on", "plaus.overdue_on_opening_day"))
    if not row.has("five_class") and row.number("dpd") > 90:
        flaws.append(("five_class", "plaus.class_stale"))


_RULES: Final[tuple[Rule, ...]] = (
    *(_pauses, _tokens, _as_of, _dates, _arrears, _amounts, _derived),
    *(_status, _history, _basis, _reason, _plausible),
)
