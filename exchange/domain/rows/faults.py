"""What can be wrong with a row: a field and a code, never a value, never another member's data."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

FAULTS_A_ROW_MAX = 8
LIVE_ACCOUNTS_MAX = 20  # of one subject with one member; more: plaus.token_on_many_accounts


class Severity(StrEnum):
    """A rejected row is not stored; a warning is stored with the row."""

    REJECT = "REJECT"
    WARN = "WARN"


# Code -> the rule, in words that may stand in an answer.
RULES = {
    "row.account_ref": "1 to 64 of A-Z a-z 0-9 _ . : -, never digits alone",
    "row.after_fraud_delete": "an account deleted for fraud is never reported again",
    "row.amount": "0 to 10^15 minor units; overdue within balance; overdue 0 exactly when dpd is 0",
    "row.as_of_backwards": "as_of lies before the stored one; a correction says AMEND",
    "row.as_of_future": "as_of lies after today in the member's time zone",
    "row.below_minimum": "the overdue amount is below the least that the profile lets report",
    "row.bucket_mismatch": "bucket is derived from dpd; leave it out or give that value",
    "row.class_below_floor": "five_class is better than a debt of this age may carry",
    "row.code": "the value is not one of the closed list",
    "row.currency": "the currency is not the profile's",
    "row.date": "a date is YYYY-MM-DD, a real day from 1900-01-01 to 2199-12-31",
    "row.date_order": "the dates contradict each other, the status or the batch's period",
    "row.dpd_mismatch": "dpd is not the days from oldest_unpaid_due_on to as_of without pauses",
    "row.duplicate": "the account stands in more than one row of the file",
    "row.duplicate_field": "a name stands twice in one object",
    "row.first_overdue_changed": "first_overdue_on stays the same until a cure",
    "row.grant_expired": "the grant is not in force at submission",
    "row.grant_missing": "a live contribute grant, or a basis code of the profile, is needed",
    "row.grant_purpose": "the grant was given for another purpose",
    "row.grant_subject": "the grant speaks of another subject",
    "row.grant_withdrawn": "the grant was withdrawn, revoked or paused",
    "row.history_conflict": "the history tells a month differently from what is stored",
    "row.history_form": "the history is too long, impossible, or disagrees with the status",
    "row.notice_early": "the notice was sent too late: its days had not passed at submission",
    "row.notice_ground": "the notice failed or is reused, and its ground does not allow that",
    "row.notice_missing": "the first adverse row of an episode needs a notice",
    "row.notice_template": "the template is no registered notice, or was retired when it was sent",
    "row.pause": "pauses are disjoint, start after the opening and stay once they are over",
    "row.reason": "the reason does not fit the stored account or previous_ref",
    "row.server_field": "the exchange sets this field; leave it out",
    "row.shape": "the field is missing, has the wrong type, or does not belong to this op",
    "row.status_fields": "the status needs other values of dpd, amounts, dates or pauses",
    "row.status_transition": "this status cannot follow the stored one",
    "row.subject_changed": "the account was reported for another subject in this epoch",
    "row.superseded": "a later file has reported this account; the row was left out",
    "row.token": "1 to 3 identity tokens, then at most 1 contact token, canonical, all different",
    "row.transfer": "SOLD and TRANSFER_IN carry one transfer_id, and tell the arrear alike",
    "row.unknown_field": "the format has no such field",
    "plaus.class_stale": "above 90 days past due without five_class",
    "plaus.dpd_jump": "dpd rose by more than the days that passed",
    "plaus.one_amount": "more than 30 % of the file's rows share one overdue amount",
    "plaus.overdue_on_opening_day": "overdue on the day it was opened",
    "plaus.overdue_over_3x_principal": "overdue more than three times the principal",
    "plaus.reopened_within_7_days": "overdue again within 7 days of a cure",
    "plaus.stuck": "the same dpd in three reports, and no pause",
    "plaus.token_on_many_accounts": "one account more, of a subject with over 20 live ones",
}


class Flaw(NamedTuple):
    """A field of a row, and the code of the rule that it breaks."""

    field: str
    code: str

    @property
    def severity(self) -> Severity:
        """Tell whether the row is refused."""
        warns = self.code.startswith("plaus.") or self.code == "row.superseded"
        return Severity.WARN if warns else Severity.REJECT


class RowFault(NamedTuple):
    """A flaw and the line of the file it stands in, the header being line 1."""

    line: int
    field: str
    code: str
    severity: Severity


def rejects(flaws: list[Flaw]) -> bool:
    """Tell whether these flaws keep a row from being stored."""
    return any(flaw.severity is Severity.REJECT for flaw in flaws)


def row_faults(line: int, flaws: list[Flaw]) -> list[RowFault]:
    """Give flaws their line: refusals first, at most 8."""
    ordered = sorted(flaws, key=lambda flaw: flaw.severity is Severity.WARN)
    return [
        RowFault(line, flaw.field, flaw.code, flaw.severity) for flaw in ordered[:FAULTS_A_ROW_MAX]
    ]
