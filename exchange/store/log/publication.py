"""Statements about what is shown of the logs: checkpoints, cosignatures, who may fetch tiles."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.services.witnesses.ports import Cosignature, Published, SignedCheckpoint
from exchange.store.statement import Statement

_FIND_LOG = Statement("SELECT log_id FROM log WHERE origin = %(origin)s")

_NEWEST = Statement("""
SELECT size, root, note, signed_at FROM checkpoint WHERE log_id = %(log_id)s
ORDER BY size DESC LIMIT 1
""")

_COSIGNATURES = Statement("""
SELECT witness, signed_at, line FROM cosignature
WHERE log_id = %(log_id)s AND size = %(size)s ORDER BY witness, signed_at
""")

# Witnesses sign one size again and again while nothing happens. The first says since when it was
# seen, the newest that it still stands; those between say nothing more.
_ADD_COSIGNATURE = Statement("""
INSERT INTO cosignature (log_id, size, witness, signed_at, line)
VALUES (%(log_id)s, %(size)s, %(witness)s, %(signed_at)s, %(line)s)
ON CONFLICT DO NOTHING
""")
_THIN = Statement("""
DELETE FROM cosignature c USING (
    SELECT min(signed_at) AS first, max(signed_at) AS newest FROM cosignature
    WHERE log_id = %(log_id)s AND size = %(size)s AND witness = %(witness)s
) AS kept
WHERE c.log_id = %(log_id)s AND c.size = %(size)s AND c.witness = %(witness)s
    AND c.signed_at > kept.first AND c.signed_at < kept.newest
""")

_COSIGNED_SIZE = Statement("""
SELECT coalesce(max(size), 0) FROM cosignature
WHERE log_id = %(log_id)s AND witness = %(witness)s
""")

_PUBLISHED = Statement(
    "SELECT size, root, note, quorum_at FROM published WHERE log_id = %(log_id)s"
)

_PUBLISH = Statement("""
INSERT INTO published AS p (log_id, size, root, note, quorum_at)
VALUES (%(log_id)s, %(size)s, %(root)s, %(note)s, %(quorum_at)s)
ON CONFLICT (log_id) DO UPDATE SET size = EXCLUDED.size, root = EXCLUDED.root,
    note = EXCLUDED.note, quorum_at = EXCLUDED.quorum_at
WHERE (p.size, p.quorum_at) < (EXCLUDED.size, EXCLUDED.quorum_at)
""")

_MAY_FETCH = Statement("""
SELECT FROM log_access WHERE capability_sha256 = %(capability)s AND revoked_at IS NULL
""")

_ADD_CAPABILITY = Statement("""
INSERT INTO log_access (capability_sha256, member_id, created_at)
VALUES (%(capability)s, %(member)s, %(now)s)
""")

_REVOKE_CAPABILITIES = Statement("""
UPDATE log_access SET revoked_at = %(now)s WHERE member_id = %(member)s AND revoked_at IS NULL
""")


class Publication:
    """Statements about what is shown, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def find_log(self, origin: str) -> int | None:
        """Find a log of this name, open or closed."""
        row = _FIND_LOG.run(self._connection, {"origin": origin}).fetchone()
        return row[0] if row else None

    def newest(self, log_id: int) -> SignedCheckpoint | None:
        """Fetch the newest signed checkpoint of a log."""
        row = _NEWEST.run(self._connection, {"log_id": log_id}).fetchone()
        return SignedCheckpoint(*row) if row else None

    def cosignatures(self, log_id: int, size: int) -> list[Cosignature]:
        """Fetch the cosignatures on a checkpoint: of each witness the first and the newest."""
        asked = {"log_id": log_id, "size": size}
        return [Cosignature(*row) for row in _COSIGNATURES.run(self._connection, asked)]

    def add_cosignatures(self, log_id: int, size: int, lines: Sequence[Cosignature]) -> None:
        """Keep cosignatures; of one witness and size those between first and newest go."""
        for line in lines:
            given = {"log_id": log_id, "size": size, **line._asdict()}
            _ADD_COSIGNATURE.run(self._connection, given)
            _THIN.run(self._connection, given)

    def cosigned_size(self, log_id: int, witness: str) -> int:
        """Say up to which size a witness has cosigned a log, as far as we know."""
        asked = {"log_id": log_id, "witness": witness}
        row = _COSIGNED_SIZE.run(self._connection, asked).fetchone()
        return row[0] if row else 0

    def published(self, log_id: int) -> Published | None:
        """Fetch the newest checkpoint with a quorum."""
        row = _PUBLISHED.run(self._connection, {"log_id": log_id}).fetchone()
        return Published(*row) if row else None

    def publish(self, log_id: int, published: Published) -> None:
        """Show this checkpoint from now on, unless a newer one is shown."""
        _PUBLISH.run(self._connection, {"log_id": log_id, **published._asdict()})

    def may_fetch(self, capability_sha256: bytes) -> bool:
        """Tell whether tiles may be fetched under this capability."""
        asked = {"capability": capability_sha256}
        return _MAY_FETCH.run(self._connection, asked).rowcount > 0

    def add_capability(self, capability_sha256: bytes, member: str, now: int) -> None:
        """Let a member fetch tiles under a capability."""
        given = {"capability": capability_sha256, "member": member, "now": now}
        _ADD_CAPABILITY.run(self._connection, given)

    def revoke_capabilities(self, member: str, now: int) -> int:
        """End all capabilities of a member; say how many there were."""
        return _REVOKE_CAPABILITIES.run(self._connection, {"member": member, "now": now}).rowcount
