"""What a regulator or the exchange does to a grant, and what follows for answers it carried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.domain.members import Role
from exchange.services.grants.invalidate_by_key import invalidate_by_key
from tests.support.grant_desk import ABSENT_GRANT, GrantDesk, answer_claims, refusal, shown
from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members."""
    made = make_sandbox(database_url, tmp_path, queries_per_subject_day=10)
    yield made
    made.close()


@pytest.fixture
def regulator(sandbox: Sandbox) -> GrantDesk:
    """The regulator's desk."""
    return GrantDesk(sandbox=sandbox, key=sandbox.enrol("regulator-r", Role.REGULATOR))


def order(regulator: GrantDesk, grant: str, verb: str, **body: object) -> dict[str, object]:
    """Give an order about a grant of member-a."""
    path = f"/audit/v1/grants/member-a/{grant}/{verb}"
    return shown(regulator.send("POST", path, {"case": "case-7", **body}))


def test_an_order_acts_on_the_very_next_question(desk: GrantDesk, regulator: GrantDesk) -> None:
    """What a regulator stops is stopped at once, and only a regulator lets it go on."""
    grant = desk.granted()

    paused = order(regulator, grant, "pause")
    asked = desk.answer(grant)
    resumed_by_member = desk.end(grant, "resume")
    resumed = order(regulator, grant, "resume")
    order(regulator, grant, "revoke")

    assert ("PAUSED", "ACTIVE") == (paused["state"], resumed["state"])
    assert (409, "grant.transition") == refusal(resumed_by_member)[:2]
    assert ("WITHHELD", "grant.paused") == asked
    assert ("WITHHELD", "grant.revoked") == desk.answer(grant)
    rows = desk.sql("SELECT actor, reason FROM grant_event WHERE event = 'revoke'")
    assert [("regulator", "order.case-7")] == rows


def test_a_grant_found_never_valid_lists_what_it_carried(
    desk: GrantDesk, regulator: GrantDesk
) -> None:
    """A borrower whose consent was forged learns which answers were given on its strength."""
    grant, other = desk.granted(subject=1), desk.granted(subject=1)
    carried = answer_claims(desk.ask(grant))
    desk.ask(other)
    desk.ask(grant)  # Refused: it carried nothing.

    found = order(regulator, grant, "invalidate", cause="wrong_person")

    assert ("INVALIDATED", [carried["leaf"]]) == (found["state"], found["answers"])
    assert ("WITHHELD", "grant.invalidated") == desk.answer(grant)
    (row,) = desk.sql("SELECT leaf_hash, reason FROM grant_event WHERE event = 'invalidate'")
    assert "wrong_person.case-7" == row[1]
    again = order(regulator, grant, "invalidate", cause="wrong_person")
    assert "INVALIDATED" == again["state"]


def test_an_order_is_a_regulators(desk: GrantDesk, regulator: GrantDesk) -> None:
    """No lender ends another's grants, and a regulator finds only what there is."""
    grant = desk.granted()
    path = f"/audit/v1/grants/member-a/{grant}/revoke"

    refused = desk.send("POST", path, {"case": "case-7"})
    absent = [
        regulator.send("POST", f"/audit/v1/grants/{member}/{one}/revoke", {"case": "c"})
        for member, one in (("member-a", ABSENT_GRANT), ("member-b", grant))
    ]

    assert (403, "auth.role") == refusal(refused)[:2]
    assert {(404, "absent")} == {refusal(one)[:2] for one in absent}
    assert "ACTIVE" == shown(desk.send("GET", f"/v1/grants/{grant}"))["state"]


def test_what_a_stolen_key_signed_was_never_valid(desk: GrantDesk) -> None:
    """A thief's grants open nothing more; those of before the theft stand."""
    ports, key = desk.sandbox.ports, desk.key.keyid.split("/")[1]
    before = desk.granted(subject=1, changes={"iat": desk.now - 50})
    after = desk.granted(subject=2)
    carried = answer_claims(desk.ask(after, subject=2))["leaf"]

    ended = invalidate_by_key("member-a", key, desk.now - 10, ports)
    again = invalidate_by_key("member-a", key, desk.now - 10, ports)

    assert [after] == [f"gnt_{one.grant.grant_id.hex}" for one in ended]
    assert [1] == [len(one.answers) for one in ended]
    assert [True] == [one.replayed for one in again]
    rows = desk.sql("SELECT grant_id, state FROM grants ORDER BY grant_id")
    states = {f"gnt_{str(one).replace('-', '')}": state for one, state in rows}
    assert {before: "ACTIVE", after: "INVALIDATED"} == states
    assert carried
    assert 401 == desk.ask(before).status_code
