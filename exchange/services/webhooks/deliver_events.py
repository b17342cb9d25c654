"""Ring at members' endpoints: one turn of the deliverer.

    1 number what was told, and give each live endpoint a delivery for what is new
    2 take what is due, for a while, so that no other deliverer takes it too
    3 ring, outside any transaction
    4 keep what came of it; a lease that ran out meanwhile is another's, and its word counts

Killed between any two steps, nothing is lost: what was taken is due again when the lease ends. A
member may then be rung at twice for one event, under one id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from exchange.domain.ids import show, uuid7
from exchange.domain.outward.doorbells import (
    UNAUTHORISED_IN_A_ROW_MAX,
    DeliveryState,
    DisabledCause,
    body_of,
    headers_of,
    next_try,
)
from exchange.domain.outward.endpoints import EndpointRules, read_endpoint
from exchange.domain.outward.events import EventKind, NewEvent
from exchange.errors import InvalidEndpoint
from exchange.services.events.tell_events import facts_text
from exchange.services.ports import Ports, Work
from exchange.services.webhooks.manage_webhooks import open_secrets
from exchange.services.webhooks.ports import Answered, Claim, Outcome, Send

LEASE_SECONDS = 60  # longer than any try may take
SPREAD_ROWS_MAX = 1_000  # new deliveries of one endpoint a turn
CLAIMS_MAX = 4  # of one endpoint a turn, so that a slow one holds up nobody

_GONE, _UNAUTHORISED = 410, 401

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverPorts:
    """Everything that the deliverer may touch."""

    ports: Ports
    rules: EndpointRules
    send: Send
    # Runs tries side by side; they come back in any order.
    map: Callable[[Callable[[Claim], None], Iterable[Claim]], Iterable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTurn:
    """What one turn did."""

    spread: int  # deliveries that were made for new events
    tried: int

    @property
    def idle(self) -> bool:
        """Whether nothing was due."""
        return not self.spread and not self.tried


def deliver_events(desk: DeliverPorts) -> DeliveryTurn:
    """Carry out one turn.

    Raises:
        UnavailableError: the database is away; what was taken is due again later.
    """
    ports = desk.ports
    _number(ports)
    now = ports.now()
    with ports.begin() as work:
        spread = work.webhooks.spread(now, SPREAD_ROWS_MAX)
        work.commit()
    lease = uuid7(ports.now_ms(), ports.random_bytes)
    with ports.begin() as work:
        claims = work.webhooks.claim(lease, now, now + LEASE_SECONDS, CLAIMS_MAX)
        work.commit()
    for _ in desk.map(lambda claim: _deliver(claim, desk), claims):
        pass
    return DeliveryTurn(spread=spread, tried=len(claims))


def _number(ports: Ports) -> None:
    with ports.begin() as work:
        members = work.webhooks.unnumbered_members()
    for member in members:
        with ports.begin() as work:
            work.events.number(member)
            work.commit()


def _deliver(claim: Claim, desk: DeliverPorts) -> None:
    answered = _ring(claim, desk)
    with desk.ports.begin() as work:
        outcome = _outcome(claim, answered, desk.ports.now())
        if work.webhooks.record(claim, outcome):
            _judge_endpoint(claim, answered, work, desk.ports)
        work.commit()


def _ring(claim: Claim, desk: DeliverPorts) -> Answered:
    ports = desk.ports
    try:
        endpoint = read_endpoint(claim.webhook.url, desk.rules)  # The rules may have changed.
    except InvalidEndpoint:
        return Answered(None, "endpoint")
    with ports.begin() as work:
        secrets = open_secrets(claim.webhook.webhook_id, work, ports)
    body = body_of(claim.ring, ports.terms.public_base)
    headers = headers_of(show("evt", claim.ring.event_id), body, secrets, ports.now())
    return desk.send(endpoint, headers, body)


def _outcome(claim: Claim, answered: Answered, now: int) -> Outcome:
    status = answered.status
    if status is not None and 200 <= status < 300:
        return Outcome(DeliveryState.DONE, now, now, status, None)
    again = next_try(claim.tries + 1, now)
    state = DeliveryState.GIVEN_UP if again is None else DeliveryState.WAITING
    return Outcome(state, again or now, now, status, answered.fault)


def _judge_endpoint(claim: Claim, answered: Answered, work: Work, ports: Ports) -> None:
    """Ring no more where the endpoint says that it is gone, or refuses our signature for good."""
    webhook_id = claim.webhook.webhook_id
    if answered.status is None:
        return  # No answer says nothing about either.
    in_a_row = work.webhooks.count_unauthorised(
        webhook_id, refused=answered.status == _UNAUTHORISED
    )
    if answered.status == _GONE:
        _disable(claim, DisabledCause.GONE, work, ports)
    elif in_a_row >= UNAUTHORISED_IN_A_ROW_MAX:
        _disable(claim, DisabledCause.UNAUTHORISED, work, ports)


def _disable(claim: Claim, cause: DisabledCause, work: Work, ports: Ports) -> None:
    webhook_id, now = claim.webhook.webhook_id, ports.now()
    if not work.webhooks.disable(webhook_id, cause, now):
        return
    told = NewEvent(
        event_id=_event_id(ports),
        member=claim.webhook.member,
        kind=EventKind.WEBHOOK_DISABLED,
        about=webhook_id,
        facts=facts_text({"webhook_id": show("whk", webhook_id), "cause": cause.value}),
        made_at=now,
    )
    work.events.add([told])


def _event_id(ports: Ports) -> UUID:
    return uuid7(ports.now_ms(), ports.random_bytes)
