"""Daily leaves: usage of each member and the root of the index, once a day however often asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.domain.log.index import SubjectLine, index_root, subject_line
from exchange.domain.members import Member, MemberStatus, Role
from exchange.services.log.write_daily import heartbeat, write_daily
from exchange.services.log.write_leaves import write_leaves
from tests.support.access_log import AccessLog, access_log, query_draft, run_sql

SUBJECT = "p:241d581b957d9f06d86e8e8f102a4a18"
DAY_SECONDS = 86_400


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[AccessLog]:
    """A log at a day's end: three looks at one subject, by one of two members."""
    with access_log(database_url, tmp_path) as made:
        made.open()
        with made.ports.begin() as work:
            for name in ("member-a", "member-b"):
                member = Member(
                    member=name,
                    name=name,
                    contact="ops@member.example",
                    status=MemberStatus.ACTIVE,
                    roles=frozenset({Role.ASKER}),
                    zone="UTC",
                    profile="CN",
                )
                work.members.enrol(member, made.clock.now)
            work.commit()
        for _ in range(3):
            with made.ports.begin() as work:
                draft = query_draft("member-a", SUBJECT)
                write_leaves(work, [draft], made.ports, made.clock.now)
                work.commit()
        made.turn()
        yield made


def next_day(log: AccessLog, seconds: int = 120) -> None:
    log.clock.now += DAY_SECONDS - log.clock.now % DAY_SECONDS + seconds


def opened(log: AccessLog, kind: str) -> list[dict[str, object]]:
    rows = run_sql(
        log.url, "SELECT leaf_hash FROM log_search WHERE kind = %s ORDER BY member_id", kind
    )
    found = []
    for (leaf_hash,) in rows:
        assert isinstance(leaf_hash, bytes)
        found.append(json.loads(json.dumps(log.opened(leaf_hash)["subject"])))
    return found


def test_each_member_has_its_usage_of_the_day_in_the_log(log: AccessLog) -> None:
    """A member that evaluates far more than it asks, or redeems nothing, would go unseen."""
    next_day(log)

    write_daily(log.log_ports)

    counts = [(one["member"], one["queries"], one["rows"]) for one in opened(log, "usage")]
    assert [("member-a", 3, 0), ("member-b", 0, 0)] == counts


def test_the_root_of_the_index_covers_every_subject(log: AccessLog) -> None:
    """Nobody could show a borrower that nobody else looked."""
    next_day(log)

    write_daily(log.log_ports)

    (said,) = opened(log, "index_root")
    expected = index_root([SubjectLine(SUBJECT, 3, 3)])
    assert (4, 1) == (said["size"], said["subjects"])
    assert base64.b64encode(expected).decode() == said["root"]


def test_an_index_is_shown_in_a_tree_that_holds_its_leaf_alone(log: AccessLog) -> None:
    """The proof would lead to a leaf that the checkpoint does not cover."""
    next_day(log)
    write_daily(log.log_ports)
    log.turn()

    with log.log_ports.begin() as work:
        log_id = work.log.find_log(log.origin())
        assert log_id is not None
        size = work.tree.state(log_id).size
        found = work.daily.newest_index(log_id, size=size)
        assert found is not None
        below = work.daily.newest_index(log_id, size=found.leaf_index)

    assert (size - 1, None) == (found.leaf_index, below)


def test_a_line_of_the_index_is_the_one_of_the_worked_example() -> None:
    """Regulators recompute the root from openings, with programs of their own."""
    assert f"{SUBJECT} 3 3\n".encode() == subject_line(SubjectLine(SUBJECT, 3, 3))
    assert "k01a+uxc/sHqcIk/LGRecscvJILQ/GzREpWxX9ziU1Y=" == (
        base64.b64encode(index_root([SubjectLine(SUBJECT, 3, 3)])).decode()
    )


def test_a_day_is_written_once(log: AccessLog) -> None:
    """Two usages of one day, and nobody knows which is true."""
    next_day(log)
    first = write_daily(log.log_ports)

    again = write_daily(log.log_ports)

    assert (3, 0) == (first, again)


def test_a_day_is_not_written_while_its_leaves_may_still_wait(log: AccessLog) -> None:
    """The last looks of a day would be missing from it for good."""
    next_day(log, seconds=59)

    assert 0 == write_daily(log.log_ports)


def test_a_heartbeat_says_nothing(log: AccessLog) -> None:
    """It is there to hide how much is asked."""
    heartbeat(log.log_ports)

    assert [{"kind": "heartbeat", "t": log.clock.now}] == opened(log, "heartbeat")
