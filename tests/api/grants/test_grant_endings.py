"""The end of a grant over HTTP: relayed for the borrower, or given up by the lender."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from consent.purposes import Purpose
from tests.support.artefacts import DAY_SECONDS
from tests.support.grant_desk import GrantDesk, refusal, shown
from tests.support.sandbox import make_sandbox


def test_a_withdrawal_says_when_and_how_the_borrower_spoke(desk: GrantDesk) -> None:
    """The borrower's own moment is kept beside that of the exchange; a slow relay shows."""
    grants = [desk.granted(subject) for subject in (1, 2, 3, 4)]
    bodies: list[dict[str, object]] = [
        {},
        {"channel": "app", "acted_at": desk.now - 30},
        {"channel": "branch", "acted_at": desk.now - DAY_SECONDS - 60},
        {"acted_at": desk.now - 2 * DAY_SECONDS},
    ]

    states = [
        shown(desk.end(grant, "withdraw", body))["state"]
        for grant, body in zip(grants, bodies, strict=True)
    ]

    assert ["WITHDRAWN"] * 4 == states
    rows = desk.sql(
        "SELECT reason, actor, effective_at - acted_at FROM grant_event"
        " WHERE event = 'withdraw' ORDER BY event_id"
    )
    assert ["relay", "relay.app", "relay_late.branch", "relay_late"] == [row[0] for row in rows]
    assert {"subject"} == {row[1] for row in rows}
    assert all(
        int(str(row[2])) >= said for row, said in zip(rows, (0, 30, 86_460, 172_800), strict=True)
    )


def test_a_withdrawal_cannot_be_told_ahead_of_time(desk: GrantDesk) -> None:
    """A relay is of something that was said."""
    grant = desk.granted()

    response = desk.end(grant, "withdraw", {"acted_at": desk.now + 3600})

    assert (422, "request.field", "/acted_at") == refusal(response)
    assert "ACTIVE" == shown(desk.send("GET", f"/v1/grants/{grant}"))["state"]


@pytest.mark.parametrize(
    ("how", "body", "pointer"),
    [
        ("withdraw", {"channel": "pigeon"}, "/channel"),
        ("withdraw", {"reason": "none of your business"}, ""),
        ("withdraw", {"acted_at": "yesterday"}, "/acted_at"),
        ("revoke", {}, "/reason"),
        ("revoke", {"reason": "whim"}, "/reason"),
    ],
)
def test_an_ending_is_coded(
    desk: GrantDesk, how: str, body: dict[str, object], pointer: str
) -> None:
    """Nothing about a borrower can be written into the log in free words."""
    status, code, found = refusal(desk.end(desk.granted(), how, body))

    assert (422, "request.field") == (status, code)
    assert found.startswith(pointer)
    assert 1 == desk.leaves()


@pytest.mark.parametrize(
    ("how", "body", "state", "reason"),
    [
        ("withdraw", {"channel": "app"}, "WITHDRAWN", "grant.withdrawn"),
        ("revoke", {"reason": "not_needed"}, "REVOKED", "grant.revoked"),
    ],
)
def test_an_ended_grant_refuses_the_very_next_query_and_stays_ended(
    desk: GrantDesk, how: str, body: dict[str, object], state: str, reason: str
) -> None:
    """Who takes a permission back is heard at once, and for good."""
    grant = desk.granted()

    first = desk.end(grant, how, body)
    again = desk.end(grant, how, body)

    assert state == shown(first)["state"] == shown(again)["state"]
    assert ("WITHHELD", reason) == desk.answer(grant)
    assert ("Cx-Replayed" in first.headers, "Cx-Replayed" in again.headers) == (False, True)
    assert 2 == desk.leaves()


@pytest.mark.parametrize("how", ["withdraw", "revoke"])
def test_what_is_over_cannot_be_ended_otherwise(desk: GrantDesk, how: str) -> None:
    """The history says how a grant ended, once."""
    bodies: dict[str, dict[str, object]] = {"withdraw": {}, "revoke": {"reason": "error"}}
    first = ({"withdraw", "revoke"} - {how}).pop()
    ended, used = desk.granted(1), desk.granted(2)
    past = desk.granted(3, changes={"nbf": desk.now - 60, "exp": desk.now - 1})
    desk.end(ended, first, bodies[first])
    desk.ask(used, 2)

    refused = [refusal(desk.end(grant, how, bodies[how])) for grant in (ended, used, past)]

    assert [(409, "grant.transition", "")] * 3 == refused
    assert ["CONSUMED", "EXPIRED"] == [
        shown(desk.send("GET", f"/v1/grants/{grant}"))["state"] for grant in (used, past)
    ]


def test_an_artefact_from_before_a_withdrawal_is_refused(desk: GrantDesk) -> None:
    """A lender cannot keep a spare consent in a drawer for the day it is withdrawn."""
    spare = desk.artefact()
    desk.end(desk.granted(), "withdraw", {})

    refused = desk.register(spare)
    other_purpose = desk.register(desk.artefact(purpose=Purpose.GUARANTOR_CHECK))
    other_subject = desk.register(desk.artefact(), subject=2)
    anew = desk.register(desk.artefact(changes={"iat": desk.now + 30, "nbf": desk.now}))

    assert (422, "grant.after_withdrawal", "/artefact/iat") == refusal(refused)
    assert ["ACTIVE"] * 3 == [
        shown(response)["state"] for response in (other_purpose, other_subject, anew)
    ]


def test_a_withdrawal_and_a_spare_consent_at_once_leave_none_alive(desk: GrantDesk) -> None:
    """However the two race, no back-dated consent survives the borrower's word unnoticed."""
    for subject in range(20, 32):
        grant, spare = desk.granted(subject), desk.artefact()

        with ThreadPoolExecutor(2) as pool:
            ended = pool.submit(desk.end, grant, "withdraw", {})
            registered = pool.submit(desk.register, spare, subject)

        assert 200 == ended.result().status_code
        order = desk.sql(
            "SELECT e.event FROM grant_event e JOIN leaf l USING (leaf_hash)"
            " JOIN grant_artefact a ON a.grant_id = e.grant_id"
            " WHERE a.token_index = (SELECT token_index FROM grant_artefact"
            "   WHERE grant_id = %s::uuid) ORDER BY l.ord",
            grant[4:],
        )
        events = [str(row[0]) for row in order]
        if registered.result().status_code == 200:
            assert ["register", "register", "withdraw"] == events
        else:
            assert "grant.after_withdrawal" == refusal(registered.result())[1]
            assert ["register", "withdraw"] == events


def test_ending_a_reporting_consent_takes_its_records_out(desk: GrantDesk) -> None:
    """What a borrower no longer agrees to is not held against them a moment longer."""
    kept, ended = desk.granted(purpose=Purpose.CONTRIBUTE), desk.granted(purpose=Purpose.CONTRIBUTE)
    for number, grant in enumerate((kept, ended)):
        put_record(desk, grant, number)

    desk.end(ended, "withdraw", {"channel": "app"})

    rows = desk.sql("SELECT replace(grant_id::text, '-', ''), suppressed FROM record")
    assert {(kept[4:], False), (ended[4:], True)} == set(rows)


@pytest.mark.parametrize("how", ["withdraw", "revoke"])
def test_the_end_of_a_renewal_takes_along_what_the_whole_chain_carried(
    desk: GrantDesk, how: str
) -> None:
    """A consent that was renewed twice still carries the first row: its end must reach it."""
    chain: list[str] = []
    apart = desk.granted(2, purpose=Purpose.CONTRIBUTE)
    for _ in range(3):
        changes = {"supersedes": chain[-1]} if chain else {}
        chain.append(desk.granted(1, purpose=Purpose.CONTRIBUTE, changes=changes))
    for number, grant in enumerate([apart, *chain]):
        put_record(desk, grant, number)

    body = {"channel": "app"} if how == "withdraw" else {"reason": "not_needed"}
    shown(desk.end(chain[-1], how, body))

    rows = desk.sql("SELECT replace(grant_id::text, '-', ''), suppressed FROM record")
    assert {(apart[4:], False), *((grant[4:], True) for grant in chain)} == set(rows)
    assert [(409, "grant.transition")] * 2 == [
        refusal(desk.end(grant, how, body))[:2] for grant in chain[:-1]
    ]


def test_a_grant_on_another_basis_is_not_ended_by_an_objection(
    database_url: str, tmp_path: Path
) -> None:
    """Where the law asks for no consent, only the lender gives its permission up."""
    sandbox = make_sandbox(database_url, tmp_path, profile="UK")
    desk = GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"), profile="UK")
    grant = desk.granted(purpose=Purpose.CONTRIBUTE)
    put_record(desk, grant, 0)

    objection = desk.end(grant, "withdraw", {})
    given_up = desk.end(grant, "revoke", {"reason": "not_needed"})

    assert (409, "grant.transition", "") == refusal(objection)
    assert ("REVOKED", "uk@1") == (shown(given_up)["state"], shown(given_up)["policy"])
    assert [(False,)] == desk.sql("SELECT suppressed FROM record")
    sandbox.close()


def put_record(desk: GrantDesk, grant: str, number: int) -> None:
    """Store a record that rests on a grant."""
    desk.sql(
        "INSERT INTO record (token_index, record_id, version, member_id, epoch, grant_id,"
        " submitted_at, kek_id, wrapped, sealed) SELECT a.token_index, %s::uuid, 1, a.grantee,"
        " 'ep_1', a.grant_id, 1, 'k', '', '' FROM grant_artefact a WHERE a.grant_id = %s::uuid"
        " RETURNING 1",
        f"00000000-0000-7000-8000-{number:012d}",
        grant[4:],
    )


def test_a_lender_confirms_once_that_it_stopped(desk: GrantDesk) -> None:
    """A borrower who ends a permission wants to see that it was heard."""
    grant, running = desk.granted(1), desk.granted(2)
    desk.end(grant, "withdraw")
    before = desk.leaves()

    said = [shown(desk.end(grant, "confirm-stop"))["state"] for _ in range(2)]

    assert (["WITHDRAWN", "WITHDRAWN"], before + 1) == (said, desk.leaves())
    assert (409, "grant.transition", "") == refusal(desk.end(running, "confirm-stop"))
    assert "WITHDRAWN" == shown(desk.end(grant, "withdraw"))["state"]  # Still the same act.
    events = desk.send("GET", f"/v1/grants/{grant}/events").get_json()["events"]
    assert ["register", "withdraw", "confirm_stop"] == [one["event"] for one in events]
