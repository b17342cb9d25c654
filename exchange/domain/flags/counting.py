"""Rules that count: subjects an hour, uses of an application, repeats, spikes, stacking."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from fractions import Fraction

from exchange.domain.flags.events import DAY, HOUR, Event, Flag
from exchange.domain.flags.rule import Numbers, Once, first_about

WEEK_HOURS = 7 * 24


class HourOfSubjects:
    """enumeration/1: an operator asks about more subjects in a clock hour than anybody serves."""

    def __init__(self, numbers: Numbers) -> None:
        self._subjects_max = numbers["hour_subjects"]
        self._hours: dict[tuple[str, str], tuple[int, dict[str, Event]]] = {}
        self._once = Once()

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        if event.kind != "query":
            return
        hour, place = event.at // HOUR, (event.member, event.operator)
        known, firsts = self._hours.get(place, (hour, {}))
        if known != hour:
            firsts = {}
        firsts.setdefault(event.subject, event)
        self._hours[place] = (hour, firsts)
        if len(firsts) > self._subjects_max and self._once.first(*place, hour):
            yield Flag.of("enumeration/1", event.member, firsts.values())


class SharedApplication:
    """no_application/1: one application is used to look at several people."""

    def __init__(self, numbers: Numbers) -> None:
        self._firsts: dict[tuple[str, str], dict[str, Event]] = defaultdict(dict)
        self._once = Once()

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        if event.kind != "query" or not event.application or event.purpose == "guarantor_check":
            return
        place = (event.member, event.application)
        firsts = self._firsts[place]
        firsts.setdefault(event.subject, event)
        if len(firsts) > 1 and self._once.first(*place):
            yield Flag.of("no_application/1", event.member, firsts.values())


class Spike:
    """volume_spike/1: an hour far above that hour of the weeks before."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._counts: dict[str, Counter[int]] = defaultdict(Counter)  # member: hour: queries
        self._hour: dict[str, list[Event]] = defaultdict(list)
        self._once = Once()

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        if event.kind != "query":
            return
        hour, counts, current = event.at // HOUR, self._counts[event.member], self._hour
        if current[event.member] and current[event.member][0].at // HOUR != hour:
            current[event.member] = []
        current[event.member].append(event)
        counts[hour] += 1
        if counts[hour] <= self._numbers["queries"] or self._once.has(event.member, hour):
            return
        if self._is_spike(counts, hour):
            self._once.first(event.member, hour)
            yield Flag.of("volume_spike/1", event.member, current[event.member])

    def _is_spike(self, counts: Counter[int], hour: int) -> bool:
        weeks = range(1, self._numbers["weeks"] + 1)
        if min(counts) > hour - self._numbers["weeks"] * WEEK_HOURS:
            return False  # The member has not asked for so many weeks yet.
        usual = [Fraction(counts.get(hour - week * WEEK_HOURS, 0)) for week in weeks]
        middle = median(usual)
        deviation = median([abs(one - middle) for one in usual])
        return counts[hour] > middle + self._numbers["mads"] * deviation


def median(values: list[Fraction]) -> Fraction:
    """Return the median; of an even number of values the mean of the middle two."""
    ordered, half = sorted(values), len(values) // 2
    if len(values) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2


class Repeats:
    """repeat/1: a member asks about one subject again and again within a day."""

    def __init__(self, numbers: Numbers) -> None:
        self._times_max = numbers["times"]
        self._recent: dict[tuple[str, str], deque[Event]] = defaultdict(deque)
        self._once = Once()

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        if event.kind != "query":
            return
        place = (event.member, event.subject)
        recent = _within_a_day(self._recent[place], event)
        if len(recent) > self._times_max and self._once.first(*place, event.day):
            yield Flag.of("repeat/1", event.member, recent)


class Stacking:
    """stacking/1: several members are asked for credit by one subject within a day."""

    def __init__(self, numbers: Numbers) -> None:
        self._members = numbers["members"]
        self._recent: dict[str, deque[Event]] = defaultdict(deque)
        self._once = Once()

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        if event.kind != "query" or event.purpose != "credit_application":
            return
        recent = _within_a_day(self._recent[event.subject], event)
        members = {one.member for one in recent}
        if len(members) >= self._members and self._once.first(event.subject, event.day):
            yield Flag.of("stacking/1", "", recent)


class Newcomer:
    """insider/1: an operator nobody knew yesterday looks at many people, or somebody at staff."""

    def __init__(self, numbers: Numbers) -> None:
        self._subjects_max = numbers["subjects"]
        self._seen: dict[tuple[str, str], list[Event]] = {}
        self._staff: dict[str, frozenset[str]] = {}
        self._once = Once()

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        if event.staff:
            self._staff[event.member] = frozenset(event.staff)
        if event.kind != "query":
            return
        listed = event.subject in self._staff.get(event.member, ())
        if listed and self._once.first("staff", event.member, event.subject, event.day):
            yield Flag.of("insider/1", event.member, [event])
        place = (event.member, event.operator)
        seen = self._seen.setdefault(place, [event])
        if event.at - seen[0].at >= DAY or self._once.has("new", *place):
            return
        seen.append(event)
        firsts = first_about(seen)
        if len(firsts) > self._subjects_max and self._once.first("new", *place):
            yield Flag.of("insider/1", event.member, firsts)


def _within_a_day(recent: deque[Event], event: Event) -> deque[Event]:
    recent.append(event)
    while recent[0].at <= event.at - DAY:
        recent.popleft()
    return recent
