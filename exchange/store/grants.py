"""Statements about grants: the row that uses are judged by, the artefact kept, the history."""

from __future__ import annotations

from uuid import UUID

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow

from consent.grants import Actor, GrantEvent, GrantState, HeldGrant
from consent.purposes import Detail
from exchange.errors import GrantConflict
from exchange.services.grants.ports import (
    Binding,
    GrantEventRow,
    LastEvent,
    NewGrant,
    StoredGrant,
)
from exchange.store.statement import Statement

_REGISTER = Statement("""
WITH kept AS (
    INSERT INTO grant_artefact (grantee, grant_id, token_index, artefact, digest, kid, policy,
        registered_at, leaf_hash, chain_id)
    VALUES (%(grantee)s, %(grant_id)s, %(token_index)s, %(artefact)s, %(digest)s, %(kid)s,
        %(policy)s, %(now)s, %(leaf_hash)s, %(chain_id)s)
), bound AS (
    INSERT INTO grant_binding (grantee, grant_id, epoch, token_index, bound_at)
    VALUES (%(grantee)s, %(grant_id)s, %(epoch)s, %(token_index)s, %(now)s)
)
INSERT INTO grants (token_index, grantee, grant_id, epoch, purpose, state, level, cross_border,
    not_before, expires, uses, max_uses, window_start, window_uses, window_max, window_seconds,
    detail, fields, lookback_months)
VALUES (%(token_index)s, %(grantee)s, %(grant_id)s, %(epoch)s, %(purpose)s, %(state)s, %(level)s,
    %(cross_border)s, %(not_before)s, %(expires)s, 0, %(max_uses)s, 0, 0, %(window_max)s,
    %(window_seconds)s, %(detail)s, %(fields)s, %(lookback_months)s)
""")

_FIND = Statement("""
SELECT a.grant_id, g.token_index, g.epoch, a.artefact, a.digest, a.policy, a.registered_at,
    a.leaf_hash, g.purpose, g.state, g.level, g.cross_border, g.not_before, g.expires, g.uses,
    g.max_uses, g.window_start, g.window_uses, g.window_max, g.window_seconds, g.detail, g.fields,
    g.lookback_months, coalesce(a.chain_id, a.grant_id), e.event_id, e.event, e.actor
FROM grant_artefact a
JOIN grants g ON g.token_index = a.token_index AND g.grantee = a.grantee
    AND g.grant_id = a.grant_id
JOIN LATERAL (
    SELECT h.event_id, h.event, h.actor FROM grant_event h
    WHERE h.grantee = a.grantee AND h.grant_id = a.grant_id AND h.event <> 'rebind'
    ORDER BY h.event_id DESC LIMIT 1) e ON true
WHERE a.grantee = %(grantee)s AND a.grant_id = %(grant_id)s
""")
# A rebinding moves the row that uses lock. Whoever changes a grant locks the artefact's row first,
# and finds where the other stands in a statement that sees what it waited for.
_LOCK = Statement("""
SELECT a.token_index FROM grant_artefact a
WHERE a.grantee = %(grantee)s AND a.grant_id = %(grant_id)s FOR UPDATE
""")
_LOCK_USES = Statement("""
SELECT 1 FROM grants g
WHERE g.token_index = %(token_index)s AND g.grantee = %(grantee)s AND g.grant_id = %(grant_id)s
FOR UPDATE
""")

_MOVE = Statement("""
UPDATE grants SET state = %(state)s, expires = %(expires)s
WHERE token_index = %(token_index)s AND grantee = %(grantee)s AND grant_id = %(grant_id)s
""")

_BINDINGS = Statement("""
SELECT epoch, token_index FROM grant_binding
WHERE grantee = %(grantee)s AND grant_id = %(grant_id)s ORDER BY bound_at, epoch
""")

# The counters go with the row: a use is a use in whichever epoch.
_REBIND = Statement("""
WITH bound AS (
    INSERT INTO grant_binding (grantee, grant_id, epoch, token_index, bound_at)
    VALUES (%(grantee)s, %(grant_id)s, %(epoch)s, %(token_index)s, %(now)s)
), pointed AS (
    UPDATE grant_artefact SET token_index = %(token_index)s
    WHERE grantee = %(grantee)s AND grant_id = %(grant_id)s
), gone AS (
    DELETE FROM grants
    WHERE token_index = %(old_index)s AND grantee = %(grantee)s AND grant_id = %(grant_id)s
    RETURNING *
)
INSERT INTO grants (token_index, grantee, grant_id, epoch, purpose, state, level, cross_border,
    not_before, expires, uses, max_uses, window_start, window_uses, window_max, window_seconds,
    detail, fields, lookback_months)
SELECT %(token_index)s, grantee, grant_id, %(epoch)s, purpose, state, level, cross_border,
    not_before, expires, uses, max_uses, window_start, window_uses, window_max, window_seconds,
    detail, fields, lookback_months
FROM gone
""")

_ADD_EVENT = Statement("""
INSERT INTO grant_event (event_id, grantee, grant_id, event, actor, state, reason, acted_at,
    effective_at, leaf_hash)
VALUES (%(event_id)s, %(grantee)s, %(grant_id)s, %(event)s, %(actor)s, %(state)s, %(reason)s,
    %(acted_at)s, %(effective_at)s, %(leaf_hash)s)
""")

_EVENTS = Statement("""
SELECT event_id, grantee, grant_id, event, actor, state, reason, acted_at, effective_at, leaf_hash
FROM grant_event WHERE grantee = %(grantee)s AND grant_id = %(grant_id)s ORDER BY event_id
""")

_CLAIM_EVIDENCE = Statement("""
INSERT INTO grant_evidence (grantee, sha256, grant_id, bundle)
VALUES (%(grantee)s, %(sha256)s, %(grant_id)s, %(bundle)s)
ON CONFLICT DO NOTHING
""")
_SAME_BUNDLE = Statement("""
SELECT 1 FROM grant_evidence e
JOIN grant_binding b ON b.grantee = e.grantee AND b.grant_id = e.grant_id
    AND b.token_index = %(token_index)s
WHERE e.grantee = %(grantee)s AND e.sha256 = %(sha256)s AND e.bundle = %(bundle)s
    AND e.bundle <> ''
""")

_WITHDRAWN_AT = Statement("""
SELECT max(e.effective_at)
FROM grant_binding b
JOIN grant_artefact a ON a.grantee = b.grantee AND a.grant_id = b.grant_id
JOIN grants g ON g.token_index = a.token_index AND g.grantee = a.grantee
    AND g.grant_id = a.grant_id
JOIN grant_event e ON e.grantee = b.grantee AND e.grant_id = b.grant_id AND e.event = 'withdraw'
WHERE b.token_index = %(token_index)s AND b.grantee = %(grantee)s AND g.purpose = %(purpose)s
""")

# The grants of a chain share their subject's tokens, one in each epoch; their records stand under
# every identity token of the subject.
_SUPPRESS = Statement("""
UPDATE record SET suppressed = true
WHERE record_id IN (
        SELECT r.record_id
        FROM grant_binding own
        JOIN grant_binding b ON b.token_index = own.token_index AND b.grantee = own.grantee
        JOIN grant_artefact a ON a.grantee = b.grantee AND a.grant_id = b.grant_id
            AND coalesce(a.chain_id, a.grant_id) = %(chain_id)s
        JOIN record r ON r.token_index = b.token_index AND r.member_id = b.grantee
            AND r.grant_id = b.grant_id AND r.current
        WHERE own.grantee = %(grantee)s AND own.grant_id = %(grant_id)s)
    AND NOT suppressed
""")


class Grants:
    """Statements about grants, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def register(self, grant: NewGrant, leaf_hash: bytes, now: int) -> None:
        """Store row, artefact and binding.

        Raises:
            GrantConflict: the grant id was stored meanwhile.
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
            _REGISTER.run(self._connection, parameters)
        except UniqueViolation as error:
            raise GrantConflict("the grant id was stored meanwhile", field="artefact") from error

    def find(self, grantee: str, grant_id: UUID, *, lock: bool = False) -> StoredGrant | None:
        """Find a grant of this grantee; with `lock`, hold its rows until the end."""
        parameters: dict[str, object] = {"grantee": grantee, "grant_id": grant_id}
        if lock:
            place = _LOCK.run(self._connection, parameters).fetchone()
            if place is None:
                return None
            _LOCK_USES.run(self._connection, {**parameters, "token_index": place[0]})
        row = _FIND.run(self._connection, parameters).fetchone()
        return None if row is None else _stored(grantee, row)

    def bindings(self, grantee: str, grant_id: UUID) -> list[Binding]:
        """List a grant's tokens, the oldest epoch first."""
        parameters = {"grantee": grantee, "grant_id": grant_id}
        return [Binding(*row) for row in _BINDINGS.run(self._connection, parameters)]

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
        _REBIND.run(self._connection, parameters)

    def move(self, stored: StoredGrant, state: GrantState, expires: int) -> None:
        """Move a locked grant to another state, or to another end."""
        parameters = {
            "token_index": stored.token_index,
            "grantee": stored.held.grantee,
            "grant_id": stored.grant_id,
            "state": state.value,
            "expires": expires,
        }
        _MOVE.run(self._connection, parameters)

    def add_event(self, event: GrantEventRow) -> None:
        """Append to the history."""
        _ADD_EVENT.run(self._connection, event._asdict())

    def events(self, grantee: str, grant_id: UUID) -> list[GrantEventRow]:
        """List a grant's history, oldest first."""
        parameters = {"grantee": grantee, "grant_id": grant_id}
        return [GrantEventRow(*row) for row in _EVENTS.run(self._connection, parameters)]

    def claim_evidence(self, grant: NewGrant, sha256: bytes, bundle: str) -> bool:
        """Let a grant stand on evidence; say whether no other does, but in its bundle."""
        parameters = {
            "grantee": grant.held.grantee,
            "sha256": sha256,
            "grant_id": grant.grant_id,
            "bundle": bundle,
            "token_index": grant.token_index,
        }
        if _CLAIM_EVIDENCE.run(self._connection, parameters).rowcount == 1:
            return True
        return _SAME_BUNDLE.run(self._connection, parameters).fetchone() is not None

    def withdrawn_at(self, token_index: bytes, grantee: str, purpose: str) -> int | None:
        """Say when the subject last withdrew from this grantee for this purpose."""
        parameters = {"token_index": token_index, "grantee": grantee, "purpose": purpose}
        row = _WITHDRAWN_AT.run(self._connection, parameters).fetchone()
        return None if row is None else row[0]

    def suppress_records(self, stored: StoredGrant) -> int:
        """Take the records that rest on a grant's chain out of every answer; say how many."""
        parameters = {
            "grantee": stored.held.grantee,
            "grant_id": stored.grant_id,
            "chain_id": stored.chain_id,
        }
        return _SUPPRESS.run(self._connection, parameters).rowcount


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
    )
