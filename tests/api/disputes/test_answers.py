"""What becomes of a dispute: answers with their corrections, closing, clocks, both sides kept."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from exchange.errors import AbsentError, DisputeTransition, QuotaError
from exchange.services.disputes.change_dispute import (
    add_facts,
    close_dispute,
    lapse_disputes,
    reopen_dispute,
)
from exchange_client.core.ids import new_id
from tests.support.dispute_desk import DAY_SECONDS, DisputeDesk
from tests.support.grant_desk import answer_claims, refusal, shown


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"result": "ACCURATE", "text": "x" * 1_001}, "/text"),
        ({"result": "MODIFIED"}, "/row"),
        ({"result": "ACCURATE", "row": {}}, "/row"),
        ({"result": "UNRESOLVED"}, "/result"),
    ],
)
def test_an_answer_is_whole_or_none(
    desk: DisputeDesk, body: dict[str, object], pointer: str
) -> None:
    """Half an answer would stop the clock for nothing."""
    desk.reported()

    refused = desk.reply(desk.opened_dispute(), **body)  # type: ignore[arg-type]  # it is no answer

    assert (422, "request.field", pointer) == refusal(refused)


def test_the_same_answer_again_changes_nothing(desk: DisputeDesk) -> None:
    """A lost response must not make a second leaf."""
    desk.reported()
    dispute = desk.opened_dispute()
    shown(desk.reply(dispute))

    again = desk.reply(dispute)

    assert "true" == again.headers["Cx-Replayed"]
    assert 2 == desk.leaves("dispute")
    assert (409, "dispute.transition", "") == refusal(desk.reply(dispute, "DELETED_ERROR"))


def test_the_member_cannot_clear_a_dispute_about_itself(
    desk: DisputeDesk, other: DisputeDesk
) -> None:
    """Who is accused does not close the case."""
    desk.reported()
    dispute = desk.opened_dispute()
    withdrawn = desk.step(dispute, "close", agreed=True)
    shown(desk.reply(dispute))
    agreed = desk.step(dispute, "close", agreed=True)

    finding = other.finding()

    assert [(409, "dispute.transition", "")] * 2 == [refusal(withdrawn), refusal(agreed)]
    assert finding["dispute"] is True


def test_what_stays_unresolved_keeps_both_sides_and_the_flag(
    desk: DisputeDesk, other: DisputeDesk
) -> None:
    """The borrower's word must not vanish because the lender insists."""
    desk.reported()
    dispute = desk.opened_dispute()
    shown(desk.reply(dispute))

    closed = shown(desk.step(dispute, "close", agreed=False))

    history = closed["history"]
    assert isinstance(history, list)
    assert ("CLOSED", "UNRESOLVED") == (closed["state"], closed["result"])
    assert ["The sum is not what I owe.", "We checked our books.", ""] == [
        one["text"] for one in history
    ]
    assert other.finding()["dispute"] is True


def test_a_settled_dispute_ends_its_flag(desk: DisputeDesk, other: DisputeDesk) -> None:
    """A flag that never ends says nothing any more."""
    view = desk.borrower_disputes(desk.reported())
    dispute = f"dsp_{view.dispute.dispute_id.hex}"
    shown(desk.reply(dispute))

    close_dispute(view.dispute.dispute_id, desk.borrower(), desk.sandbox.ports, agreed=True)

    assert other.finding()["dispute"] is False
    assert "ACCURATE" == shown(desk.send("GET", f"/v1/disputes/{dispute}"))["result"]


def test_the_borrower_takes_an_open_dispute_back(desk: DisputeDesk, other: DisputeDesk) -> None:
    """A mistake of one's own can be taken back."""
    view = desk.borrower_disputes(desk.reported())

    close_dispute(view.dispute.dispute_id, desk.borrower(), desk.sandbox.ports, agreed=False)

    dispute = f"dsp_{view.dispute.dispute_id.hex}"
    assert "WITHDRAWN" == shown(desk.send("GET", f"/v1/disputes/{dispute}"))["state"]
    assert other.finding()["dispute"] is False


@pytest.mark.parametrize(("days", "outcome"), [(20, "ADVERSE"), (21, "NO_DATA")])
def test_an_overdue_answer_withholds_the_record_by_date_alone(
    desk: DisputeDesk, other: DisputeDesk, days: int, outcome: str
) -> None:
    """A lender that does not answer in 20 days must not go on being believed (CN)."""
    desk.reported()
    dispute = desk.opened_dispute()
    desk.let_days_pass(dispute, days)

    claims = answer_claims(other.ask(other.granted(1), 1))

    finding = claims["finding"]
    assert isinstance(finding, dict)
    assert (outcome, True) == (claims["outcome"], finding["dispute"])


def test_a_late_answer_brings_the_record_back_and_its_days_are_counted(
    desk: DisputeDesk, other: DisputeDesk
) -> None:
    """Compensation is owed by the day."""
    desk.reported()
    dispute = desk.opened_dispute()
    desk.let_days_pass(dispute, 25)

    answered = shown(desk.reply(dispute))

    assert 5 == answered["days_late"]
    assert "ADVERSE" == other.answer(other.granted(1), 1)[0]


@pytest.mark.parametrize(("days", "reopens"), [(30, True), (31, False)])
def test_a_closed_dispute_is_reopened_within_thirty_days(
    desk: DisputeDesk, days: int, reopens: bool
) -> None:
    """New facts come late; not for ever."""
    view = desk.borrower_disputes(desk.reported())
    dispute_id = view.dispute.dispute_id
    shown(desk.reply(f"dsp_{dispute_id.hex}"))
    close_dispute(dispute_id, desk.borrower(), desk.sandbox.ports, agreed=True)
    later = desk.at(days)

    if not reopens:
        with pytest.raises(DisputeTransition):
            reopen_dispute(dispute_id, "Here is the receipt.", desk.borrower(), later)
        return
    again = reopen_dispute(dispute_id, "Here is the receipt.", desk.borrower(), later)

    assert ("OPEN", 1, 4) == (again.dispute.state, again.dispute.reopened, len(again.history))
    assert (again.dispute.due_on - view.dispute.due_on).days == days


def test_a_dispute_is_opened_again_neither_beside_another_nor_about_nothing(
    desk: DisputeDesk,
) -> None:
    """Two clocks would end at two dates, and nobody can answer for what is deleted."""
    dispute_id = desk.borrower_disputes(desk.reported()).dispute.dispute_id
    shown(desk.reply(f"dsp_{dispute_id.hex}"))
    close_dispute(dispute_id, desk.borrower(), desk.sandbox.ports, agreed=True)
    another = desk.opened_dispute()

    with pytest.raises(DisputeTransition, match="another dispute runs"):
        reopen_dispute(dispute_id, "Once more.", desk.borrower(), desk.sandbox.ports)
    shown(desk.reply(another, "DELETED_ERROR"))
    with pytest.raises(AbsentError):
        reopen_dispute(dispute_id, "Once more.", desk.borrower(), desk.sandbox.ports)


def test_reopening_counts_against_the_disputes_of_a_day(desk: DisputeDesk) -> None:
    """Whoever may reopen without end keeps a lender from ever being heard."""
    dispute_id = desk.borrower_disputes(desk.reported()).dispute.dispute_id
    terms = replace(desk.sandbox.ports.terms, disputes_per_subject_day=1)
    ports = replace(desk.sandbox.ports, terms=terms)
    shown(desk.reply(f"dsp_{dispute_id.hex}"))
    close_dispute(dispute_id, desk.borrower(), ports, agreed=True)

    with pytest.raises(QuotaError):
        reopen_dispute(dispute_id, "Here is the receipt.", desk.borrower(), ports)


@pytest.mark.parametrize(
    ("result", "ends", "flag"),
    [("ACCURATE", "UNRESOLVED", True), ("MODIFIED", "MODIFIED", False)],
)
def test_an_answer_that_nobody_objects_to_lapses_after_thirty_days(
    desk: DisputeDesk, other: DisputeDesk, result: str, ends: str, flag: bool
) -> None:
    """A silent borrower leaves neither an endless case nor a false agreement behind."""
    desk.reported()
    dispute = desk.opened_dispute()
    more = {"row": desk.amendment()} if result == "MODIFIED" else {}
    shown(desk.reply(dispute, result, **more))
    ((answered_at,),) = desk.sql("SELECT answered_at FROM dispute")
    ends_at = int(str(answered_at)) + 30 * DAY_SECONDS
    early = lapse_disputes(replace(desk.sandbox.ports, now=lambda: ends_at))

    lapsed = lapse_disputes(replace(desk.sandbox.ports, now=lambda: ends_at + 1))

    seen = shown(desk.send("GET", f"/v1/disputes/{dispute}"))
    assert (0, 1) == (early, lapsed)
    assert ("CLOSED", ends) == (seen["state"], seen["result"])
    assert flag is other.finding()["dispute"]


def test_facts_are_added_to_an_open_dispute_alone(desk: DisputeDesk) -> None:
    """An answered question needs another one, not a footnote."""
    view = desk.borrower_disputes(desk.reported())
    dispute_id, borrower = view.dispute.dispute_id, desk.borrower()

    more = add_facts(dispute_id, "I was abroad.", borrower, desk.sandbox.ports)

    assert ["This was not me.", "I was abroad."] == [one.text for one in more.history]
    shown(desk.reply(f"dsp_{dispute_id.hex}"))
    with pytest.raises(DisputeTransition):
        add_facts(dispute_id, "And ill.", borrower, desk.sandbox.ports)


def test_a_statement_is_shown_with_what_it_speaks_of(desk: DisputeDesk, other: DisputeDesk) -> None:
    """The borrower's own word reaches whoever decides."""
    desk.reported()
    said = {"statement_id": new_id("sta"), "account_ref": "acc-1", "text": "我在住院。"}

    shown(desk.send("POST", "/v1/statements", said))

    assert "我在住院。" == other.finding()["statement"]
    assert "true" == desk.send("POST", "/v1/statements", said).headers["Cx-Replayed"]
    assert 1 == desk.leaves("statement")
    changed = said | {"text": "Other."}
    assert (409, "statement.conflict", "/statement_id") == refusal(
        desk.send("POST", "/v1/statements", changed)
    )


def test_the_newest_statement_is_shown_at_its_full_length(
    desk: DisputeDesk, other: DisputeDesk
) -> None:
    """Two hundred of the longest characters must still fit a receipt."""
    desk.reported()
    for text in ("first", "😀" * 200):
        said = {"statement_id": new_id("sta"), "account_ref": "acc-1", "text": text}
        shown(desk.send("POST", "/v1/statements", said))

    finding = other.finding()

    assert "😀" * 200 == finding["statement"]
    long = {"statement_id": new_id("sta"), "account_ref": "acc-1", "text": "x" * 201}
    assert (422, "request.field", "/text") == refusal(desk.send("POST", "/v1/statements", long))


def test_nothing_said_lies_readable_in_the_database(desk: DisputeDesk) -> None:
    """A borrower's story is nobody's but the two sides'."""
    desk.reported()
    desk.opened_dispute(text="canary-of-the-borrower")

    rows = desk.sql(
        "SELECT d::text, e::text FROM dispute d JOIN dispute_event e USING (dispute_id)"
    )

    assert "canary-of-the-borrower" not in str(rows)
    assert b"canary-of-the-borrower".hex() not in str(rows)
    assert isinstance(desk.sql("SELECT dispute_id FROM dispute")[0][0], UUID)
