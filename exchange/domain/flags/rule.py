"""What a rule is, and what the rules share: matters raised once, and shares before a window."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from exchange.domain.flags.events import BASELINE_SECONDS, Event, Flag


class Rule(Protocol):
    """A rule: it is fed every entry by index, and raises flags at the entry that shows them."""

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        ...


class Once:
    """Matters that were raised."""

    def __init__(self) -> None:
        self._raised: set[Hashable] = set()

    def first(self, *matter: Hashable) -> bool:
        """Tell whether this matter is new, and note it."""
        if matter in self._raised:
            return False
        self._raised.add(matter)
        return True

    def has(self, *matter: Hashable) -> bool:
        """Tell whether this matter was raised."""
        return matter in self._raised


@dataclass(slots=True)
class Window:
    """The last entries of one member, and the counts of what lies before them."""

    length: int
    key: Callable[[Event], str]  # what the shares are of
    last: deque[Event] = field(default_factory=deque)
    counts: Counter[str] = field(default_factory=Counter)  # of the last entries, by key
    before: deque[Event] = field(default_factory=deque)
    before_counts: Counter[str] = field(default_factory=Counter)

    def add(self, event: Event) -> bool:
        """Take an entry; tell whether the window is full."""
        self.last.append(event)
        self.counts[self.key(event)] += 1
        if len(self.last) > self.length:
            left = self.last.popleft()
            self.counts[self.key(left)] -= 1
            self.before.append(left)
            self.before_counts[self.key(left)] += 1
        oldest = self.last[0].at - BASELINE_SECONDS
        while self.before and self.before[0].at < oldest:
            self.before_counts[self.key(self.before.popleft())] -= 1
        return len(self.last) == self.length

    def of(self, wanted: str) -> list[Event]:
        """Return the entries of the window that have this key."""
        return [event for event in self.last if self.key(event) == wanted]


Numbers = Mapping[str, int]


def first_about(events: Iterable[Event]) -> list[Event]:
    """Return the first entry about each subject."""
    found: dict[str, Event] = {}
    for event in events:
        found.setdefault(event.subject, event)
    return list(found.values())
