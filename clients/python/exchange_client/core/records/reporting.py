"""Reports about one's own contribution: data quality by month, and the depth that it earns."""

from __future__ import annotations

from dataclasses import dataclass

from exchange_client.core.calls import Flow, get
from exchange_client.core.encoding import JSON
from exchange_client.errors import UnverifiedResponse

_PARTS = ("timely", "valid", "complete", "fresh", "plausible", "upheld", "dqi")


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityMonth:
    """One month's measure: six parts and their index, each 0 to 100."""

    month: str  # YYYY-MM
    timely: int
    valid: int
    complete: int
    fresh: int
    plausible: int
    upheld: int
    dqi: int
    quality: str  # GOOD, FAIR, POOR or NEW
    contribution: str  # FULL_BOOK, ADVERSE_ONLY or NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """How well a member contributes, and how deep the answers are that this earns."""

    member: str
    earned: str  # ALL, NO_VELOCITY, FLAG or NOTHING
    next_earned: str | None  # None: no change is announced
    next_at: int | None  # unix seconds
    months: tuple[QualityMonth, ...]  # the newest first


def fetch_quality() -> Flow[list[QualityReport]]:
    """Fetch the report of one's own; a regulator gets those of all members."""
    reply = yield get("/v1/reports/data-quality")
    reports = reply.json().get("reports")
    if not isinstance(reports, list):
        raise UnverifiedResponse("the response holds no reports")
    try:
        return [_report(one) for one in reports]
    except (ValueError, KeyError) as error:
        raise UnverifiedResponse("a report is not in its form") from error


def _report(told: JSON) -> QualityReport:
    if not isinstance(told, dict) or not isinstance(told["months"], list):
        raise ValueError("no report")
    change = told["next"]
    after = change if isinstance(change, dict) else {}
    effective_at = after.get("effective_at")
    return QualityReport(
        member=str(told["member"]),
        earned=str(told["earned"]),
        next_earned=str(after["earned"]) if after else None,
        next_at=effective_at if isinstance(effective_at, int) else None,
        months=tuple(_month(one) for one in told["months"]),
    )


def _month(told: JSON) -> QualityMonth:
    if not isinstance(told, dict):
        raise ValueError("no month")
    parts = {name: told[name] for name in _PARTS}
    whole = {name: part for name, part in parts.items() if type(part) is int}
    if len(whole) < len(_PARTS):
        raise ValueError("a part is no whole number")
    return QualityMonth(
        month=str(told["month"]),
        quality=str(told["quality"]),
        contribution=str(told["contribution"]),
        **whole,
    )
