"""Statements about grants: the row that uses are judged by, the artefact kept, the history."""

from __future__ import annotations

from uuid import UUID

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow

from consent.grants import GrantState, HeldGrant
from consent.purposes import Detail
from exchange.errors import GrantConflict
from exchange.services.grants.ports import GrantEventRow, NewGrant, StoredGrant
from exchange.store.statement import Statement

_REGISTER = Statement("""
WITH kept AS (
    INSERT INTO grant_artefact (grantee, grant_id, token_index, artefact, digest, kid, policy,
        registered_at, leaf_hash)
    VALUES (%(grantee)s, %(grant_id)s, %(token_index)s, %(artefact)s, %(digest)s, %(kid)s,
        %(policy)s, %(now)s, %(leaf_hash)s)
)
INSERT INTO grants (token_index, grantee, grant_id, epoch, purpose, state, level, cross_border,
    not_before, expires, uses, max_uses, window_start, window_uses, window_max, window_seconds,
    detail, fields, lookback_months)
VALUES (%(token_index)s, %(grantee)s, %(grant_id)s, %(epoch)s, %(purpose)s, %(state)s, %(level)s,
    %(cross_border)s, %(not_before)s, %(expires)s, 0, %(max_uses)s, 0, 0, %(window_max)s,
    %(window_seconds)s, %(detail)s, %(fields)s, %(lookback_months)s)
""")

_FIND = """
SELECT a.grant_id, g.token_index, g.epoch, a.artefact, a.digest, a.policy, a.registered_at,
    a.leaf_hash, g.purpose, g.state, g.level, g.cross_border, g.not_before, g.expires, g.uses,
    g.max_uses, g.window_start, g.window_uses, g.window_max, g.window_seconds, g.detail, g.fields,
    g.lookback_months
FROM grant_artefact a
JOIN grants g ON g.token_index = a.token_index AND g.grantee = a.grantee
    AND g.grant_id = a.grant_id
WHERE a.grantee = %(grantee)s AND a.grant_id = %(grant_id)s
"""
_READ = Statement(_FIND)
_LOCK = Statement(f"{_FIND} FOR UPDATE OF g")

_SET_STATE = Statement("""
UPDATE grants SET state = %(state)s
WHERE token_index = %(token_index)s AND grantee = %(grantee)s AND grant_id = %(grant_id)s
""")

_ADD_EVENT = Statement("""
INSERT INTO grant_event (event_id, grantee, grant_id, event, actor, state, reason, acted_at,
    effective_at, leaf_hash)
VALUES (%(event_id)s, %(grantee)s, %(grant_id)s, %(event)s, %(actor)s, %(state)s, %(reason)s,
    %(acted_at)s, %(effective_at)s, %(leaf_hash)s)
""")

_WITHDRAWN_AT = Statement("""
SELECT max(e.effective_at) FROM grants g
JOIN grant_event e ON e.grantee = g.grantee AND e.grant_id = g.grant_id AND e.event = 'withdraw'
WHERE g.token_index = %(token_index)s AND g.grantee = %(grantee)s AND g.purpose = %(purpose)s
""")

# The grant is bound to one token; its records stand under every identity token of the subject.
_SUPPRESS = Statement("""
UPDATE record SET suppressed = true
WHERE record_id IN (SELECT r.record_id FROM record r WHERE r.token_index = %(token_index)s
        AND r.member_id = %(member)s AND r.grant_id = %(grant_id)s AND r.current)
    AND NOT suppressed
""")


class Grants:
    """Statements about grants, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def register(self, grant: NewGrant, leaf_hash: bytes, now: int) -> None:
        """Store row and artefact.

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
        """Find a grant of this grantee; with `lock`, hold its row until the end."""
        parameters = {"grantee": grantee, "grant_id": grant_id}
        row = (_LOCK if lock else _READ).run(self._connection, parameters).fetchone()
        return None if row is None else _stored(grantee, row)

    def set_state(
        self, token_index: bytes, grantee: str, grant_id: UUID, state: GrantState
    ) -> None:
        """Move a locked grant to another state."""
        parameters = {
            "token_index": token_index,
            "grantee": grantee,
            "grant_id": grant_id,
            "state": state.value,
        }
        _SET_STATE.run(self._connection, parameters)

    def add_event(self, event: GrantEventRow) -> None:
        """Append to the history."""
        _ADD_EVENT.run(self._connection, event._asdict())

    def withdrawn_at(self, token_index: bytes, grantee: str, purpose: str) -> int | None:
        """Say when the subject last withdrew from this grantee for this purpose."""
        parameters = {"token_index": token_index, "grantee": grantee, "purpose": purpose}
        row = _WITHDRAWN_AT.run(self._connection, parameters).fetchone()
        return None if row is None else row[0]

    def suppress_records(self, token_index: bytes, member: str, grant_id: UUID) -> int:
        """Take the records that rest on a grant out of every answer; say how many."""
        parameters = {"token_index": token_index, "member": member, "grant_id": grant_id}
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
    )
