"""The contract on disputes and statements."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exchange_client import (
    Adverse,
    Dispute,
    DisputeAnswer,
    DisputeOpening,
    Identifier,
    NoAdverse,
    Outcome,
)
from exchange_client.answers import Answer
from exchange_client.answers.findings import Finding
from exchange_client.core.ids import new_id
from tests.client.sdk.contract import Desk, refused, stranger
from tests.client.sdk.samples import account_of, row


def opening(who: Identifier, text: str = "I have paid that.") -> DisputeOpening:
    """Make what a borrower disputes."""
    return DisputeOpening(account_ref=account_of(who), cause="ALREADY_PAID", text=text)


def finding_of(answer: Answer) -> Finding:
    """Return what was found, of a borrower whom somebody reports."""
    assert isinstance(answer, Adverse | NoAdverse)
    return answer.finding


class DisputeContract:
    """Disputes and statements."""

    def test_a_dispute_flags_every_answer_until_a_correction_settles_it(
        self, desk: Desk, other: Desk, who: Identifier
    ) -> None:
        """A borrower who is right must be out of the red for everybody, and meanwhile marked."""
        other.report(who, days_late=45)
        opened = other.sdk.open_dispute(opening(who))
        marked = desk.ask(who)
        corrected = row(who, other.grant(who, "contribute"))

        answered = other.sdk.answer_dispute(
            opened.dispute_id,
            DisputeAnswer(result="MODIFIED", text="It was paid.", row=corrected),
        )
        closed = other.sdk.close_dispute(opened.dispute_id, agreed=True)

        assert finding_of(marked).dispute
        assert ["OPEN", "ANSWERED", "CLOSED"] == [one.state for one in (opened, answered, closed)]
        after = desk.ask(who)
        assert (Outcome.NO_ADVERSE, False) == (after.outcome, finding_of(after).dispute)
        told = [(step.event, step.actor, step.result, step.text) for step in closed.history]
        assert [
            ("open", other.name, None, "I have paid that."),
            ("answer", other.name, "MODIFIED", "It was paid."),
            ("close", other.name, "MODIFIED", ""),
        ] == told

    def test_accurate_without_the_borrowers_agreement_stays_unresolved(
        self, desk: Desk, other: Desk, who: Identifier
    ) -> None:
        """A lender that finds itself right does not end the matter by that."""
        other.report(who, days_late=45)
        opened = other.sdk.open_dispute(opening(who))
        other.sdk.answer_dispute(
            opened.dispute_id, DisputeAnswer(result="ACCURATE", text="It was not paid.")
        )

        refused(
            "dispute.transition",
            409,
            lambda: other.sdk.close_dispute(opened.dispute_id, agreed=True),
        )
        closed = other.sdk.close_dispute(opened.dispute_id, agreed=False)

        assert ("CLOSED", "UNRESOLVED") == (closed.state, closed.result)
        assert finding_of(desk.ask(who)).dispute

    @pytest.mark.parametrize("result", ["DELETED_ERROR", "DELETED_FRAUD"])
    def test_an_answer_may_delete_the_record(
        self, desk: Desk, other: Desk, who: Identifier, result: str
    ) -> None:
        """What was never the borrower's must be gone with the answer that says so."""
        other.report(who, days_late=45)
        opened = other.sdk.open_dispute(opening(who))

        other.sdk.answer_dispute(
            opened.dispute_id,
            DisputeAnswer(result=result, text="It was not theirs."),  # type: ignore[arg-type]  # any of the results
        )

        assert desk.ask(who).outcome is Outcome.NO_DATA

    def test_facts_are_added_and_a_closed_dispute_is_opened_again(
        self, other: Desk, who: Identifier
    ) -> None:
        """A borrower who finds the receipt later must be heard again."""
        other.report(who, days_late=45)
        opened = other.sdk.open_dispute(opening(who))
        other.sdk.relay_facts(opened.dispute_id, "Here is the transfer.")
        other.sdk.answer_dispute(
            opened.dispute_id, DisputeAnswer(result="ACCURATE", text="Not found.")
        )
        other.sdk.close_dispute(opened.dispute_id, agreed=False)

        again = other.sdk.relay_facts(opened.dispute_id, "And the receipt.", reopen=True)

        assert ("OPEN", None, 1) == (again.state, again.result, again.reopened)
        assert ["open", "add_facts", "answer", "close", "reopen"] == [
            step.event for step in again.history
        ]

    def test_disputes_are_listed_without_what_was_said(self, other: Desk, who: Identifier) -> None:
        """A work list shows clocks and states; a borrower's words are read one by one."""
        second = stranger()
        for one in (who, second):
            other.report(one, days_late=45)
        opened = [other.sdk.open_dispute(opening(one)) for one in (who, second)]
        other.sdk.answer_dispute(
            opened[0].dispute_id, DisputeAnswer(result="ACCURATE", text="Not found.")
        )

        listed = other.sdk.disputes()

        def bare(one: Dispute) -> Dispute:
            return replace(other.sdk.dispute(one.dispute_id), history=())

        assert listed == [bare(one) for one in sorted(opened, key=lambda one: one.dispute_id)]
        assert [opened[1].dispute_id] == [
            one.dispute_id for one in other.sdk.disputes(state="OPEN")
        ]
        assert [] == other.sdk.disputes(overdue=True)

    def test_the_same_dispute_again_is_the_first_one(self, other: Desk, who: Identifier) -> None:
        """A retry after a lost answer must not open a second dispute."""
        other.report(who)
        first = opening(who)

        opened, again = other.sdk.open_dispute(first), other.sdk.open_dispute(first)

        assert [False, True] == [opened.replayed, again.replayed]
        assert opened.dispute_id == again.dispute_id
        another = replace(first, text="Something else.")
        refused("dispute.conflict", 409, lambda: other.sdk.open_dispute(another))
        refused("dispute.conflict", 409, lambda: other.sdk.open_dispute(opening(who)))

    def test_misuse_of_disputes_is_refused(self, desk: Desk, other: Desk, who: Identifier) -> None:
        """Others' disputes are told like none, and a step out of its order is none."""
        other.report(who, days_late=45)
        dispute_id = other.sdk.open_dispute(opening(who)).dispute_id
        accurate = DisputeAnswer(result="ACCURATE", text="Right.")
        sdk, blank = other.sdk, DisputeAnswer(result="ACCURATE", text=" \n ")
        cases = (
            ("absent", 404, lambda: desk.sdk.dispute(dispute_id)),
            ("absent", 404, lambda: desk.sdk.answer_dispute(dispute_id, accurate)),
            ("absent", 404, lambda: sdk.dispute(new_id("dsp"))),
            ("absent", 404, lambda: sdk.open_dispute(opening(stranger()))),
            ("dispute.transition", 409, lambda: sdk.close_dispute(dispute_id, agreed=False)),
            ("dispute.transition", 409, lambda: sdk.relay_facts(dispute_id, "x", reopen=True)),
            ("request.field", 422, lambda: sdk.answer_dispute(dispute_id, blank)),
            ("request.field", 422, lambda: sdk.relay_facts(dispute_id, "a\x07b")),
            ("request.field", 422, lambda: sdk.relay_facts(dispute_id, "x" * 1_001)),
            ("request.field", 422, lambda: sdk.disputes(state="NOWHERE")),
        )

        for code, status, act in cases:
            refused(code, status, act)

        assert "OPEN" == other.sdk.dispute(dispute_id).state

    def test_a_statement_travels_with_the_answer(
        self, desk: Desk, other: Desk, who: Identifier
    ) -> None:
        """A borrower's own word must be read by whoever reads the arrear."""
        other.report(who, days_late=45)
        said, statement_id = "I was in hospital.", new_id("sta")

        for _ in range(2):
            assert statement_id == other.sdk.make_statement(account_of(who), said, statement_id)

        assert said == finding_of(desk.ask(who)).statement
        refused(
            "statement.conflict",
            409,
            lambda: other.sdk.make_statement(account_of(who), "Other words.", statement_id),
        )
        refused("absent", 404, lambda: desk.sdk.make_statement(account_of(who), said))
        refused("request.field", 422, lambda: other.sdk.make_statement(account_of(who), "x" * 201))
