"""A grant follows its subject into a new epoch, with its uses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.crypto.keyring import BY_EPOCH, create_keyring
from tests.support.grant_desk import GrantDesk, _text, answer_claims, refusal, shown, token
from tests.support.sandbox import make_sandbox


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[GrantDesk]:
    """One lender, at an exchange with two epochs open."""
    for epoch in ("ep_1", "ep_2"):
        create_keyring(tmp_path / f"{epoch}.json", environment="test", epoch=epoch, now=1)
    first, second = (
        json.loads((tmp_path / f"{epoch}.json").read_text()) for epoch in ("ep_1", "ep_2")
    )
    uses = {use.value for use in BY_EPOCH}
    first["keys"] += [key for key in second["keys"] if key["use"] in uses]
    path = tmp_path / "keyring.json"
    path.write_text(json.dumps(first))
    path.chmod(0o600)
    sandbox = make_sandbox(database_url, tmp_path)
    yield GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    sandbox.close()


def rebind(desk: GrantDesk, grant: str, subject: int = 101, epoch: str = "ep_2") -> object:
    """Bind a grant to the token of another epoch; return its state there, or the refusal."""
    body = {"token": _text(token(subject)), "epoch": epoch}
    response = desk.send("POST", f"/v1/grants/{grant}/rebind", body)
    return shown(response)["epoch"] if response.status_code == 200 else refusal(response)[:2]


def reason(desk: GrantDesk, grant: str, subject: int, epoch: str) -> object:
    """Ask under an epoch."""
    return answer_claims(desk.ask(grant, subject, changes={"epoch": epoch}))["reason"]


def test_a_grant_is_good_in_the_epoch_it_is_bound_in(desk: GrantDesk) -> None:
    """A rotation of keys costs no borrower a second consent, and no lender gets a second look."""
    grant = desk.granted()

    before = reason(desk, grant, 101, "ep_2")
    bound = rebind(desk, grant)
    after = [reason(desk, grant, 1, "ep_1"), reason(desk, grant, 101, "ep_2")]
    spent = reason(desk, grant, 101, "ep_2")

    assert ("grant.unusable", "ep_2") == (before, bound)
    assert ["grant.unusable", "permitted"] == after
    assert "grant.used_up" == spent
    assert "ep_2" == rebind(desk, grant)  # Bound there already: nothing more happens.


def test_a_binding_is_written_once(desk: GrantDesk) -> None:
    """A grant cannot be carried over to another person, nor back."""
    grant = desk.granted()
    rebind(desk, grant)

    assert (409, "grant.conflict") == rebind(desk, grant, subject=102)
    assert (409, "grant.conflict") == rebind(desk, grant, subject=102, epoch="ep_1")
    assert (409, "token.epoch") == rebind(desk, grant, epoch="ep_3")
    assert [(1,)] == desk.sql("SELECT count(*) FROM grants")


def test_what_has_ended_is_not_carried_over(desk: GrantDesk) -> None:
    """A withdrawn consent does not come back under a new token; a rest stays a rest."""
    ended, resting = desk.granted(), desk.granted(2)
    desk.end(ended, "withdraw")
    desk.end(resting, "pause")

    assert (409, "grant.transition") == rebind(desk, ended)
    assert "ep_2" == rebind(desk, resting, 102)
    assert "grant.paused" == reason(desk, resting, 102, "ep_2")
    assert "ACTIVE" == shown(desk.end(resting, "resume"))["state"]


def test_a_rebound_grant_is_registered_still(desk: GrantDesk) -> None:
    """A lender that sends its artefact again after a rotation gets the same grant."""
    artefact = desk.artefact()
    grant = str(shown(desk.register(artefact))["grant_id"])
    rebind(desk, grant)

    assert "ep_2" == shown(desk.register(artefact))["epoch"]
