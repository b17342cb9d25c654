"""Queries through the real application, asked with the SDK."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from exchange.domain.members import Role
from exchange_client.answers import NoData, Withheld
from exchange_client.client import Exchange
from exchange_client.core.asking import Question
from exchange_client.errors import Refused
from exchange_client.keys import KeyFile
from tests.support.borrowers import borrower, consent
from tests.support.sandbox import Sandbox

PURPOSE = "credit_application"


@pytest.fixture
def key(sandbox: Sandbox) -> KeyFile:
    """The key of one asking member."""
    return sandbox.enrol("member-a")


@pytest.fixture
def exchange(sandbox: Sandbox, key: KeyFile) -> Iterator[Exchange]:
    """The SDK of that member."""
    with sandbox.exchange(key) as opened:
        yield opened


def granted(exchange: Exchange, key: KeyFile, number: int, purpose: str = PURPOSE) -> str:
    """Register a consent of a synthetic borrower; return its id."""
    grant = consent(borrower(number), purpose, key=key, pins=exchange.pins)
    exchange.register_grant(grant, borrower(number))
    return grant.grant_id


def test_a55_a_query_without_a_grant_is_withheld(exchange: Exchange) -> None:
    """Without a permission nothing is looked up, and the asker is told why."""
    answer = exchange.query(borrower(1), purpose=PURPOSE)

    assert isinstance(answer, Withheld)
    assert answer.reason == "grant.missing"


def test_a55_an_unknown_grant_is_unusable(exchange: Exchange, key: KeyFile) -> None:
    """A grant that is not there and one that is not ours are told alike."""
    other = granted(exchange, key, 2)

    answers = [
        exchange.query(borrower(1), purpose=PURPOSE, grant=grant)
        for grant in (other, "gnt_" + "0" * 12 + "7" + "0" * 3 + "8" + "0" * 15)
    ]

    assert [answer.reason for answer in answers] == ["grant.unusable"] * 2


def test_a_granted_query_about_an_unknown_subject_is_no_data(
    exchange: Exchange, key: KeyFile
) -> None:
    """Nothing known is neither clean nor bad."""
    grant = granted(exchange, key, 1)

    answer = exchange.query(borrower(1), purpose=PURPOSE, grant=grant)

    assert isinstance(answer, NoData)


def test_a_once_grant_is_spent_by_its_use(exchange: Exchange, key: KeyFile) -> None:
    """A single-use consent answers one question."""
    grant = granted(exchange, key, 1)
    exchange.query(borrower(1), purpose=PURPOSE, grant=grant)

    second = exchange.query(borrower(1), purpose=PURPOSE, grant=grant)

    assert isinstance(second, Withheld)
    assert second.reason == "grant.used_up"


def test_a57_two_racers_spend_a_once_grant_once(
    sandbox: Sandbox, exchange: Exchange, key: KeyFile
) -> None:
    """Two workers at once cannot both use a single-use consent."""
    for number in range(10, 20):
        grant = granted(exchange, key, number)
        with ThreadPoolExecutor(2) as pool, sandbox.exchange(key) as second:
            answers = list(
                pool.map(
                    lambda one, number=number, grant=grant: one.query(
                        borrower(number), purpose=PURPOSE, grant=grant
                    ),
                    (exchange, second),
                )
            )

        assert sorted(type(answer).__name__ for answer in answers) == ["NoData", "Withheld"]


def test_the_same_query_again_is_the_same_receipt(exchange: Exchange, key: KeyFile) -> None:
    """A retry costs no second look, and gives the answer that was given."""
    question = Question(
        identifiers=(borrower(1),), purpose=PURPOSE, grant=granted(exchange, key, 1)
    )
    first = exchange.ask(question)

    second = exchange.ask(question)

    assert first.receipt.text == second.receipt.text
    assert first.receipt.text == exchange.answer(question.query_id).receipt.text


def test_a_query_id_used_for_another_question_is_a_conflict(exchange: Exchange) -> None:
    """An id names one question for ever."""
    first = Question(identifiers=(borrower(1),), purpose=PURPOSE)
    exchange.ask(first)

    with pytest.raises(Refused) as refused:
        exchange.ask(Question(identifiers=(borrower(2),), purpose=PURPOSE, query_id=first.query_id))

    assert refused.value.code == "query.conflict"


def test_a_batch_answers_each_query_in_order(exchange: Exchange, key: KeyFile) -> None:
    """Many questions under one signature are as many answers, each with its own receipt."""
    questions = [
        Question(
            identifiers=(borrower(number),),
            purpose=PURPOSE,
            grant=granted(exchange, key, number) if number % 2 else None,
        )
        for number in range(30, 40)
    ]

    answers = exchange.query_batch(questions)

    assert [question.query_id for question in questions] == [
        answer.receipt.claims.jti for answer in answers
    ]
    assert ["Withheld", "NoData"] * 5 == [type(answer).__name__ for answer in answers]
    assert 10 == len({answer.receipt.leaf for answer in answers})


def test_every_receipt_body_has_one_length(exchange: Exchange, key: KeyFile) -> None:
    """Whoever sees only sizes learns no outcome."""
    grant = granted(exchange, key, 1)
    answers = [
        exchange.query(borrower(1), purpose=PURPOSE, grant=grant),
        exchange.query(borrower(1), purpose=PURPOSE),
    ]

    assert 1 == len({len(answer.receipt.text) for answer in answers})


def test_a_receipt_is_redeemed_for_a_proof(
    sandbox: Sandbox, exchange: Exchange, key: KeyFile
) -> None:
    """What was answered stands in the log, and the member can prove it offline."""
    answer = exchange.query(borrower(1), purpose=PURPOSE)
    sandbox.sequence()

    proven = exchange.receipt_proof(answer.receipt)

    assert answer.receipt.claims.leaf == proven.verified.leaf


def test_a_withdrawn_grant_refuses_the_very_next_query(exchange: Exchange, key: KeyFile) -> None:
    """The borrower's word counts at once."""
    grant = granted(exchange, key, 1)
    exchange.withdraw_grant(grant)

    answer = exchange.query(borrower(1), purpose=PURPOSE, grant=grant)

    assert isinstance(answer, Withheld)
    assert answer.reason == "grant.withdrawn"


def test_a66_a_regulator_cannot_ask(sandbox: Sandbox) -> None:
    """A role opens its own routes and no other."""
    with (
        sandbox.exchange(sandbox.enrol("regulator-r", Role.REGULATOR)) as regulator,
        pytest.raises(Refused) as refused,
    ):
        regulator.query(borrower(1), purpose=PURPOSE)

    assert refused.value.code == "auth.role"
