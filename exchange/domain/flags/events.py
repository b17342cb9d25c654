"""What the rules read and what they raise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HOUR, DAY = 3_600, 86_400  # seconds
BASELINE_SECONDS = 90 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One opened entry, as far as a rule may look at it."""

    index: int
    t: int  # unix seconds, as the entry says
    at: int  # the largest t up to this entry
    kind: str
    member: str = ""
    subject: str = ""  # pseudonym
    purpose: str = ""
    outcome: str = ""
    operator: str = ""
    application: str = ""
    numbers: Mapping[str, int] | None = None  # of a `usage` entry
    staff: tuple[str, ...] = ()  # pseudonyms of an `admin` entry that lists a member's staff

    @property
    def day(self) -> int:
        """The UTC day, counted from 1970."""
        return self.at // DAY


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Flag:
    """One thing to look at, and the entries that show it."""

    rule: str  # with its version
    member: str  # "" where no member is meant
    start: int  # t of the earliest hit
    end: int  # t of the latest hit
    hits: tuple[int, ...]  # indices, ascending

    @classmethod
    def of(cls, rule: str, member: str, hits: Iterable[Event]) -> Flag:
        """Raise a flag over entries."""
        shown = sorted(hits, key=lambda event: event.index)
        times = [event.t for event in shown]
        return cls(
            rule=rule,
            member=member,
            start=min(times),
            end=max(times),
            hits=tuple(event.index for event in shown),
        )


_WORDS = ("kind", "member", "subject", "purpose", "outcome", "operator", "application")
_NUMBERS = ("evaluations", "queries", "rows", "proofs")


def event_of(
    index: int, latest: int, subject: Mapping[str, object], audit: Mapping[str, object]
) -> Event:
    """Read the two payloads of an entry.

    Args:
        index: of the entry.
        latest: the largest t of the entries before it.
        subject: payload of its subject slot.
        audit: payload of its audit slot.
    """
    said = {**audit, **subject}
    t = said.get("t")
    time = t if isinstance(t, int) else latest
    words = {name: str(said.get(name, "")) for name in _WORDS}
    numbers = {name: value for name in _NUMBERS if isinstance(value := said.get(name), int)}
    staff = said.get("staff")
    return Event(
        index=index,
        t=time,
        at=max(latest, time),
        numbers=numbers if words["kind"] == "usage" else None,
        staff=tuple(map(str, staff)) if isinstance(staff, list) else (),
        **words,
    )
