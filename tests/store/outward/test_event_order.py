"""The feed loses nothing to the order of commits: readers go on from their place, writers race."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest

from exchange.domain.ids import uuid7
from exchange.domain.outward.events import EventKind, NewEvent
from exchange.services.events.read_feed import FeedAsk, read_feed
from exchange.services.ports import Ports
from tests.support.access_log import access_log

MEMBER = "member-a"


@pytest.fixture
def ports(database_url: str, tmp_path: Path) -> Iterator[Ports]:
    """An exchange on a fresh database."""
    with access_log(database_url, tmp_path) as log:
        yield log.ports


def event(ports: Ports, n: int, member: str = MEMBER, once: str | None = None) -> NewEvent:
    """Make the n-th event of a test."""
    return NewEvent(
        event_id=uuid7(ports.now_ms(), ports.random_bytes),
        member=member,
        kind=EventKind.GRANT_WITHDRAWN,
        about=None,
        facts=json.dumps({"n": n}),
        made_at=ports.now(),
        once=once,
    )


def tell(ports: Ports, *events: NewEvent) -> None:
    """Write events in one transaction."""
    with ports.begin() as work:
        work.events.add(events)
        work.commit()


def read(ports: Ports, after: UUID | None = None, rows: int = 500) -> list[tuple[int, UUID]]:
    """Read which events follow a place."""
    feed = read_feed(FeedAsk(member=MEMBER, after=after, rows=rows), ports)
    return [(json.loads(one.facts)["n"], one.event_id) for one, _ in feed.events]


def test_an_event_that_commits_late_is_read_after_those_that_were_shown(ports: Ports) -> None:
    """A reader polling by the newest number would never see a row that was slow to commit."""
    with ports.begin() as slow:
        slow.events.add([event(ports, 1)])
        tell(ports, event(ports, 2))
        first = read(ports)
        slow.commit()

    then = read(ports, after=first[-1][1])

    assert [2] == [n for n, _ in first]
    assert [1] == [n for n, _ in then]


def test_what_is_undone_leaves_no_gap_and_no_event(ports: Ports) -> None:
    """A gap in the numbers would look like a hidden event."""
    tell(ports, event(ports, 1))
    with ports.begin() as undone:
        undone.events.add([event(ports, 2)])
    tell(ports, event(ports, 3))

    feed = read_feed(FeedAsk(member=MEMBER, after=None, rows=9), ports)

    assert [(1, 1), (2, 3)] == [(one.seq, json.loads(one.facts)["n"]) for one, _ in feed.events]


def test_what_may_be_told_once_is_told_once(ports: Ports) -> None:
    """A notice that comes every day is one that nobody reads."""
    tell(ports, event(ports, 1, once="expiring/x/30"), event(ports, 2))

    with ports.begin() as work:
        fresh = work.events.add([event(ports, 3, once="expiring/x/30"), event(ports, 4)])
        work.commit()

    assert 1 == fresh
    assert [1, 2, 4] == [n for n, _ in read(ports)]


def test_readers_miss_nothing_and_see_nothing_twice_while_writers_race(ports: Ports) -> None:
    """Two writers, two readers, commits in any order: each reader holds every event once."""
    seed = random.randrange(1 << 32)  # noqa: S311 - no secret
    print("seed", seed)
    total, writers = 240, 2

    def write(writer: int) -> None:
        chance = random.Random(seed + writer)  # noqa: S311 - no secret
        for n in range(writer, total, writers):
            with ports.begin() as work:
                work.events.add([event(ports, n)])
                time.sleep(chance.random() / 300)
                if chance.random() < 0.9:
                    work.commit()
                    continue
            tell(ports, event(ports, n))

    def follow() -> list[int]:
        seen: list[int] = []
        after: UUID | None = None
        deadline = time.monotonic() + 60
        while len(seen) < total and time.monotonic() < deadline:
            found = read(ports, after, rows=7)
            seen += [n for n, _ in found]
            after = found[-1][1] if found else after
        return seen

    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(4))
        writing = [pool.submit(write, writer) for writer in range(writers)]
        reading = [pool.submit(follow) for _ in range(2)]
        for one in writing:
            one.result()

    followed = [one.result() for one in reading]
    assert [list(range(total))] * 2 == [sorted(seen) for seen in followed]
    assert followed[0] == followed[1] == [n for n, _ in read(ports)]
