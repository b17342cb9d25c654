"""The notice that is owed to the borrower before an arrear is listed for the first time.

Source: 征信业管理条例 art. 15; days by profile; grounds after PBOC practice (to be confirmed).
"""

from __future__ import annotations

from datetime import date, timedelta

from consent.profiles import Profile
from exchange.domain import history
from exchange.domain.records import (
    ADVERSE_BY_STATUS,
    OPEN,
    RecordPayload,
    date_of,
    later,
    month,
    status_bucket,
    today_in,
)
from exchange.domain.rows.checks import Submission
from exchange.domain.rows.faults import Flaw
from exchange.domain.rows.forms import Delivery, Ground, Notice, Reason, Row

_DAY_SECONDS = 86_400
_GROUND_MONTHS = 24
_TIMED = frozenset({Ground.UNREACHABLE, Ground.EMIGRATED, Ground.IMPRISONED, Ground.CHARGED_OFF})


def check_notice(row: Row, kept: RecordPayload | None, submission: Submission) -> list[Flaw]:
    """Return what is wrong with the notice, if this row is the first to list its arrear."""
    days = submission.profile.notice_days_before
    if days is None or not _lists_anew(row, kept, submission):
        return []
    notice = row.notice
    if notice is None:
        return [Flaw("notice", "row.notice_missing")]
    if not _registered(notice, submission):
        return [Flaw("notice", "row.notice_template")]
    if notice.sent_at > submission.submitted_at - days * _DAY_SECONDS:
        return [Flaw("notice", "row.notice_early")]
    if not _grounded(notice, row, submission):
        return [Flaw("notice", "row.notice_ground")]
    return []


def _registered(notice: Notice, submission: Submission) -> bool:
    """Tell whether the notice was sent in the words of a registered one, before it was retired."""
    templates = submission.templates
    if templates is None:
        return True
    if notice.template not in templates:
        return False
    retired_at = templates[notice.template]
    return retired_at is None or notice.sent_at < retired_at


def _lists_anew(row: Row, kept: RecordPayload | None, submission: Submission) -> bool:
    """Tell whether something adverse is said that was not said before in this episode."""
    profile = submission.profile
    now = row.status in ADVERSE_BY_STATUS or (
        row.status in OPEN
        and status_bucket(row.status, row.dpd) >= profile.adverse_bucket_min
        and row.overdue_minor >= profile.smallest_overdue_minor
    )
    if kept is None:
        if now or not row.history:
            return now
        past = history.levels(row.history, len(row.history))
        return max(past, default=0) >= profile.adverse_bucket_min
    return now and not _listed(kept, profile.adverse_bucket_min)


def _listed(kept: RecordPayload, bucket_min: int) -> bool:
    """Tell whether the running episode was listed before."""
    if kept.first_overdue_on is None or kept.ended_on is not None:
        return False
    months = kept.as_of_month - month(date_of(kept.first_overdue_on)) + 1
    return max(history.levels(kept.history, months), default=0) >= bucket_min


def _grounded(notice: Notice, row: Row, submission: Submission) -> bool:
    """Tell whether a failed or reused notice has a ground that still holds."""
    ground = notice.ground
    if ground is None:
        return notice.delivery is not Delivery.FAILED
    if ground is Ground.SAME_EPISODE:
        # Until the cure: only the buyer of an account lists an episode that was listed before.
        return row.reason is Reason.TRANSFER_IN
    zone = submission.profile.timezone
    expires = later(today_in(zone, notice.sent_at), _GROUND_MONTHS)
    return ground not in _TIMED or today_in(zone, submission.submitted_at) <= expires


def owed_until(kept: RecordPayload, listed_at: int, profile: Profile) -> date | None:
    """Return the day by which a notice after the listing is owed, None where none is.

    Args:
        listed_at: when the running arrear was first told (unix seconds).
    """
    days = profile.notice_days_after
    told = kept.notice is not None and kept.notice.sent_at >= listed_at
    if days is None or told or not kept.episode_runs:
        return None
    return today_in(profile.timezone, listed_at) + timedelta(days=days)
