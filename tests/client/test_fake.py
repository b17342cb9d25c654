"""What the fake does that only time, or a test's own hand, brings about at the real exchange."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exchange_client import DisputeAnswer, DisputeOpening, Outcome, Refused
from exchange_client.core.records.reporting import QualityMonth, QualityReport
from exchange_client.testing import FakeExchange
from tests.support.borrowers import borrower, unsigned


@pytest.fixture
def fake() -> FakeExchange:
    """An exchange in memory."""
    return FakeExchange()


def test_a_dispute_that_nobody_answers_hides_the_record(fake: FakeExchange) -> None:
    """A lender that lets a dispute lie loses its record's say, and must be able to try that out."""
    persona = fake.persona("one_lender_30")
    holder, asker = fake.member("fake-lender-1"), fake.member("lender-a")
    opened = holder.open_dispute(
        DisputeOpening(account_ref="one_lender_30.fake-lender-1", cause="NOT_MINE", text="No.")
    )

    def ask() -> Outcome:
        grant = fake.grant(asker, persona.identifiers[0], "credit_application")
        return asker.query(
            persona.identifiers[0], purpose="credit_application", grant=grant
        ).outcome

    flagged = ask()
    fake.clock.advance(days=21)
    hidden, (late,) = ask(), holder.disputes(overdue=True)
    answered = holder.answer_dispute(
        opened.dispute_id, DisputeAnswer(result="ACCURATE", text="It is theirs.")
    )

    assert [Outcome.ADVERSE, Outcome.NO_DATA, Outcome.ADVERSE] == [flagged, hidden, ask()]
    assert (True, 1, 1) == (late.overdue, late.days_late, answered.days_late)
    holder.close_dispute(opened.dispute_id, agreed=False)
    fake.clock.advance(days=31)
    with pytest.raises(Exception, match=r"dispute\.transition"):
        holder.relay_facts(opened.dispute_id, "More.", reopen=True)


def test_an_event_and_a_measure_are_told_as_a_test_likes(fake: FakeExchange) -> None:
    """A lender tests what it does a month before a grant ends without waiting for it."""
    exchange = fake.member("lender-a")
    grant = fake.grant(exchange, borrower(1), "credit_application")
    month = QualityMonth(
        month="2026-11",
        timely=90,
        valid=80,
        complete=70,
        fresh=60,
        plausible=50,
        upheld=40,
        dqi=65,
        quality="FAIR",
        contribution="FULL_BOOK",
    )
    report = QualityReport(
        member="lender-a", earned="ALL", next_earned="FLAG", next_at=2**31, months=(month,)
    )

    told = fake.tell("lender-a", "GRANT_EXPIRING", {"grant_id": grant, "days": 30})
    fake.measured(report)

    (event,) = exchange.events()
    assert (told, "GRANT_EXPIRING", 30) == (event.event_id, event.kind, event.facts["days"])
    assert [report] == exchange.data_quality()


def test_a_borrower_answers_what_was_requested(fake: FakeExchange) -> None:
    """A lender that waits for a signature must be able to try out both answers."""
    exchange, who = fake.member("lender-a"), borrower(1)
    asked = [unsigned(who, "credit_application", key=fake.key("lender-a"), pins=fake.pins)]
    asked += [unsigned(who, "credit_application", key=fake.key("lender-a"), pins=fake.pins)]
    for grant in asked:
        exchange.request_grant(grant, who)

    fake.answer_request(asked[0].grant_id, agreed=True)
    fake.answer_request(asked[1].grant_id, agreed=False)

    answers = [
        exchange.query(who, purpose="credit_application", grant=one.grant_id) for one in asked
    ]
    assert ["permitted", "grant.rejected"] == [one.receipt.claims.reason for one in answers]
    kinds = [event.kind for event in exchange.events()]
    assert ["GRANT_ACCEPTED", "GRANT_REJECTED"] == kinds
    assert asked[0].claims["exp"] == exchange.grant(asked[0].grant_id)["expires"]
    with pytest.raises(Refused, match=r"grant\.transition"):
        exchange.request_grant(asked[0], who)
    with pytest.raises(ValueError, match="nothing is requested"):
        fake.answer_request(asked[0].grant_id, agreed=True)


def test_the_readmes_own_example_runs() -> None:
    """A lender's first test is the one it copies from the page."""
    page = (Path(__file__).parents[2] / "clients/python/README.md").read_text()
    code = next(one for one in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "Fake" in one)

    exec(compile(code, "README", "exec"), {})  # noqa: S102 - our own page
