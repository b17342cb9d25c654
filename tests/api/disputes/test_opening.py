"""Disputes from their opening on: whoever asks sees the flag, and nobody else sees the words."""

from __future__ import annotations

import pytest

from exchange.domain.members import Role
from exchange.errors import AbsentError, DisputeConflict
from exchange.services.disputes.change_dispute import add_facts, close_dispute, reopen_dispute
from exchange.services.disputes.show_disputes import show_dispute
from exchange_client.core.ids import new_id
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import refusal, shown
from tests.support.sandbox import Sandbox


def test_from_its_opening_every_answer_carries_the_flag(
    desk: DisputeDesk, other: DisputeDesk
) -> None:
    """A borrower who disputes must not be judged as if nobody had spoken up."""
    desk.reported()
    before = other.finding()["dispute"]

    opened = shown(desk.dispute())

    assert ("OPEN", "member-a", "acc-1", False) == tuple(
        opened[name] for name in ("state", "member", "account_ref", "overdue")
    )
    assert (False, True) == (before, other.finding()["dispute"])


def test_a_dispute_is_a_leaf_about_its_subject(desk: DisputeDesk) -> None:
    """The borrower can prove when the dispute was opened."""
    desk.reported()

    opened = shown(desk.dispute())

    history = opened["history"]
    assert isinstance(history, list)
    leaf = desk.opened(str(history[0]["leaf"]))
    assert ("dispute", "member-a", "open") == tuple(
        leaf["subject"][name] for name in ("kind", "member", "event")
    )
    assert {"dispute": opened["dispute_id"]} == leaf["audit"]


def test_the_same_opening_again_is_the_first_one(desk: DisputeDesk) -> None:
    """A lost answer must not cost a second dispute, or a second leaf."""
    desk.reported()
    same = {"dispute_id": new_id("dsp")}
    shown(desk.dispute(**same))

    again = desk.dispute(**same)

    assert "true" == again.headers["Cx-Replayed"]
    assert 1 == desk.leaves("dispute")
    assert (409, "dispute.conflict", "/dispute_id") == refusal(desk.dispute(**same, text="Other."))


def test_one_dispute_at_a_time_runs_about_a_record(desk: DisputeDesk) -> None:
    """Two clocks on one record would end at two dates."""
    desk.reported()
    desk.opened_dispute()

    refused = desk.dispute()

    assert (409, "dispute.conflict", "") == refusal(refused)
    assert 1 == desk.leaves("dispute")


def test_the_borrower_disputes_a_record_of_their_own_and_no_other(
    desk: DisputeDesk, other: DisputeDesk
) -> None:
    """A stranger could otherwise hide another borrower's arrears."""
    record = desk.reported(1)

    view = desk.borrower_disputes(record, 1)

    assert "SUBJECT" == view.dispute.opened_by
    assert other.finding(1)["dispute"] is True
    with pytest.raises(AbsentError):
        desk.borrower_disputes(desk.reported(2, "acc-2"), 1)


def test_a63_a_dispute_of_another_borrower_is_absent(desk: DisputeDesk) -> None:
    """A63: whoever has another's number would read the story, or end it."""
    record = desk.reported(1)
    theirs = desk.borrower_disputes(record, 1).dispute.dispute_id
    other, ports = desk.borrower(2), desk.sandbox.ports

    with pytest.raises(AbsentError):
        show_dispute(theirs, other, ports)
    with pytest.raises(AbsentError):
        add_facts(theirs, "x", other, ports)
    with pytest.raises(AbsentError):
        close_dispute(theirs, other, ports, agreed=True)
    with pytest.raises(AbsentError):
        reopen_dispute(theirs, "x", other, ports)
    with pytest.raises(DisputeConflict):
        desk.borrower_disputes(record, 2, theirs)
    assert theirs == desk.borrower_disputes(record, 1, theirs).dispute.dispute_id
    assert 1 == desk.leaves("dispute")


def test_a_member_speaks_for_its_own_accounts_alone(desk: DisputeDesk, other: DisputeDesk) -> None:
    """A63: a lender must not learn by disputing whether another holds an account."""
    desk.reported()

    refused = other.dispute("acc-1")

    assert refusal(desk.dispute("acc-9")) == refusal(refused) == (404, "absent", "")


@pytest.mark.parametrize("name", ["subject", "operator", "regulator", "exchange"])
def test_a_member_named_like_a_voice_is_still_a_member(
    desk: DisputeDesk, sandbox: Sandbox, name: str
) -> None:
    """A63: whoever is enrolled as `operator` must not read and close everybody's disputes."""
    desk.reported()
    theirs = desk.opened_dispute()
    sly = DisputeDesk(sandbox=sandbox, key=sandbox.enrol(name))

    refused = [sly.send("GET", f"/v1/disputes/{theirs}"), sly.step(theirs, "close", agreed=True)]

    assert [(404, "absent", "")] * 2 == [refusal(one) for one in refused]


@pytest.mark.parametrize("how", ["answer", "close", "facts", "reopen"])
def test_a63_a_dispute_of_another_member_is_absent(
    desk: DisputeDesk, other: DisputeDesk, how: str
) -> None:
    """An id that leaks must open nothing."""
    desk.reported()
    theirs = desk.opened_dispute()
    bodies: dict[str, dict[str, object]] = {
        "answer": {"result": "ACCURATE", "text": "x"},
        "close": {"agreed": True},
    }
    body = bodies.get(how, {"text": "x"})

    stepped = [other.step(one, how, **body) for one in (theirs, new_id("dsp"))]
    looked = [other.send("GET", f"/v1/disputes/{one}") for one in (theirs, new_id("dsp"))]

    assert [(404, "absent", "")] * 4 == [refusal(one) for one in stepped + looked]
    assert [] == shown(other.send("GET", "/v1/disputes"))["disputes"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"text": "x" * 1_001}, "/text"),
        ({"text": " \n "}, "/text"),
        ({"text": "a\u202eb"}, "/text"),
        ({"text": "a\x00b"}, "/text"),
        ({"cause": "BECAUSE"}, "/cause"),
        ({"dispute_id": "dsp_1"}, "/dispute_id"),
        ({"dispute_id": "dsp_" + "0" * 32}, "/dispute_id"),
        ({"file": "x"}, "/file"),
    ],
)
def test_a94_a_text_too_long_and_a_file_are_refused(
    desk: DisputeDesk, changes: dict[str, object], pointer: str
) -> None:
    """A dispute holds words, no files, and no more words than somebody will read."""
    desk.reported()

    refused = desk.dispute("acc-1", **changes)

    assert (422, "request.field", pointer) == refusal(refused)
    assert 0 == desk.leaves("dispute")


def test_a94_a_text_of_a_mebibyte_never_reaches_a_parser(desk: DisputeDesk) -> None:
    """Disputes are no place to fill a disk."""
    desk.reported()

    refused = desk.dispute(text="x" * (1 << 20))

    assert (413, "request.too_large") == refusal(refused)[:2]


def test_a_thousand_characters_of_any_script_are_taken(desk: DisputeDesk) -> None:
    """A limit in bytes would give a borrower who writes Chinese a third of the room."""
    desk.reported()
    text = "逾" * 999 + "😀"

    opened = shown(desk.dispute(text=text))

    history = opened["history"]
    assert isinstance(history, list)
    assert text == history[0]["text"]


def test_a94_the_eleventh_dispute_of_a_day_is_too_many(desk: DisputeDesk) -> None:
    """Whoever floods a lender with disputes drowns those that are true."""
    for n in range(11):
        desk.reported(1, f"acc-{n}")
    taken = [desk.dispute(f"acc-{n}").status_code for n in range(10)]

    refused = desk.dispute("acc-10")

    assert [200] * 10 == taken
    assert (429, "quota.spent") == refusal(refused)[:2]
    assert 10 == desk.leaves("dispute")


def test_the_regulator_sees_overdue_clocks_and_no_words(
    desk: DisputeDesk, sandbox: Sandbox
) -> None:
    """Oversight needs the lateness, not the borrower's story."""
    desk.reported()
    late = desk.opened_dispute()
    desk.reported(2, "acc-2")
    desk.opened_dispute("acc-2")
    desk.let_days_pass(late, 0)
    desk.sql(
        "UPDATE dispute SET due_at = 1, due_on = due_on - 23 WHERE dispute_id::text = "
        "replace(%s, 'dsp_', '')::uuid::text RETURNING 1",
        late,
    )
    regulator = DisputeDesk(sandbox=sandbox, key=sandbox.enrol("authority", Role.REGULATOR))

    listed = shown(regulator.send("GET", "/v1/disputes?overdue=true"))["disputes"]

    assert isinstance(listed, list)
    assert [(late, True, 3, [])] == [
        (one["dispute_id"], one["overdue"], one["days_late"], one["history"]) for one in listed
    ]
    seen = shown(regulator.send("GET", f"/v1/disputes/{late}"))
    assert [] == seen["history"]


def test_lists_are_cut_into_pages_without_loss(desk: DisputeDesk) -> None:
    """A dispute that falls between two pages is answered too late."""
    opened = []
    for n in range(3):
        desk.reported(n + 1, f"acc-{n}")
        opened.append(desk.opened_dispute(f"acc-{n}"))

    first = shown(desk.send("GET", "/v1/disputes?limit=2"))
    rest = shown(desk.send("GET", f"/v1/disputes?limit=2&cursor={first['next']}"))

    pages = [first["disputes"], rest["disputes"]]
    assert sorted(opened) == [one["dispute_id"] for page in pages for one in page]  # type: ignore[attr-defined]  # lists of objects
    assert (True, False) == (first["has_more"], rest["has_more"])
