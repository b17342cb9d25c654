"""The finding by its formulas, month by month and record by record: slow, plain, independent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from consent.profiles import Profile
from exchange.domain.findings import HeldRecord, Question
from exchange.domain.records import RecordPayload, day

TERMINAL = {
    "GUARANTOR_PAID",
    "ASSET_SETTLED",
    "SOLD",
    "SETTLED",
    "DELETED_ERROR",
    "DELETED_FRAUD",
}
LEVEL = {str(n): n for n in range(1, 8)} | dict.fromkeys("BDZ", 7)
SUMS = ((10, "10+"), (5, "5-9"), (3, "3-4"), (2, "2"), (1, "1"), (0, "0"))
AGES = ((24, "24+"), (12, "12-23"), (6, "6-11"), (3, "3-5"), (0, "0-2"))
LATES = ((6, "6+"), (3, "3-5"), (2, "2"), (1, "1"), (0, "0"))
COUNTS = ((3, "3+"), (2, "2"), (1, "1"), (0, "0"))


def band(value: int, bands: Sequence[tuple[int, str]]) -> str:
    """Return the first band whose edge the value reaches."""
    return next(name for edge, name in bands if value >= edge)


def level(payload: RecordPayload, month: int) -> int:
    """Return h(c(r, m))."""
    back = payload.as_of_month - month
    return LEVEL.get(payload.history[back], 0) if 0 <= back < len(payload.history) else 0


def reference(
    records: Sequence[HeldRecord], question: Question, profile: Profile
) -> tuple[str, dict[str, object]]:
    """Return outcome and finding of one permitted look."""
    today = datetime.fromtimestamp(question.now, ZoneInfo(profile.timezone)).date()
    this_month = today.year * 12 + today.month - 1
    unique = list({record.record_id: record for record in records}.values())
    alive = [
        record
        for record in unique
        if not record.suppressed
        and not record.payload.status.startswith("DELETED")
        and (record.payload.purge_on is None or record.payload.purge_on > day(today))
        and (
            record.payload.status in TERMINAL
            or day(today) - record.payload.as_of <= profile.unvouched_days
        )
    ]
    bought = {record.payload.transfer_id for record in alive if record.payload.transfer == 2}
    bought |= {record.payload.came_by for record in alive if record.payload.came_by}
    theirs = [
        record
        for record in alive
        if record.member != question.asker
        and not (record.payload.status == "SOLD" and record.payload.transfer_id in bought)
    ]
    late = [record for record in theirs if record.disputed and record.answer_late]
    if profile.overdue_effect == "DELETE":
        theirs = [record for record in theirs if record not in late]
    disputed = any(record.disputed for record in theirs)
    theirs = [record for record in theirs if record not in late]
    if profile.dispute_effect == "WITHHOLD":
        theirs = [record for record in theirs if not record.disputed]
    of = question.statement_of
    heard = of is None or of in {record.record_id for record in theirs}
    velocity = {
        days: band(count, SUMS)
        for days, count in zip(("7", "30", "90"), question.velocity, strict=True)
    }
    if not theirs:
        return "NO_DATA", {"velocity": velocity, "dispute": disputed}
    window = [this_month - k for k in range(-1, question.decision.lookback_months)]

    def is_open(record: HeldRecord) -> bool:
        return record.payload.status not in TERMINAL

    def adverse(record: HeldRecord) -> bool:
        now = (
            is_open(record)
            and record.payload.bucket >= profile.adverse_bucket_min
            and record.payload.overdue_minor >= profile.smallest_overdue_minor
        )
        status = record.payload.status in {"CHARGED_OFF", "GUARANTOR_PAID", "ASSET_SETTLED"}
        past = any(level(record.payload, m) >= profile.adverse_bucket_min for m in window)
        return now or status or past

    worst = max(level(record.payload, m) for record in theirs for m in window)
    latest = max(
        (m for record in theirs for m in window if level(record.payload, m) == worst), default=0
    )
    late_months = {
        max(0, this_month - m)
        for record in theirs
        for m in window
        if level(record.payload, m) >= 1 and this_month - m < 12
    }
    members = len({record.member for record in theirs if adverse(record)})
    owing = [record for record in theirs if is_open(record) and adverse(record)]
    total = sum(
        record.payload.overdue_minor
        for record in owing
        if record.payload.currency == profile.currency
    )
    freshest = max(record.payload.as_of_month for record in theirs)
    finding: dict[str, object] = {
        "current_bucket": max([0, *(one.payload.bucket for one in theirs if is_open(one))]),
        "worst_bucket": worst,
        "months_since_worst": band(max(0, this_month - latest), AGES) if worst else "none",
        "late_months": band(len(late_months), LATES),
        "lender_band": "1+" if members and question.contributors < 4 else band(members, COUNTS),
        "open_overdue_band": band(
            sum(is_open(one) and one.payload.bucket >= 1 for one in theirs), COUNTS
        ),
        "overdue_amount_band": sum(edge <= total for edge in profile.amount_edges_minor),
        "other_currency": any(
            one.payload.overdue_minor and one.payload.currency != profile.currency for one in owing
        ),
        "freshest_month": f"{freshest // 12}-{freshest % 12 + 1:02d}",
        "velocity": velocity,
        "dispute": disputed,
        "statement": question.statement if heard else None,
    }
    return ("ADVERSE" if members else "NO_ADVERSE"), finding


def shown(finding: dict[str, object], fields: frozenset[str]) -> dict[str, object]:
    """Cut a finding to the fields that the look may see."""
    seen = fields | ({"other_currency"} if "overdue_amount_band" in fields else frozenset())
    return {name: value for name, value in finding.items() if name in seen}
