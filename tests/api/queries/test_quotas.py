"""Quotas of queries: exact, told with the time to wait, never spent by an answer given before."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from exchange_client.client import Exchange
from exchange_client.core.asking import Question
from exchange_client.errors import Refused
from tests.support.borrowers import borrower
from tests.support.sandbox import Sandbox, make_sandbox

PURPOSE = "credit_application"
DAY, OPERATOR_HOUR = 21, 15
RACERS = 4


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange that lets little be asked."""
    made = make_sandbox(
        database_url,
        tmp_path,
        queries_per_day=DAY,
        new_member_queries_per_day=1_000,
        queries_per_operator_hour=OPERATOR_HOUR,
    )
    yield made
    made.close()


@pytest.fixture
def exchange(sandbox: Sandbox) -> Iterator[Exchange]:
    """The SDK of one asking member."""
    with sandbox.exchange(sandbox.enrol("member-a")) as opened:
        yield opened


def ask(exchange: Exchange, number: int, operator: str = "op-1") -> str:
    """Ask without a grant, which is a query like any other; return the outcome or the code."""
    try:
        answer = exchange.query(borrower(number), purpose=PURPOSE, operator=operator)
    except Refused as refused:
        return refused.problem.code
    return answer.outcome


def test_n18_a_subject_is_asked_about_three_times_a_day_and_no_fourth(
    sandbox: Sandbox, exchange: Exchange
) -> None:
    """Asking again and again around an upload would show what others reported, and when."""
    told = [ask(exchange, 1) for _ in range(4)]

    assert [*["WITHHELD"] * 3, "quota.spent"] == told
    assert "WITHHELD" == ask(exchange, 2)
    with sandbox.exchange(sandbox.enrol("member-b")) as other:
        assert "WITHHELD" == ask(other, 1)


def test_n18_an_operator_asks_so_often_an_hour_and_not_once_more(exchange: Exchange) -> None:
    """One stolen login cannot walk through a book."""
    told = [ask(exchange, number) for number in range(OPERATOR_HOUR + 1)]

    assert [*["WITHHELD"] * OPERATOR_HOUR, "quota.spent"] == told
    assert "WITHHELD" == ask(exchange, 100, operator="op-2")


def test_n8_racers_share_a_members_day_exactly(sandbox: Sandbox, exchange: Exchange) -> None:
    """A member cannot ask more by asking from many places at once, nor is it cut short."""
    key = sandbox.enrol("member-c")
    with ExitStack() as stack, ThreadPoolExecutor(RACERS) as pool:
        racers = [stack.enter_context(sandbox.exchange(key)) for _ in range(RACERS)]

        told = list(
            pool.map(
                lambda number: ask(racers[number % RACERS], number, f"op-{number % 3}"),
                range(DAY + 7),
            )
        )

    assert (DAY, 7) == (told.count("WITHHELD"), told.count("quota.spent"))


def test_n18_a_new_member_asks_little(database_url: str, tmp_path: Path) -> None:
    """A false member, just enrolled, cannot empty the exchange in a day."""
    sandbox = make_sandbox(database_url, tmp_path, new_member_queries_per_day=2)
    with sandbox.exchange(sandbox.enrol("member-a")) as exchange:
        told = [ask(exchange, number) for number in range(3)]
    sandbox.close()

    assert ["WITHHELD", "WITHHELD", "quota.spent"] == told


def test_a75_a_refused_query_says_when_to_come_back(exchange: Exchange) -> None:
    """A lender's program can wait for the right time instead of trying on and on."""
    for _ in range(3):
        ask(exchange, 1)

    with pytest.raises(Refused) as caught:
        exchange.query(borrower(1), purpose=PURPOSE)

    assert 0 < (caught.value.retry_after_seconds or 0) <= 86_400


def test_an_answer_given_before_costs_nothing(exchange: Exchange) -> None:
    """A retry after a lost connection must not use up what may be asked."""
    question = Question(identifiers=(borrower(1),), purpose=PURPOSE)

    told = [exchange.query_batch([question])[0].outcome for _ in range(6)]

    assert ["WITHHELD"] * 6 == told
    assert "WITHHELD" == ask(exchange, 1)


def test_a_batch_that_asks_too_much_is_refused_whole(exchange: Exchange) -> None:
    """Half a batch would leave the lender to guess which of its questions were logged."""
    questions = [
        Question(identifiers=(borrower(number),), purpose=PURPOSE) for number in range(DAY + 1)
    ]

    with pytest.raises(Refused) as caught:
        exchange.query_batch(questions)

    assert "quota.spent" == caught.value.problem.code
    for question in questions[:2]:
        with pytest.raises(Refused) as absent:
            exchange.answer(question.query_id)
        assert "absent" in absent.value.problem.code


def test_a_batch_of_several_operators_is_cut_where_one_of_them_has_asked_enough(
    exchange: Exchange,
) -> None:
    """Going along with others would let a stolen login ask on."""
    for number in range(OPERATOR_HOUR):
        ask(exchange, number)

    def batch(*operators: str) -> list[Question]:
        return [
            Question(identifiers=(borrower(100 + n),), purpose=PURPOSE, operator=operator)
            for n, operator in enumerate(operators)
        ]

    with pytest.raises(Refused) as caught:
        exchange.query_batch(batch("op-2", "op-1"))

    assert "quota.spent" == caught.value.problem.code
    told = exchange.query_batch(batch("op-2", "op-3", "op-2"))
    assert ["WITHHELD"] * 3 == [answer.outcome for answer in told]
