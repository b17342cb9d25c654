"""What happens to a grant between its registration and its end: asked for, paused, renewed."""

from __future__ import annotations

from uuid import UUID

import pytest

from consent.grants import Actor, GrantEvent, GrantState
from exchange.domain.members import Role
from exchange.domain.queries import Asker
from exchange.errors import GrantTransition, InvalidGrant
from exchange.services.grants.change_grant import change_grant
from exchange.services.grants.enter_grant import Entry
from exchange.services.grants.request_grant import request_within
from exchange.services.grants.show_grant import Standing
from exchange.services.grants.write_events import Change
from tests.support.artefacts import ABSENT, DAY_SECONDS
from tests.support.grant_desk import GrantDesk, refusal, shown, token

WITHHELD = "WITHHELD"
COSIGNED = {
    "evidence/level": 2,
    "evidence/type": "borrower_passkey",
    "evidence/sha256": ABSENT,
    "evidence/media": ABSENT,
    "evidence/held_by": ABSENT,
    "collection/act": "passkey",
}


def caller(desk: GrantDesk) -> Asker:
    """Return the lender as the edge hands it to services."""
    key = desk.key.keyid.split("/")[1]
    roles = frozenset({Role.ASKER, Role.CONTRIBUTOR})
    return Asker(member=desk.member, key=key, nonce="", roles=roles)


def request(desk: GrantDesk, subject: int = 1, **changes: object) -> Standing:
    """Request a grant of the n-th subject."""
    return send(desk, desk.artefact(changes={**COSIGNED, **changes}), subject)


def send(desk: GrantDesk, artefact: str, subject: int = 1) -> Standing:
    """Request this very artefact."""
    ports = desk.sandbox.ports
    index = ports.keyring.index("ep_1", token(subject))
    entry = Entry(artefact=artefact, epoch="ep_1", token_index=index)
    with ports.begin() as work:
        standing = request_within(entry, caller(desk), work, ports)
        work.commit()
    return standing


def happen(desk: GrantDesk, grant_id: UUID, event: GrantEvent, actor: Actor) -> Standing:
    """Let something happen to a grant."""
    now = desk.sandbox.ports.now()
    change = Change(event=event, actor=actor, acted_at=now, by="test")
    return change_grant(desk.member, grant_id, change, desk.sandbox.ports)


def name(grant: Standing) -> str:
    """Return a grant's id as messages write it."""
    return f"gnt_{grant.grant.grant_id.hex}"


def test_nothing_is_opened_before_the_borrower_accepts(desk: GrantDesk) -> None:
    """A lender cannot use a consent that the borrower has yet to give."""
    requested = request(desk)

    before = desk.answer(name(requested))
    accepted = happen(desk, requested.grant.grant_id, GrantEvent.ACCEPT, Actor.SUBJECT)
    after = desk.answer(name(requested))

    assert GrantState.REQUESTED is requested.state
    assert requested.grant.registered_at + 72 * 3600 == requested.grant.held.expires
    assert (WITHHELD, "grant.requested") == before
    assert GrantState.ACTIVE is accepted.state
    assert desk.now + 30 * DAY_SECONDS == accepted.grant.held.expires
    assert ("NO_DATA", "permitted") == after


def test_a_refused_request_stays_refused(desk: GrantDesk) -> None:
    """A borrower's no is final; asking again takes a new artefact."""
    requested = request(desk)

    refused = happen(desk, requested.grant.grant_id, GrantEvent.REFUSE, Actor.SUBJECT)

    assert GrantState.REJECTED is refused.state
    assert (WITHHELD, "grant.rejected") == desk.answer(name(requested))
    with pytest.raises(GrantTransition):
        happen(desk, requested.grant.grant_id, GrantEvent.ACCEPT, Actor.SUBJECT)


def test_a_member_cannot_accept_for_the_borrower(desk: GrantDesk) -> None:
    """A lender's own signature never stands in for the borrower's."""
    requested = request(desk)

    with pytest.raises(GrantTransition):
        happen(desk, requested.grant.grant_id, GrantEvent.ACCEPT, Actor.GRANTEE)
    with pytest.raises(InvalidGrant):
        send(desk, desk.artefact())
    registered = desk.register(desk.artefact(changes=COSIGNED))

    assert (422, "grant.policy", "/artefact/evidence/level") == refusal(registered)


def test_the_same_request_is_one_request(desk: GrantDesk) -> None:
    """A lender that sends a request again does not ask the borrower twice."""
    artefact = desk.artefact(changes=COSIGNED)

    first, again = send(desk, artefact), send(desk, artefact)

    assert (False, True) == (first.replayed, again.replayed)
    assert 1 == desk.leaves()


def test_only_who_paused_a_grant_lets_it_go_on(desk: GrantDesk) -> None:
    """A regulator's pause is not lifted by the lender, whoever it says has asked for it."""
    grant = desk.granted()
    shown(desk.end(grant, "pause"))
    paused = desk.answer(grant)
    shown(desk.end(grant, "resume"))
    happen(desk, UUID(grant[4:]), GrantEvent.PAUSE, Actor.REGULATOR)

    response = desk.end(grant, "resume")

    assert (WITHHELD, "grant.paused") == paused
    assert (409, "grant.transition") == refusal(response)[:2]
    assert (
        GrantState.ACTIVE is happen(desk, UUID(grant[4:]), GrantEvent.RESUME, Actor.REGULATOR).state
    )
    assert ("NO_DATA", "permitted") == desk.answer(grant)


def test_a_pause_sent_twice_is_one_pause(desk: GrantDesk) -> None:
    """A lender that sends a wish again changes nothing and learns that it arrived."""
    grant = desk.granted()

    first, again = desk.end(grant, "pause"), desk.end(grant, "pause")

    assert ("PAUSED", "PAUSED") == (shown(first)["state"], shown(again)["state"])
    assert "true" == again.headers["Cx-Replayed"]
    assert 2 == desk.leaves()


def test_a_renewal_takes_the_place_of_what_it_renews(desk: GrantDesk) -> None:
    """One permission of a borrower at a time: the older one opens nothing more."""
    first = desk.granted(purpose="account_review")

    renewed = shown(
        desk.register(desk.artefact(purpose="account_review", changes={"supersedes": first}))
    )

    assert "ACTIVE" == renewed["state"]
    assert first == renewed["chain_id"]
    assert "SUPERSEDED" == shown(desk.send("GET", f"/v1/grants/{first}"))["state"]
    told = shown(desk.send("GET", f"/v1/grants/{first}/events"))["events"]
    assert isinstance(told, list)
    assert ["register", "supersede"] == [event["event"] for event in told]
    third = desk.register(
        desk.artefact(purpose="account_review", changes={"supersedes": renewed["grant_id"]})
    )
    assert first == shown(third)["chain_id"]


def test_a_renewal_renews_what_is_in_force_for_the_same_subject_and_purpose(
    desk: GrantDesk,
) -> None:
    """A lender cannot end another borrower's permission, or revive one that has ended."""
    ended = desk.granted()
    desk.end(ended, "withdraw")
    desk.now += 1
    others = desk.granted(subject=2)
    review = desk.granted(subject=1, purpose="account_review")

    answers = [
        refusal(desk.register(desk.artefact(now=desk.now + 1, changes={"supersedes": one})))
        for one in (ended, others, review)
    ]

    pointer = "/artefact/supersedes"
    assert [
        (409, "grant.transition", pointer),
        (422, "grant.cross_field", pointer),
        (422, "grant.cross_field", pointer),
    ] == answers


def test_an_accepted_renewal_ends_the_older_grant_only_then(desk: GrantDesk) -> None:
    """Until the borrower has agreed to the new terms the old ones stand."""
    first = desk.granted(purpose="account_review")
    artefact = desk.artefact(purpose="account_review", changes={**COSIGNED, "supersedes": first})
    newer = send(desk, artefact)
    before = shown(desk.send("GET", f"/v1/grants/{first}"))["state"]

    happen(desk, newer.grant.grant_id, GrantEvent.ACCEPT, Actor.SUBJECT)

    assert "ACTIVE" == before
    assert "SUPERSEDED" == shown(desk.send("GET", f"/v1/grants/{first}"))["state"]
