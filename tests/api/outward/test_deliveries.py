"""Deliveries of webhooks to a real endpoint on this machine: schedule, leases, replays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.domain.outward.doorbells import TRIES_AT_SECONDS
from exchange.services.webhooks.deliver_events import DeliverPorts, DeliveryTurn, deliver_events
from exchange.services.webhooks.ports import Claim
from tests.support.grant_desk import GrantDesk, refusal, shown
from tests.support.outward.doorbell import Doorbell, answers, doorbell
from tests.support.outward.ringing import (
    deliveries,
    delivering,
    end_one,
    register,
    turn,
)
from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members, that may ring on this machine."""
    made = make_sandbox(database_url, tmp_path, webhook_loopback=True, webhook_try_ms_max=2_000)
    yield made
    made.close()


@pytest.fixture
def bell() -> Iterator[Doorbell]:
    """The lender's endpoint."""
    with doorbell() as made:
        yield made


def test_a_withdrawal_rings_with_an_event_id_and_no_borrower(
    desk: GrantDesk, bell: Doorbell
) -> None:
    """A doorbell rings in the open: whoever hears it learns that there is news, not whose."""
    register(desk, bell.url)
    grant = end_one(desk)

    turn(desk)

    (body,) = bell.bodies()
    event = json.loads(body)
    listed = shown(desk.send("GET", "/v1/events"))["events"]
    assert isinstance(listed, list)
    assert {"specversion", "id", "source", "type", "time"} == set(event)
    assert ("1.0", listed[0]["event_id"], "cx.grant.withdrawn") == (
        event["specversion"],
        event["id"],
        event["type"],
    )
    assert grant[4:] not in body.decode()
    assert "application/cloudevents+json" == bell.headers()["content-type"]
    assert event["id"] == bell.headers()["webhook-id"]


def test_what_was_told_before_an_endpoint_was_there_does_not_ring(
    desk: GrantDesk, bell: Doorbell
) -> None:
    """A new endpoint is not flooded with years of history; the feed has it."""
    end_one(desk)
    register(desk, bell.url)

    assert turn(desk).idle
    assert [] == bell.requests


def test_a_failed_ring_is_tried_again_by_the_schedule_and_then_given_up(
    desk: GrantDesk, bell: Doorbell
) -> None:
    """Eight tries over three days: an endpoint may be down for a weekend and lose nothing."""
    bell.reply = answers(500)
    webhook = register(desk, bell.url)
    end_one(desk)
    start = now = desk.sandbox.ports.now()
    due: list[int] = []

    for _ in range(20):
        before = len(bell.requests)
        turn(desk, now)
        if len(bell.requests) > before:
            due.append(now - start)
            assert before + 1 == len(bell.requests)
            assert turn(desk, now).idle  # Nothing more at this moment.
        state = deliveries(desk, webhook["webhook_id"])[0]
        if state["state"] != "WAITING":
            break
        now = int(str(state["next_at"]))

    assert list(TRIES_AT_SECONDS) == due
    assert ("GIVEN_UP", 8, 500) == (state["state"], state["tries"], state["last_status"])


def test_a89_an_endpoint_that_is_gone_is_rung_at_no_more_and_its_owner_is_told(
    desk: GrantDesk, bell: Doorbell
) -> None:
    """Ringing for ever at a dead endpoint hides from its owner that nobody listens."""
    bell.reply = answers(410)
    webhook = register(desk, bell.url)
    end_one(desk)
    turn(desk)
    end_one(desk, 2)
    turn(desk)

    events = shown(desk.send("GET", "/v1/events"))["events"]
    listed = shown(desk.send("GET", "/v1/webhooks"))["webhooks"]

    assert isinstance(events, list)
    assert isinstance(listed, list)
    assert 1 == len(bell.requests)
    assert ["GONE"] == [
        one["facts"]["cause"] for one in events if one["kind"] == "WEBHOOK_DISABLED"
    ]
    assert ("GONE", webhook["webhook_id"]) == (listed[0]["disabled_cause"], listed[0]["webhook_id"])


def test_a89_ten_refusals_of_our_signature_in_a_row_disable_and_nine_do_not(
    desk: GrantDesk, bell: Doorbell
) -> None:
    """A wrong secret is noticed soon; one answer between forgives what came before it."""
    bell.reply = answers(401)
    webhook = register(desk, bell.url)
    start = desk.sandbox.ports.now()

    def ring(subject: int) -> object:
        end_one(desk, subject)
        turn(desk, start)
        listed = shown(desk.send("GET", "/v1/webhooks"))["webhooks"]
        assert isinstance(listed, list)
        return listed[0]["disabled_cause"]

    nine = [ring(subject) for subject in range(1, 10)]
    bell.reply = answers(204)
    between = ring(10)
    bell.reply = answers(401)
    ten = [ring(subject) for subject in range(11, 21)]

    assert [None] * 10 == [*nine, between]
    assert [*[None] * 9, "UNAUTHORISED"] == ten
    shown(desk.send("POST", f"/v1/webhooks/{webhook['webhook_id']}/enable", {}))
    bell.reply = answers(204)
    before = len(bell.requests)
    while not turn(desk, start + 3_600).idle:
        pass
    assert before < len(bell.requests)


def test_one_event_or_a_range_rings_again(desk: GrantDesk, bell: Doorbell) -> None:
    """A receiver that lost a day's messages asks for them, and need not ask a person."""
    webhook = register(desk, bell.url)
    for subject in (1, 2, 3):
        end_one(desk, subject)
    turn(desk)
    # Their ids rise with time; the order in which a turn rings is nobody's promise.
    ids = sorted(json.loads(body)["id"] for body in bell.bodies())
    path = f"/v1/webhooks/{webhook['webhook_id']}/replay"

    range_of_two = shown(desk.send("POST", path, {"first": ids[0], "last": ids[1]}))
    turn(desk)
    single = shown(desk.send("POST", path, {"first": ids[2], "last": ids[2]}))
    turn(desk)
    reversed_ = desk.send("POST", path, {"first": ids[1], "last": ids[0]})

    assert ({"events": 2}, {"events": 1}) == (range_of_two, single)
    rung = [json.loads(body)["id"] for body in bell.bodies()]
    assert [ids, ids[:2], ids[2:]] == [sorted(rung[:3]), sorted(rung[3:5]), rung[5:]]
    assert (422, "request.field", "/last") == refusal(reversed_)


def test_two_deliverers_at_once_ring_once_for_each_event(desk: GrantDesk, bell: Doorbell) -> None:
    """A second deliverer shares the work and doubles nothing."""
    register(desk, bell.url)
    for subject in range(1, 9):
        end_one(desk, subject)

    with delivering(desk) as ports:
        while not held_up_turn(ports).idle:
            pass

    ids = [json.loads(body)["id"] for body in bell.bodies()]
    assert (8, 8) == (len(ids), len(set(ids)))


def held_up_turn(ports: DeliverPorts) -> DeliveryTurn:
    """Take a turn between whose claim and whose ringing another deliverer takes one."""

    def held_up(ring: Callable[[Claim], None], claims: Iterable[Claim]) -> list[None]:
        deliver_events(ports)
        for claim in claims:
            ring(claim)
        return []

    return deliver_events(replace(ports, map=held_up))


def test_a_deliverer_that_dies_after_its_claim_is_succeeded(
    desk: GrantDesk, bell: Doorbell
) -> None:
    """Power fails between taking a message and sending it: the message still arrives."""
    register(desk, bell.url)
    end_one(desk)
    now = desk.sandbox.ports.now()
    with delivering(desk, now) as ports:
        deliver_events(replace(ports, map=lambda ring, claims: []))  # Dies with its claims.

    at_once = turn(desk, now)
    later = turn(desk, now + 61)

    assert (0, 1) == (at_once.tried, later.tried)
    assert 1 == len(bell.requests)


def test_a_deliverer_that_wakes_after_its_lease_does_not_speak_for_another(
    desk: GrantDesk, bell: Doorbell
) -> None:
    """A late word of failure must not undo the success that came meanwhile."""
    webhook = register(desk, bell.url)
    end_one(desk)
    now = desk.sandbox.ports.now()

    def sleeps(ring: Callable[[Claim], None], claims: Iterable[Claim]) -> list[None]:
        turn(desk, now + 61)  # Another takes over and delivers.
        bell.reply = answers(500)
        for claim in claims:
            ring(claim)
        return []

    with delivering(desk, now) as ports:
        deliver_events(replace(ports, map=sleeps))

    (delivery,) = deliveries(desk, webhook["webhook_id"])
    assert ("DONE", 1, 204) == (delivery["state"], delivery["tries"], delivery["last_status"])
