"""Register, list and remove a member's endpoints, change their secrets, and let events ring again.

Ids are made by the member: the same id with the same URL is one registration, however often it is
sent. Somebody else's endpoint and none at all are the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from exchange.domain.outward.doorbells import SECRET_BYTES, SECRETS_LIVE
from exchange.domain.outward.endpoints import EndpointRules, read_endpoint
from exchange.errors import AbsentError, InvalidField, TooManyWebhooks, WebhookConflict
from exchange.services.ports import Ports, Work
from exchange.services.webhooks.ports import SealedSecret, Webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPorts:
    """Everything that the services of webhooks may touch."""

    ports: Ports
    rules: EndpointRules
    per_member_max: int
    replay_events_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """An endpoint and its live secrets, newest first: they are shown to their owner alone."""

    webhook: Webhook
    secrets: tuple[bytes, ...]
    replayed: bool


def register_webhook(member: str, webhook_id: UUID, url: str, desk: WebhookPorts) -> Registered:
    """Register an endpoint; it rings for what happens from now on.

    Raises:
        InvalidEndpoint: the URL is none that may be rung at.
        TooManyWebhooks: the member has as many as it may have.
        WebhookConflict: the id was used before for another URL, or by another member.
    """
    read_endpoint(url, desk.rules)
    ports = desk.ports
    with ports.begin() as work:
        work.events.number(member)  # What was told until now does not ring.
        seq = work.webhooks.lock_member(member)
        if stored := work.webhooks.find(member, webhook_id):
            if stored.url != url:
                raise WebhookConflict("this id is registered otherwise", field="webhook_id")
            return Registered(
                webhook=stored, secrets=open_secrets(webhook_id, work, ports), replayed=True
            )
        if len(work.webhooks.listed(member)) >= desk.per_member_max:
            raise TooManyWebhooks(f"at most {desk.per_member_max}; remove one first")
        webhook = Webhook(webhook_id, member, url, ports.now(), None, None)
        work.webhooks.add(webhook, seq)
        secret = _add_secret(webhook_id, webhook_id, work, ports)
        work.commit()
    return Registered(webhook=webhook, secrets=(secret,), replayed=False)


def list_webhooks(member: str, ports: Ports) -> list[Webhook]:
    """List the endpoints of a member, without their secrets."""
    with ports.begin() as work:
        return work.webhooks.listed(member)


def remove_webhook(member: str, webhook_id: UUID, ports: Ports) -> None:
    """Forget an endpoint.

    Raises:
        AbsentError: the member has no such endpoint.
    """
    with ports.begin() as work:
        _held(member, webhook_id, work)
        work.webhooks.remove(webhook_id)
        work.commit()


def rotate_secret(member: str, webhook_id: UUID, secret_id: UUID, ports: Ports) -> Registered:
    """Make a new secret; the one before stays live beside it, older ones are destroyed.

    Args:
        secret_id: made by the member, so that a retry makes no second secret.

    Raises:
        AbsentError: the member has no such endpoint.
    """
    with ports.begin() as work:
        webhook = _held(member, webhook_id, work)
        known = [secret.secret_id for secret in work.webhooks.secrets(webhook_id)]
        if replayed := secret_id in known:
            return Registered(
                webhook=webhook, secrets=open_secrets(webhook_id, work, ports), replayed=replayed
            )
        _add_secret(webhook_id, secret_id, work, ports)
        work.webhooks.drop_secrets(webhook_id, [secret_id, *known][:SECRETS_LIVE])
        secrets = open_secrets(webhook_id, work, ports)
        work.commit()
    return Registered(webhook=webhook, secrets=secrets, replayed=False)


def enable_webhook(member: str, webhook_id: UUID, ports: Ports) -> Webhook:
    """Ring again at an endpoint that was disabled; what waited meanwhile is due.

    Raises:
        AbsentError: the member has no such endpoint.
    """
    with ports.begin() as work:
        webhook = _held(member, webhook_id, work)
        work.webhooks.enable(webhook_id)
        work.commit()
    return webhook._replace(disabled_at=None, disabled_cause=None)


def replay_events(
    member: str, webhook_id: UUID, span: tuple[UUID, UUID], desk: WebhookPorts
) -> int:
    """Let one event or a range of them ring again; say how many.

    Args:
        span: the first and the last of them, both included.

    Raises:
        AbsentError: the member has no such endpoint, or was never told such an event.
        InvalidField: the range is reversed, or longer than one replay may be.
    """
    ports = desk.ports
    with ports.begin() as work:
        webhook = _held(member, webhook_id, work)
        work.events.number(member)
        places = [work.events.place(member, event_id) for event_id in span]
        first, last = places
        if first is None or last is None:
            raise AbsentError
        if not 0 <= last - first < desk.replay_events_max:
            raise InvalidField(
                f"must name 1 to {desk.replay_events_max} events, the older one first", field="last"
            )
        count = work.webhooks.replay(webhook, first, last, ports.now())
        work.commit()
    return count


def open_secrets(webhook_id: UUID, work: Work, ports: Ports) -> tuple[bytes, ...]:
    """Open the live secrets of an endpoint, newest first.

    Raises:
        IntegrityError: what is stored does not open.
    """
    return tuple(_open(webhook_id, one, ports) for one in work.webhooks.secrets(webhook_id))


def _held(member: str, webhook_id: UUID, work: Work) -> Webhook:
    webhook = work.webhooks.find(member, webhook_id, lock=True)
    if webhook is None:
        raise AbsentError
    return webhook


def _add_secret(webhook_id: UUID, secret_id: UUID, work: Work, ports: Ports) -> bytes:
    secret, aad = ports.random_bytes(SECRET_BYTES), _aad(webhook_id, secret_id)
    key = ports.sealer.new_key(aad)
    sealed = SealedSecret(secret_id, ports.now(), key.kek_id, key.wrapped, key.seal(secret, aad))
    work.webhooks.add_secret(webhook_id, sealed)
    return secret


def _open(webhook_id: UUID, stored: SealedSecret, ports: Ports) -> bytes:
    aad = _aad(webhook_id, stored.secret_id)
    return ports.sealer.open_key(stored.kek_id, stored.wrapped, aad).open(stored.sealed, aad)


def _aad(webhook_id: UUID, secret_id: UUID) -> bytes:
    return b"webhook_secret|1|" + webhook_id.bytes + secret_id.bytes
