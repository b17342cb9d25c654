"""Statements about webhooks: endpoints, their secrets, and deliveries with their leases."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow

from exchange.domain.outward.doorbells import DeliveryState, DisabledCause, Ring
from exchange.domain.outward.events import EventKind
from exchange.errors import WebhookConflict
from exchange.services.webhooks.ports import Claim, Delivery, Outcome, SealedSecret, Webhook
from exchange.store.outward import webhook_texts as texts


class Webhooks:
    """Statements about webhooks, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def lock_member(self, member: str) -> int:
        """Hold the member's count of events; return it. Whoever registers takes turns."""
        texts.OPEN_COUNT.run(self._connection, {"member": member})
        row = texts.LOCK_COUNT.run(self._connection, {"member": member}).fetchone()
        return 0 if row is None else int(row[0])

    def add(self, webhook: Webhook, seq_done: int) -> None:
        """Store an endpoint.

        Raises:
            WebhookConflict: the id was stored meanwhile.
        """
        try:
            texts.ADD.run(self._connection, {**webhook._asdict(), "seq_done": seq_done})
        except UniqueViolation as error:
            raise WebhookConflict("this id is taken", field="webhook_id") from error

    def find(self, member: str, webhook_id: UUID, *, lock: bool = False) -> Webhook | None:
        """Find an endpoint of this member."""
        statement = texts.LOCK if lock else texts.FIND
        parameters = {"member": member, "webhook_id": webhook_id}
        row = statement.run(self._connection, parameters).fetchone()
        return None if row is None else Webhook(*row)

    def listed(self, member: str) -> list[Webhook]:
        """List the endpoints of a member, oldest first."""
        return [Webhook(*row) for row in texts.LIST.run(self._connection, {"member": member})]

    def remove(self, webhook_id: UUID) -> None:
        """Forget an endpoint, its secrets and its deliveries."""
        texts.REMOVE.run(self._connection, {"webhook_id": webhook_id})

    def add_secret(self, webhook_id: UUID, secret: SealedSecret) -> None:
        """Store a secret."""
        texts.ADD_SECRET.run(self._connection, {"webhook_id": webhook_id, **secret._asdict()})

    def secrets(self, webhook_id: UUID) -> list[SealedSecret]:
        """List the secrets of an endpoint, newest first."""
        rows = texts.SECRETS.run(self._connection, {"webhook_id": webhook_id})
        return [SealedSecret(*row) for row in rows]

    def drop_secrets(self, webhook_id: UUID, keep: Sequence[UUID]) -> None:
        """Destroy every secret of an endpoint but these."""
        texts.DROP_SECRETS.run(self._connection, {"webhook_id": webhook_id, "keep": list(keep)})

    def disable(self, webhook_id: UUID, cause: DisabledCause, now: int) -> bool:
        """Ring no more; False where it was disabled already."""
        parameters = {"webhook_id": webhook_id, "cause": cause.value, "now": now}
        return texts.DISABLE.run(self._connection, parameters).rowcount == 1

    def enable(self, webhook_id: UUID) -> None:
        """Ring again."""
        texts.ENABLE.run(self._connection, {"webhook_id": webhook_id})

    def count_unauthorised(self, webhook_id: UUID, *, refused: bool) -> int:
        """Count an answer of 401, or forget those before; return how many stand in a row."""
        parameters = {"webhook_id": webhook_id, "refused": refused}
        row = texts.COUNT_UNAUTHORISED.run(self._connection, parameters).fetchone()
        return 0 if row is None else int(row[0])

    def unnumbered_members(self) -> list[str]:
        """List members with live endpoints and events that have no number yet."""
        return [str(row[0]) for row in texts.UNNUMBERED.run(self._connection, {})]

    def spread(self, now: int, rows_max: int) -> int:
        """Give new events their deliveries, at most so many an endpoint; say how many."""
        parameters = {"now": now, "rows_max": rows_max}
        return sum(row[0] for row in texts.SPREAD.run(self._connection, parameters))

    def claim(self, lease: UUID, now: int, leased_until: int, rows_max: int) -> list[Claim]:
        """Take due deliveries, a few an endpoint; what another deliverer holds is left alone."""
        parameters = {"lease": lease, "now": now, "until": leased_until, "rows_max": rows_max}
        return [
            Claim(
                webhook=Webhook(*row[:6]),
                lease=lease,
                ring=Ring(row[6], EventKind(row[7]), row[8], row[9]),
                tries=row[10],
            )
            for row in texts.CLAIM.run(self._connection, parameters)
        ]

    def record(self, claim: Claim, outcome: Outcome) -> bool:
        """Keep the outcome of a try; False where the lease is no longer ours."""
        parameters = {
            **outcome._asdict(),
            "state": outcome.state.value,
            "webhook_id": claim.webhook.webhook_id,
            "event_id": claim.ring.event_id,
            "lease": claim.lease,
        }
        return texts.RECORD.run(self._connection, parameters).rowcount == 1

    def replay(self, webhook: Webhook, first: int, last: int, now: int) -> int:
        """Let the events of these places ring again; say how many."""
        parameters = {
            "webhook_id": webhook.webhook_id,
            "member": webhook.member,
            "first": first,
            "last": last,
            "now": now,
        }
        return texts.REPLAY.run(self._connection, parameters).rowcount

    def deliveries(self, webhook_id: UUID, after: int, rows_max: int) -> list[Delivery]:
        """List deliveries in the order of their events, after a place."""
        parameters = {"webhook_id": webhook_id, "after": after, "rows_max": rows_max}
        return [
            Delivery(row[0], row[1], DeliveryState(row[2]), *row[3:])
            for row in texts.DELIVERIES.run(self._connection, parameters)
        ]
