"""What of a history may still be shown: months of episodes past their retention are unknown.

In:  a payload as it is sealed, the profile, and today.
Out: its history with those months hidden. It holds by date, whether or not a purge has run.
Older episodes than the last stand in the history alone; each is taken to have ended with its last
late month, and to have begun with the first day of its first one: the earliest days it can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from consent.profiles import Profile
from exchange.domain.history import hidden, levels
from exchange.domain.records import Episode, RecordPayload, date_of, month


def shown_history(payload: RecordPayload, profile: Profile, today: date) -> str:
    """Return the history, newest month first, without what is past its retention."""
    told = payload.history
    oldest = payload.as_of_month - len(told) + 1
    if month(today) - oldest < 12 * profile.retention_years:
        return told  # The usual case: nothing in it is old enough.
    through = max(
        (
            last
            for first, last in _late_runs(told, payload.as_of_month)
            if _is_past(_episode(first, last, payload), profile, today)
        ),
        default=None,
    )
    return told if through is None else hidden(told, payload.as_of_month, through)


def month_start(number: int) -> date:
    """Return the first day of a month by its number."""
    return date(number // 12, number % 12 + 1, 1)


def _late_runs(told: str, newest: int) -> Iterator[tuple[int, int]]:
    """Yield first and last month of each run of late months, the newest run first."""
    late = levels(told, len(told))
    last: int | None = None
    for k, level in enumerate((*late, 0)):
        if level and last is None:
            last = newest - k
        elif not level and last is not None:
            yield newest - k + 1, last
            last = None


def _episode(first: int, last: int, payload: RecordPayload) -> Episode:
    """Return the episode of a run: the payload's own one where it is that, else from its months."""
    begun = payload.first_overdue_on
    ended = payload.ended_on
    if begun is not None and last >= month(date_of(begun)):
        return Episode(
            first_overdue_on=date_of(begun), ended_on=None if ended is None else date_of(ended)
        )
    ended_on = date.fromordinal(month_start(last + 1).toordinal() - 1)
    return Episode(first_overdue_on=month_start(first), ended_on=ended_on)


def _is_past(episode: Episode, profile: Profile, today: date) -> bool:
    over = episode.purge_on(profile)
    return over is not None and over <= today
