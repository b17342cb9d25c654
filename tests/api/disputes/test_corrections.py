"""A dispute that the member finds right: its correction goes in with the answer."""

from __future__ import annotations

import pytest

from exchange_client.core.encoding import b64url
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import refusal, shown, token


def test_a_modified_record_goes_in_with_its_answer(desk: DisputeDesk, other: DisputeDesk) -> None:
    """A promise to correct is no correction."""
    desk.reported()
    dispute = desk.opened_dispute()

    answered = shown(desk.reply(dispute, "MODIFIED", row=desk.amendment()))

    assert ("ANSWERED", "MODIFIED") == (answered["state"], answered["result"])
    assert "NO_ADVERSE" == other.answer(other.granted(1), 1)[0]
    assert [(2,)] == desk.sql("SELECT max(version) FROM record")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"account_ref": "acc-2"}, "request.field"),
        ({"reason": None}, "request.field"),
        ({"profile": "us@1"}, "request.field"),
        ({"epoch": "ep_9"}, "token.epoch"),
        ({"currency": "USD"}, "row.rule"),
        ({"dpd": "35"}, "row.rule"),
    ],
)
def test_a_refused_correction_leaves_the_dispute_open(
    desk: DisputeDesk, changes: dict[str, object], code: str
) -> None:
    """A dispute must not be answered by a row that was thrown away."""
    desk.reported()
    dispute = desk.opened_dispute()

    refused = desk.reply(dispute, "MODIFIED", row=desk.amendment(**changes))

    assert (409 if code == "token.epoch" else 422, code) == refusal(refused)[:2]
    assert "OPEN" == shown(desk.send("GET", f"/v1/disputes/{dispute}"))["state"]
    assert 1 == desk.leaves("dispute")


def test_an_amendment_that_amends_nothing_is_no_answer(desk: DisputeDesk) -> None:
    """The same debt under a new grant and the word MODIFIED would end the dispute and its flag."""
    desk.reported()
    dispute = desk.opened_dispute()
    same = {"epoch": "ep_1", "profile": "cn@1", **desk.late(1, "acc-1", days=35, reason="AMEND")}

    refused = desk.reply(dispute, "MODIFIED", row=same)

    assert (422, "request.field", "/row") == refusal(refused)
    assert [(1,)] == desk.sql("SELECT max(version) FROM record")
    known = same["tokens"]
    assert isinstance(known, list)
    another = {"kind": "identity", "value": b64url(token(7))}
    shown(desk.reply(dispute, "MODIFIED", row=same | {"tokens": [*known, another]}))


@pytest.mark.parametrize(
    ("result", "expected"),
    [("MODIFIED", (422, "request.field", "/result")), ("DELETED_ERROR", None)],
)
def test_a_record_that_is_deleted_since_is_answered_as_deleted(
    desk: DisputeDesk, result: str, expected: tuple[int, str, str] | None
) -> None:
    """A lender that deleted at once must be able to say so, and nothing else."""
    desk.reported()
    dispute = desk.opened_dispute()
    shown(desk.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR"))
    row = {"row": desk.amendment()} if result == "MODIFIED" else {}

    answered = desk.reply(dispute, result, **row)

    if expected:
        assert expected == refusal(answered)
    else:
        assert ("ANSWERED", result) == tuple(shown(answered)[name] for name in ("state", "result"))


@pytest.mark.parametrize("result", ["DELETED_ERROR", "DELETED_FRAUD"])
def test_a_deleted_record_leaves_every_answer(
    desk: DisputeDesk, other: DisputeDesk, result: str
) -> None:
    """A victim of identity theft is free of it with the answer."""
    desk.reported()

    shown(desk.reply(desk.opened_dispute(), result))

    assert "NO_DATA" == other.answer(other.granted(1), 1)[0]
