"""The rules, each as its definition reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from exchange_client.audit.flags.looks import (
    BEFORE_SECONDS,
    DAY_SECONDS,
    HOUR_SECONDS,
    Look,
    Numbers,
    Raised,
    day,
    once_about_each,
    queries_of,
    raised,
)

WEEK_SECONDS = 7 * DAY_SECONDS


def hour_of_subjects(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """enumeration/1: too many subjects of an operator in one clock hour."""
    for member, queries in queries_of(looks).items():
        hours: dict[tuple[str, int], list[Look]] = {}
        for look in queries:
            place = (look.word("operator"), look.at // HOUR_SECONDS)
            hours.setdefault(place, []).append(look)
        for asked in hours.values():
            firsts = once_about_each(asked)
            if len(firsts) > numbers["hour_subjects"]:
                yield raised("enumeration/1", member, firsts[: numbers["hour_subjects"] + 1])


def no_data(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """enumeration/1: the share of NO_DATA rises."""
    for member, queries in queries_of(looks).items():
        days: set[int] = set()
        for last, before in _windows(
            queries, numbers["last_queries"], max(1, numbers["before_min"])
        ):
            hits = [look for look in last if look.word("outcome") == "NO_DATA"]
            past = sum(look.word("outcome") == "NO_DATA" for look in before)
            # hits/last >= past/before + points/100, without fractions
            risen = 100 * len(hits) * len(before) >= 100 * past * len(last) + numbers[
                "points"
            ] * len(last) * len(before)
            if risen and day(last[-1]) not in days:
                days.add(day(last[-1]))
                yield raised("enumeration/1", member, hits)


def evaluations(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """enumeration/1: evaluations beyond what was asked and reported."""
    for look in looks:
        if look.kind == "usage":
            asked = look.number("queries") + look.number("rows")
            if 100 * look.number("evaluations") > numbers["evaluations_percent"] * asked:
                yield raised("enumeration/1", look.word("member"), [look])


def shared_application(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """no_application/1: one application, several subjects."""
    for member, queries in queries_of(looks).items():
        uses: dict[str, list[Look]] = {}
        for look in queries:
            if look.word("application") and look.word("purpose") != "guarantor_check":
                uses.setdefault(look.word("application"), []).append(look)
        for asked in uses.values():
            firsts = once_about_each(asked)
            if len(firsts) > 1:
                yield raised("no_application/1", member, firsts[:2])


def looks_without_loans(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """no_application/1: few of the older looks led to a loan."""
    loans = [look for look in looks if look.kind in ("disbursement", "record")]
    for member, queries in queries_of(looks).items():
        asked = [look for look in queries if look.word("purpose") == "credit_application"]
        days: set[int] = set()
        for now in asked:
            limit = now.at - numbers["older_days"] * DAY_SECONDS
            old = [look for look in asked if look.at <= limit][-numbers["last_queries"] :]
            if len(old) < numbers["last_queries"] or day(now) in days:
                continue
            newest = {
                loan.word("subject"): loan.index
                for loan in loans
                if loan.word("member") == member and loan.index < now.index
            }
            led = sum(newest.get(look.word("subject"), -1) > look.index for look in old)
            if 100 * led < numbers["loans_percent"] * len(old):
                days.add(day(now))
                yield raised("no_application/1", member, old)


def volume_spike(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """volume_spike/1: an hour far above the same hour of the weeks before."""
    for member, queries in queries_of(looks).items():
        hours: dict[int, list[Look]] = {}
        for look in queries:
            hours.setdefault(look.at // HOUR_SECONDS, []).append(look)
        weeks = range(1, numbers["weeks"] + 1)
        for hour, asked in hours.items():
            places = [hour - week * WEEK_SECONDS // HOUR_SECONDS for week in weeks]
            if min(hours) > places[-1]:
                continue
            usual = [len(hours.get(place, [])) for place in places]
            twice = _twice_median(usual)  # doubled, since of an even number it may be a half
            four = _twice_median([abs(2 * one - twice) for one in usual])
            for count in range(numbers["queries"] + 1, len(asked) + 1):
                # count > median + mads x deviation, times four
                if 4 * count > 2 * twice + numbers["mads"] * four:
                    yield raised("volume_spike/1", member, asked[:count])
                    break


def purpose_drift(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """purpose_drift/1: a purpose's share moves."""
    for member, queries in queries_of(looks).items():
        known: set[tuple[str, int]] = set()
        for last, before in _windows(
            queries, numbers["last_queries"], max(1, numbers["before_min"])
        ):
            for purpose in sorted({look.word("purpose") for look in [*last, *before]}):
                hits = [look for look in last if look.word("purpose") == purpose]
                past = sum(look.word("purpose") == purpose for look in before)
                off = abs(len(hits) * len(before) - past * len(last))
                moved = 100 * off >= numbers["points"] * len(last) * len(before)
                if moved and (purpose, day(last[-1])) not in known:
                    known.add((purpose, day(last[-1])))
                    yield raised("purpose_drift/1", member, hits or last[-1:])


def repeat(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """repeat/1: one subject, too often within a day."""

    def enough(recent: Sequence[Look]) -> bool:
        return len(recent) > numbers["times"]

    for member, queries in queries_of(looks).items():
        for subject in dict.fromkeys(look.word("subject") for look in queries):
            about = [look for look in queries if look.word("subject") == subject]
            for recent in _days_of(about, enough):
                yield raised("repeat/1", member, recent)


def stacking(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """stacking/1: one subject asks several members within a day."""

    def enough(recent: Sequence[Look]) -> bool:
        return len({look.word("member") for look in recent}) >= numbers["members"]

    about: dict[str, list[Look]] = {}
    for look in looks:
        if look.kind == "query" and look.word("purpose") == "credit_application":
            about.setdefault(look.word("subject"), []).append(look)
    for asked in about.values():
        for recent in _days_of(asked, enough):
            yield raised("stacking/1", "", recent)


def probing(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """probing/1: too many of the last looks were refused."""
    for member, queries in queries_of(looks).items():
        days: set[int] = set()
        for last, _ in _windows(queries, numbers["last_queries"], 0):
            hits = [look for look in last if look.word("outcome") == "WITHHELD"]
            many = 100 * len(hits) > numbers["percent"] * len(last)
            if many and day(last[-1]) not in days:
                days.add(day(last[-1]))
                yield raised("probing/1", member, hits)


def odd_hours(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """odd_hours/1: a busy night of an operator at a member that sleeps at night."""

    def is_odd(look: Look) -> bool:
        hour = (look.at + numbers["offset_seconds"]) % DAY_SECONDS // HOUR_SECONDS
        return numbers["from_hour"] <= hour < numbers["to_hour"]

    for member, queries in queries_of(looks).items():
        nights: dict[tuple[str, int], list[Look]] = {}
        for look in filter(is_odd, queries):
            local_day = (look.at + numbers["offset_seconds"]) // DAY_SECONDS
            nights.setdefault((look.word("operator"), local_day), []).append(look)
        for (_, local_day), night in nights.items():
            start = local_day * DAY_SECONDS - numbers["offset_seconds"]
            past = [look for look in queries if start - BEFORE_SECONDS <= look.at < start]
            seldom = 100 * sum(map(is_odd, past)) < numbers["percent"] * len(past)
            if len(night) > numbers["queries"] and len(past) >= numbers["before_min"] and seldom:
                yield raised("odd_hours/1", member, night[: numbers["queries"] + 1])


def insider(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """insider/1: looks at staff, and new operators who look at many."""
    staff: dict[str, list[object]] = {}
    known: set[tuple[str, str, int]] = set()
    for look in looks:
        listed = look.leaf.said("staff")
        if isinstance(listed, list) and listed:
            staff[look.word("member")] = list(listed)
        place = (look.word("member"), look.word("subject"), day(look))
        if look.kind == "query" and place[1] in staff.get(place[0], []) and place not in known:
            known.add(place)
            yield raised("insider/1", place[0], [look])
    for member, queries in queries_of(looks).items():
        for operator in dict.fromkeys(look.word("operator") for look in queries):
            asked = [look for look in queries if look.word("operator") == operator]
            young = [look for look in asked if look.at - asked[0].at < DAY_SECONDS]
            firsts = once_about_each(young)
            if len(firsts) > numbers["subjects"]:
                yield raised("insider/1", member, firsts[: numbers["subjects"] + 1])


def unredeemed(looks: Sequence[Look], numbers: Numbers) -> Iterator[Raised]:
    """silent/1: receipts that nobody proved."""
    for look in looks:
        proven, asked = look.number("proofs"), look.number("queries")
        if look.kind == "usage" and 100 * proven < numbers["proofs_percent"] * asked:
            yield raised("silent/1", look.word("member"), [look])


Rule = Callable[[Sequence[Look], Numbers], Iterator[Raised]]
RULES: tuple[tuple[str, Rule], ...] = (
    ("enumeration/1", hour_of_subjects),
    ("enumeration/1", no_data),
    ("enumeration/1", evaluations),
    ("no_application/1", shared_application),
    ("no_application/1", looks_without_loans),
    ("volume_spike/1", volume_spike),
    ("purpose_drift/1", purpose_drift),
    ("repeat/1", repeat),
    ("probing/1", probing),
    ("odd_hours/1", odd_hours),
    ("insider/1", insider),
    ("silent/1", unredeemed),
    ("stacking/1", stacking),
)


def _windows(
    queries: Sequence[Look], length: int, before_min: int
) -> Iterator[tuple[Sequence[Look], Sequence[Look]]]:
    """Yield, for each query, the last so many and what the 90 days before them hold."""
    first = 0
    for end in range(length, len(queries) + 1):
        last = queries[end - length : end]
        while queries[first].at < last[0].at - BEFORE_SECONDS:
            first += 1
        before = queries[first : end - length]
        if not before_min or len(before) >= before_min:
            yield last, before


def _days_of(
    asked: Sequence[Look], enough: Callable[[Sequence[Look]], bool]
) -> Iterator[Sequence[Look]]:
    """Yield the looks of the last 24 hours at each look that makes them enough, once a day."""
    days: set[int] = set()
    for end, now in enumerate(asked, 1):
        recent = [look for look in asked[:end] if look.at > now.at - DAY_SECONDS]
        if enough(recent) and day(now) not in days:
            days.add(day(now))
            yield recent


def _twice_median(values: Sequence[int]) -> int:
    """Return twice the median, a whole number."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]
