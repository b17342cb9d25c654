"""Rules that compare shares: no data, purposes, refusals, odd hours, looks without loans."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from fractions import Fraction

from exchange.domain.flags.events import BASELINE_SECONDS, DAY, HOUR, Event, Flag
from exchange.domain.flags.rule import Numbers, Once, Window


def _outcome(event: Event) -> str:
    return event.outcome


def _purpose(event: Event) -> str:
    return event.purpose


class _LastLooks:
    """The last looks of each member, counted, once there are enough of them."""

    def __init__(
        self, numbers: Numbers, counted: Callable[[Event], str], before_min: int = 0
    ) -> None:
        self._length = numbers["last_queries"]
        self._counted = counted
        self._before_min = before_min  # looks before them, to compare with
        self._windows: dict[str, Window] = {}

    def add(self, event: Event) -> Window | None:
        """Take the next entry; return its member's window if it is full."""
        if event.kind != "query":
            return None
        new = Window(self._length, self._counted)
        window = self._windows.setdefault(event.member, new)
        full = window.add(event) and len(window.before) >= self._before_min
        return window if full else None


class NoData:
    """enumeration/1: far more looks than before meet nobody, as guesses do."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._last = _LastLooks(numbers, _outcome, max(1, numbers["before_min"]))
        self._once = Once()

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        window = self._last.add(event)
        if window is None:
            return
        length = self._numbers["last_queries"]
        now = Fraction(window.counts["NO_DATA"], length)
        before = Fraction(window.before_counts["NO_DATA"], len(window.before))
        risen = now >= before + Fraction(self._numbers["points"], 100)
        if risen and self._once.first(event.member, event.day):
            yield Flag.of("enumeration/1", event.member, window.of("NO_DATA"))


class Drift:
    """purpose_drift/1: a member asks for other purposes than it used to."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._last = _LastLooks(numbers, _purpose, max(1, numbers["before_min"]))
        self._once = Once()

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        window = self._last.add(event)
        if window is None:
            return
        length = self._numbers["last_queries"]
        for purpose in sorted({*+window.counts, *+window.before_counts}):
            now = Fraction(window.counts[purpose], length)
            before = Fraction(window.before_counts[purpose], len(window.before))
            off = abs(now - before) >= Fraction(self._numbers["points"], 100)
            if off and self._once.first(event.member, purpose, event.day):
                hits = window.of(purpose) or [event]
                yield Flag.of("purpose_drift/1", event.member, hits)


class Probing:
    """probing/1: many looks are refused, as if somebody tried what would pass."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._last = _LastLooks(numbers, _outcome)
        self._once = Once()

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        window = self._last.add(event)
        if window is None:
            return
        length = self._numbers["last_queries"]
        refused = window.counts["WITHHELD"] * 100 > self._numbers["percent"] * length
        if refused and self._once.first(event.member, event.day):
            yield Flag.of("probing/1", event.member, window.of("WITHHELD"))


class OddHours:
    """odd_hours/1: an operator looks at night where the member hardly ever does."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._before: dict[str, deque[tuple[int, bool]]] = defaultdict(deque)  # (at, odd)
        self._nights: dict[tuple[str, str], tuple[int, list[Event]]] = {}
        self._once = Once()

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        if event.kind != "query":
            return
        local = event.at + self._numbers["offset_seconds"]
        hour, day = local % DAY // HOUR, local // DAY
        odd = self._numbers["from_hour"] <= hour < self._numbers["to_hour"]
        self._before[event.member].append((event.at, odd))
        if not odd:
            return
        place = (event.member, event.operator)
        known, night = self._nights.get(place, (day, []))
        night = [*night, event] if known == day else [event]
        self._nights[place] = (day, night)
        many = len(night) > self._numbers["queries"] and not self._once.has(*place, day)
        if many and self._unusual(event.member, day * DAY - self._numbers["offset_seconds"]):
            self._once.first(*place, day)
            yield Flag.of("odd_hours/1", event.member, night)

    def _unusual(self, member: str, start: int) -> bool:
        """Tell whether the member hardly asked in odd hours in the 90 days before the day."""
        past = self._before[member]
        while past and past[0][0] < start - BASELINE_SECONDS:
            past.popleft()
        before = [odd for at, odd in past if at < start]
        if len(before) < max(1, self._numbers["before_min"]):
            return False
        return sum(before) * 100 < self._numbers["percent"] * len(before)


class LooksWithoutLoans:
    """no_application/1: a member looks at many who never become borrowers."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._young: dict[str, deque[Event]] = defaultdict(deque)
        self._old: dict[str, deque[Event]] = defaultdict(deque)
        self._loans: dict[tuple[str, str], int] = {}  # index of the newest
        self._once = Once()

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        if event.kind in ("disbursement", "record"):
            self._loans[event.member, event.subject] = event.index
        if event.kind != "query" or event.purpose != "credit_application":
            return
        young, old = self._young[event.member], self._old[event.member]
        young.append(event)
        while young and young[0].at <= event.at - self._numbers["older_days"] * DAY:
            old.append(young.popleft())
        length = self._numbers["last_queries"]
        while len(old) > length:
            old.popleft()
        if len(old) < length or self._once.has(event.member, event.day):
            return
        led = sum(self._loans.get((one.member, one.subject), -1) > one.index for one in old)
        if led * 100 < self._numbers["loans_percent"] * length:
            self._once.first(event.member, event.day)
            yield Flag.of("no_application/1", event.member, old)
