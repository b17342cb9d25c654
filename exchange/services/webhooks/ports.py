"""What the services need of the store, and of the network, about webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from exchange.domain.outward.doorbells import DeliveryState, DisabledCause, Ring
from exchange.domain.outward.endpoints import Endpoint


class Webhook(NamedTuple):
    """One endpoint of a member."""

    webhook_id: UUID
    member: str
    url: str
    made_at: int
    disabled_at: int | None
    disabled_cause: str | None


class SealedSecret(NamedTuple):
    """One secret of an endpoint, sealed."""

    secret_id: UUID
    made_at: int
    kek_id: str
    wrapped: bytes
    sealed: bytes


class Delivery(NamedTuple):
    """What became of one event at one endpoint."""

    event_id: UUID
    seq: int
    state: DeliveryState
    tries: int
    next_at: int
    last_at: int | None
    last_status: int | None
    last_fault: str | None


class Claim(NamedTuple):
    """A delivery that is ours to try, until the lease runs out."""

    webhook: Webhook
    lease: UUID
    ring: Ring
    tries: int  # made before


class Outcome(NamedTuple):
    """What one try led to."""

    state: DeliveryState
    next_at: int
    at: int
    status: int | None  # of the endpoint's answer
    fault: str | None  # coded, where there was no answer


class WebhookStatements(Protocol):
    """Statements about webhooks."""

    def lock_member(self, member: str) -> int:
        """Hold the member's count of events; return it. Whoever registers takes turns."""
        ...

    def add(self, webhook: Webhook, seq_done: int) -> None:
        """Store an endpoint.

        Raises:
            WebhookConflict: the id was stored meanwhile.
        """
        ...

    def find(self, member: str, webhook_id: UUID, *, lock: bool = False) -> Webhook | None:
        """Find an endpoint of this member."""
        ...

    def listed(self, member: str) -> list[Webhook]:
        """List the endpoints of a member, oldest first."""
        ...

    def remove(self, webhook_id: UUID) -> None:
        """Forget an endpoint, its secrets and its deliveries."""
        ...

    def add_secret(self, webhook_id: UUID, secret: SealedSecret) -> None:
        """Store a secret."""
        ...

    def secrets(self, webhook_id: UUID) -> list[SealedSecret]:
        """List the secrets of an endpoint, newest first."""
        ...

    def drop_secrets(self, webhook_id: UUID, keep: Sequence[UUID]) -> None:
        """Destroy every secret of an endpoint but these."""
        ...

    def disable(self, webhook_id: UUID, cause: DisabledCause, now: int) -> bool:
        """Ring no more; False where it was disabled already."""
        ...

    def enable(self, webhook_id: UUID) -> None:
        """Ring again."""
        ...

    def count_unauthorised(self, webhook_id: UUID, *, refused: bool) -> int:
        """Count an answer of 401, or forget those before; return how many stand in a row."""
        ...

    def unnumbered_members(self) -> list[str]:
        """List members with live endpoints and events that have no number yet."""
        ...

    def spread(self, now: int, rows_max: int) -> int:
        """Give new events their deliveries, at most so many an endpoint; say how many."""
        ...

    def claim(self, lease: UUID, now: int, leased_until: int, rows_max: int) -> list[Claim]:
        """Take due deliveries, a few an endpoint; what another deliverer holds is left alone."""
        ...

    def record(self, claim: Claim, outcome: Outcome) -> bool:
        """Keep the outcome of a try; False where the lease is no longer ours."""
        ...

    def replay(self, webhook: Webhook, first: int, last: int, now: int) -> int:
        """Let the events of these places ring again; say how many."""
        ...

    def deliveries(self, webhook_id: UUID, after: int, rows_max: int) -> list[Delivery]:
        """List deliveries in the order of their events, after a place."""
        ...


class Answered(NamedTuple):
    """What an endpoint answered, or why there was no answer."""

    status: int | None
    fault: str | None


# Rings once: resolves, checks the addresses, connects to one of them, sends, reads the status.
Send = Callable[[Endpoint, Mapping[str, str], bytes], Answered]
