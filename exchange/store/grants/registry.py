"""Statements about grants: the row that uses are judged by, the artefact kept, the history."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow

from consent.grants import Actor, GrantEvent, GrantState, HeldGrant
from consent.purposes import Detail
from exchange.domain.outward.statuses import Place
from exchange.errors import GrantConflict
from exchange.services.events.tell_events import grant_change
from exchange.services.grants.ports import (
    Binding,
    GrantEventRow,
    KeptArtefact,
    LastEvent,
    NewGrant,
    Registered,
    SealedLook,
    StoredGrant,
)
from exchange.store.grants import texts
from exchange.store.outward.events import Events
from exchange.store.outward.statuses import assign_place


class Grants:
    """Statements about grants, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def register(self, grant: NewGrant, leaf_hash: bytes, now: int) -> Place:
        """Store row, artefact and binding; return the grant's place in the status lists.

        Raises:
            GrantConflict: the grant id was stored meanwhile, or every drawn place was taken.
        """
        held = grant.held
        parameters = {
            "grantee": held.grantee,
            "grant_id": grant.grant_id,
            "token_index": grant.token_index,
            "artefact": grant.artefact,
            "digest": grant.digest,
            "kid": grant.kid,
            "policy": grant.policy,
            "chain_id": None if grant.chain_id == grant.grant_id else grant.chain_id,
            "now": now,
            "leaf_hash": leaf_hash,
            "epoch": grant.epoch,
            "purpose": str(held.purpose),
            "state": held.state.value,
            "level": held.level,
            "cross_border": held.cross_border,
            "not_before": held.not_before,
            "expires": held.expires,
            "max_uses": held.max_uses,
            "window_max": held.window_max,
            "window_seconds": held.window_seconds,
            "detail": held.detail.value,
            "fields": sorted(held.fields),
            "lookback_months": held.lookback_months,
        }
        try:
            texts.REGISTER.run(self._connection, parameters)
        except UniqueViolation as error:
            raise GrantConflict("the grant id was stored meanwhile", field="artefact") from error
        place = assign_place(self._connection, held.grantee, grant.grant_id, grant.status_draws)
        if place is None:
            raise GrantConflict("every place that was drawn is taken", field="artefact")
        return place

    def find(self, grantee: str, grant_id: UUID, *, lock: bool = False) -> StoredGrant | None:
        """Find a grant of this grantee; with `lock`, hold its rows until the end."""
        parameters: dict[str, object] = {"grantee": grantee, "grant_id": grant_id}
        if lock:
            place = texts.LOCK.run(self._connection, parameters).fetchone()
            if place is None:
                return None
            texts.LOCK_USES.run(self._connection, {**parameters, "token_index": place[0]})
        row = texts.FIND.run(self._connection, parameters).fetchone()
        return None if row is None else _stored(grantee, row)

    def bindings(self, grantee: str, grant_id: UUID) -> list[Binding]:
        """List a grant's tokens, the oldest epoch first."""
        parameters = {"grantee": grantee, "grant_id": grant_id}
        return [Binding(*row) for row in texts.BINDINGS.run(self._connection, parameters)]

    def rebind(self, stored: StoredGrant, binding: Binding, now: int) -> None:
        """Move a locked grant, its counters with it, to the subject's token of another epoch."""
        parameters = {
            "grantee": stored.held.grantee,
            "grant_id": stored.grant_id,
            "old_index": stored.token_index,
            "epoch": binding.epoch,
            "token_index": binding.token_index,
            "now": now,
        }
        texts.REBIND.run(self._connection, parameters)

    def move(self, stored: StoredGrant, state: GrantState, expires: int) -> None:
        """Move a locked grant to another state, or to another end."""
        parameters = {
            "token_index": stored.token_index,
            "grantee": stored.held.grantee,
            "grant_id": stored.grant_id,
            "state": state.value,
            "expires": expires,
        }
        texts.MOVE.run(self._connection, parameters)

    def add_event(self, event: GrantEventRow) -> None:
        """Append to the history, and to what the grantee is told: no caller can forget it."""
        texts.ADD_EVENT.run(self._connection, event._asdict())
        if told := grant_change(event):
            Events(self._connection).add([told])

    def events(self, grantee: str, grant_id: UUID) -> list[GrantEventRow]:
        """List a grant's history, oldest first."""
        parameters = {"grantee": grantee, "grant_id": grant_id}
        return [GrantEventRow(*row) for row in texts.EVENTS.run(self._connection, parameters)]

    def looks(self, grantee: str, subjects: Sequence[str]) -> list[SealedLook]:
        """List the permitted looks of a member at subjects, oldest first."""
        parameters = {"grantee": grantee, "subjects": list(subjects)}
        return [SealedLook(*row) for row in texts.LOOKS.run(self._connection, parameters)]

    def registration(self, leaf_hash: bytes) -> SealedLook | None:
        """Find the leaf of a registration, its audit slot sealed."""
        row = texts.REGISTRATION.run(self._connection, {"leaf_hash": leaf_hash}).fetchone()
        return None if row is None else SealedLook(*row)

    def kept(self, grantee: str, after: UUID, rows_max: int) -> list[KeptArtefact]:
        """List artefacts of a member after an id, in the order of ids."""
        parameters = {"grantee": grantee, "after": after, "rows_max": rows_max}
        return [KeptArtefact(*row) for row in texts.KEPT.run(self._connection, parameters)]

    def registered(self, grantee: str, first: int, end: int) -> list[Registered]:
        """List what a member registered at evidence level 1 between two times."""
        parameters = {"grantee": grantee, "first": first, "end": end}
        return [Registered(*row) for row in texts.REGISTERED.run(self._connection, parameters)]

    def unshown(self, asked_until: int) -> list[tuple[str, UUID]]:
        """List grants, with their grantees, whose evidence was asked for by then and not shown."""
        parameters = {"asked_until": asked_until}
        return [(row[0], row[1]) for row in texts.UNSHOWN.run(self._connection, parameters)]

    def claim_evidence(self, grant: NewGrant, sha256: bytes, bundle: str) -> bool:
        """Let a grant stand on evidence; say whether no other does, but in its bundle."""
        parameters = {
            "grantee": grant.held.grantee,
            "sha256": sha256,
            "grant_id": grant.grant_id,
            "bundle": bundle,
            "token_index": grant.token_index,
        }
        if texts.CLAIM_EVIDENCE.run(self._connection, parameters).rowcount == 1:
            return True
        return texts.SAME_BUNDLE.run(self._connection, parameters).fetchone() is not None

    def withdrawn_at(self, token_index: bytes, grantee: str, purpose: str) -> int | None:
        """Say when the subject last withdrew from this grantee for this purpose."""
        parameters = {"token_index": token_index, "grantee": grantee, "purpose": purpose}
        row = texts.WITHDRAWN_AT.run(self._connection, parameters).fetchone()
        return None if row is None else row[0]

    def suppress_records(self, stored: StoredGrant) -> int:
        """Take the records that rest on a grant's chain out of every answer; say how many."""
        parameters = {"grantee": stored.held.grantee, "grant_id": stored.grant_id}
        texts.LOCK_SUPPRESSIONS.run(self._connection, parameters)
        row = texts.ADD_SUPPRESSION.run(self._connection, parameters).fetchone()
        since = {**parameters, "n": row[0] - 1 if row else 0}
        free = texts.TRY_VERSIONS.run(self._connection, parameters).fetchone() == (True,)
        statement = texts.SUPPRESS_SINCE if free else texts.WITHHOLD_SINCE
        return statement.run(self._connection, since).rowcount

    def last_suppression(self, grantee: str) -> int:
        """Return the number of the newest of this grantee's suppressions; 0 if there is none."""
        row = texts.LAST_SUPPRESSION.run(self._connection, {"grantee": grantee}).fetchone()
        return int(row[0]) if row else 0

    def hold_versions(self, grantee: str) -> None:
        """Let suppressions do no more than withhold this grantee's records, until the end."""
        texts.LOCK_VERSIONS.run(self._connection, {"grantee": grantee})

    def suppress_since(self, grantee: str, n: int) -> int:
        """Do to this transaction's rows what later suppressions did to those that they saw."""
        parameters = {"grantee": grantee, "n": n}
        texts.LOCK_SUPPRESSIONS.run(self._connection, parameters)
        return texts.SUPPRESS_SINCE.run(self._connection, parameters).rowcount


def _stored(grantee: str, row: TupleRow) -> StoredGrant:
    held = HeldGrant(
        grantee=grantee,
        purpose=row[8],
        state=GrantState(row[9]),
        level=row[10],
        cross_border=row[11],
        not_before=row[12],
        expires=row[13],
        uses=row[14],
        max_uses=row[15],
        window_start=row[16],
        window_uses=row[17],
        window_max=row[18],
        window_seconds=row[19],
        detail=Detail(row[20]),
        fields=frozenset(row[21]),
        lookback_months=row[22],
    )
    return StoredGrant(
        grant_id=row[0],
        token_index=row[1],
        epoch=row[2],
        held=held,
        artefact=row[3],
        digest=row[4],
        policy=row[5],
        registered_at=row[6],
        leaf_hash=row[7],
        chain_id=row[23],
        last=LastEvent(row[24], GrantEvent(row[25]), Actor(row[26])),
        place=None if row[27] is None else Place(row[27], row[28]),
    )
