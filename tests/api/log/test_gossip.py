"""Gossip: each question may name a checkpoint that its member holds, and a fork shows by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from exchange_client import Exchange, Identifier, Question
from exchange_client.core.encoding import b64url
from exchange_client.core.setup import Desk
from exchange_client.errors import LogDisowned
from exchange_client.log.gossip import Named
from tests.support.access_log import run_sql
from tests.support.borrowers import borrower
from tests.support.sandbox import Sandbox, make_sandbox


@dataclass(frozen=True, kw_only=True)
class Gossip(Question):
    """A question that names a checkpoint."""

    size: int
    root: bytes

    def body(
        self, desk: Desk, epoch: str, tokens: dict[Identifier, bytes], after: Named = None
    ) -> bytes:
        """Name this checkpoint, whatever the desk holds."""
        forced: Named = {"size": self.size, "root": b64url(self.root)}
        return Question.body(self, desk, epoch, tokens, forced)


@pytest.fixture(scope="module")
def sandbox(
    shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """An exchange with a few leaves in its log."""
    made = make_sandbox(shared_database_url, tmp_path_factory.mktemp("gossip"))
    made.enrol("member-b")
    made.sequence()
    yield made
    made.close()


@pytest.fixture(scope="module")
def lender(sandbox: Sandbox) -> Iterator[Exchange]:
    """A lender that asks."""
    with sandbox.exchange(sandbox.enrol("member-a")) as exchange:
        yield exchange


def ask(lender: Exchange, number: int, size: int, root: bytes) -> None:
    identifiers = (borrower(number),)
    lender.ask(Gossip(identifiers=identifiers, purpose="credit_application", size=size, root=root))


def newest(sandbox: Sandbox) -> tuple[int, bytes]:
    rows = run_sql(
        sandbox.settings.libpq_url, "SELECT size, root FROM checkpoint ORDER BY size DESC LIMIT 1"
    )
    size, root = rows[0]
    assert isinstance(size, int)
    assert isinstance(root, bytes)
    return size, root


def looks(sandbox: Sandbox) -> list[tuple[object, ...]]:
    return run_sql(sandbox.settings.libpq_url, "SELECT count(*) FROM query")


def test_a_question_that_names_a_checkpoint_of_ours_is_answered(
    sandbox: Sandbox, lender: Exchange
) -> None:
    """Every honest question would be called a fork."""
    ask(lender, 1, *newest(sandbox))


def test_t17_a_member_that_was_shown_another_log_finds_out_with_its_next_question(
    sandbox: Sandbox, lender: Exchange
) -> None:
    """A server could show each member a log of its own, and none would ever know."""
    size, root = newest(sandbox)
    before = looks(sandbox)

    with pytest.raises(LogDisowned):
        ask(lender, 2, size, bytes([root[0] ^ 1]) + root[1:])

    assert before == looks(sandbox)


def test_t17_a_server_rolled_back_is_found_by_whoever_saw_it_larger(
    sandbox: Sandbox, lender: Exchange
) -> None:
    """A restored dump would answer on as if nothing had been logged since."""
    size, root = newest(sandbox)

    with pytest.raises(LogDisowned):
        ask(lender, 3, size + 1_000, root)


def test_t17_the_sdk_names_by_itself_what_it_was_shown(sandbox: Sandbox, lender: Exchange) -> None:
    """Gossip that nobody sends finds no fork."""
    identifiers = (borrower(4),)
    question = Question(identifiers=identifiers, purpose="credit_application")
    receipt = lender.ask(question).receipt
    sandbox.sequence()
    shown = lender.receipt_proof(receipt).verified.head

    lender.query((borrower(5),), purpose="credit_application")

    assert lender.ask(question).receipt.text == receipt.text  # named nothing, and still does
    asked = run_sql(
        sandbox.settings.libpq_url, "SELECT root FROM checkpoint WHERE size = %s", shown.size
    )
    assert [(shown.root,)] == asked
    with pytest.raises(LogDisowned):
        ask(lender, 6, shown.size, bytes(32))
