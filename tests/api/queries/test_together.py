"""Queries that come at the same time: one transaction, and still each as if it had been alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from exchange.domain.queries import Asker, Query
from exchange.errors import ExchangeError, QuotaError, ReplayedRequest
from exchange.services.queries.answer_query import Answered
from exchange.services.queries.answer_together import Together
from exchange.store.functions import WRITERS_LOCK
from tests.support.grant_desk import GrantDesk
from tests.support.sandbox import make_sandbox

COMPANY, OPERATOR_HOUR, SECONDS_MAX = 6, 9, 10.0


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[GrantDesk]:
    """One lender that asks, with few queries an operator."""
    sandbox = make_sandbox(database_url, tmp_path, queries_per_operator_hour=OPERATOR_HOUR)
    yield GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    sandbox.close()


class Crowd:
    """Threads whose queries gather behind a first one that the database holds up."""

    def __init__(self, desk: GrantDesk, url: str) -> None:
        self.desk, self.url = desk, url
        self.together = Together(desk.sandbox.ports)

    def ask(self, wishes: Sequence[tuple[Query, Asker]]) -> list[Answered | ExchangeError]:
        """Answer the first alone and let the others gather meanwhile; return what each got."""
        with ThreadPoolExecutor(len(wishes)) as pool, self._held_up():
            first = pool.submit(self.together.answer, *wishes[0])
            self._await(self._waits_for_the_lock)
            others = [pool.submit(self.together.answer, *wish) for wish in wishes[1:]]
            self._await(lambda: len(self.together) == len(others))
            self._release()
            return [_outcome(one) for one in (first, *others)]

    def transactions(self) -> int:
        """Count the transactions in which answers were stored."""
        with psycopg.connect(self.url) as connection:
            found = connection.execute("SELECT count(DISTINCT xmin::text) FROM query").fetchone()
        assert found is not None
        return int(found[0])

    @contextmanager
    def _held_up(self) -> Iterator[None]:
        with psycopg.connect(self.url, autocommit=True) as self._holder:
            self._holder.execute("SELECT pg_advisory_lock(%s)", (WRITERS_LOCK,))
            yield

    def _release(self) -> None:
        self._holder.execute("SELECT pg_advisory_unlock(%s)", (WRITERS_LOCK,))

    def _waits_for_the_lock(self) -> bool:
        waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return self._holder.execute(waiting).fetchone() is not None

    def _await(self, state: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS_MAX
        while not state():
            assert time.monotonic() < deadline, "the queries did not gather"
            time.sleep(0.005)


def _outcome(future: Future[Answered]) -> Answered | ExchangeError:
    try:
        return future.result(SECONDS_MAX)
    except ExchangeError as error:
        return error


@pytest.fixture
def crowd(desk: GrantDesk, database_url: str) -> Crowd:
    """The threads of one server process."""
    return Crowd(desk, database_url)


def test_what_gathers_shares_one_transaction(desk: GrantDesk, crowd: Crowd) -> None:
    """Five wait for one, and go together: two transactions, six answers, each about its own."""
    wishes = [(desk.query(subject=number), desk.asker()) for number in range(COMPANY)]

    told = crowd.ask(wishes)

    receipts = [one.receipts[0] for one in told if isinstance(one, Answered)]
    assert (COMPANY, 2) == (len(set(receipts)), crowd.transactions())
    for (query, asker), receipt in zip(wishes, receipts, strict=True):
        again = crowd.together.answer(query, replace(asker, nonce=desk.asker().nonce))
        assert ((receipt,), True) == (again.receipts, again.replayed)


def test_two_that_ask_about_one_subject_do_not_go_together(desk: GrantDesk, crowd: Crowd) -> None:
    """The second must see what the first left: its look, its use of the grant, its quota."""
    about = [0, 1, 1, 1, 1]

    told = crowd.ask([(desk.query(subject=number), desk.asker()) for number in about])

    spent = [one for one in told if isinstance(one, QuotaError)]
    assert (1, 4) == (len(spent), crowd.transactions())


def test_n10_one_that_fails_fails_alone(desk: GrantDesk, crowd: Crowd) -> None:
    """A nonce used twice undoes the joint transaction, and costs nobody but its sender."""
    wishes = [(desk.query(subject=number), desk.asker()) for number in range(COMPANY)]
    wishes[3] = (wishes[3][0], wishes[0][1])  # the nonce of the first

    told = crowd.ask(wishes)

    assert [3] == [n for n, one in enumerate(told) if isinstance(one, ReplayedRequest)]
    assert COMPANY - 1 == sum(isinstance(one, Answered) for one in told)


def test_a_quota_that_ends_among_them_is_spent_exactly(desk: GrantDesk, crowd: Crowd) -> None:
    """Together they want more than is left; as many are answered as alone."""
    told = crowd.ask([(desk.query(subject=n), desk.asker()) for n in range(OPERATOR_HOUR + 3)])

    assert OPERATOR_HOUR == sum(isinstance(one, Answered) for one in told)
    assert 3 == sum(isinstance(one, QuotaError) for one in told)
