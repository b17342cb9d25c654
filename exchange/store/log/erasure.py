"""Statements that erase what opens leaves, and the list of what was erased, outside every dump."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.services.erasure.ports import KeyToShred
from exchange.store.log.checkpoint_file import mode_beside
from exchange.store.statement import Statement

_FINGERPRINT = "encode(sha256(convert_to(key_id, 'UTF8') || wrapped), 'hex')"

_OF_SUBJECT = Statement(f"""
SELECT key_id, {_FINGERPRINT} FROM opening_key
WHERE starts_with(key_id, %(subject)s || '/') ORDER BY key_id FOR UPDATE
""")  # noqa: S608 - no value

_OF_QUARTER = Statement(f"""
SELECT key_id, {_FINGERPRINT} FROM opening_key
WHERE split_part(key_id, '/', 2) = %(quarter)s ORDER BY key_id FOR UPDATE
""")  # noqa: S608 - no value

_LISTED = Statement(f"""
SELECT key_id, {_FINGERPRINT} FROM opening_key
WHERE {_FINGERPRINT} = ANY (%(fingerprints)s::text[]) ORDER BY key_id FOR UPDATE
""")  # noqa: S608 - no value

_INDICES = Statement("""
SELECT p.leaf_index FROM opening o JOIN leaf f USING (leaf_hash) LEFT JOIN leaf_place p USING (ord)
WHERE o.key_id = ANY (%(key_ids)s::text[]) AND f.log_id = %(log_id)s ORDER BY p.leaf_index
""")

# What was numbered and is erased is counted, or a subject would be told that an entry is missing.
# Openings and answers are of no use without their key, and go with it: a key made later for the
# same subject and quarter must not find what it cannot open.
_SHRED = Statement("""
WITH answers AS (DELETE FROM query WHERE key_id = ANY (%(key_ids)s::text[])),
opened AS (DELETE FROM opening WHERE key_id = ANY (%(key_ids)s::text[]) RETURNING leaf_hash),
counted AS (
    UPDATE subject_counter c SET erased = c.erased + n.leaves
    FROM (SELECT f.log_id, s.subject, count(*) AS leaves
        FROM opened o JOIN leaf f USING (leaf_hash) JOIN log_search s USING (leaf_hash)
        WHERE s.subject <> '' GROUP BY f.log_id, s.subject) n
    WHERE c.log_id = n.log_id AND c.subject = n.subject
),
searches AS (DELETE FROM log_search s USING opened o WHERE s.leaf_hash = o.leaf_hash)
DELETE FROM opening_key WHERE key_id = ANY (%(key_ids)s::text[])
""")

_FORGET_SEEN = Statement("""
UPDATE watch w SET kek_id = NULL, wrapped = NULL, sealed = NULL
FROM watch_token t
WHERE t.subject = %(subject)s AND w.member_id = t.member_id AND w.watch_id = t.watch_id
""")


class Erasure:
    """Statements that erase, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def keys_of_subject(self, subject: str) -> list[KeyToShred]:
        """Find and lock the keys of a subject, of every quarter."""
        return self._keys(_OF_SUBJECT, {"subject": subject})

    def keys_of_quarter(self, quarter: str) -> list[KeyToShred]:
        """Find and lock the keys of a quarter, of every subject and of none."""
        return self._keys(_OF_QUARTER, {"quarter": quarter})

    def keys_listed(self, fingerprints: Collection[str]) -> list[KeyToShred]:
        """Find and lock those keys that stand in the list of shredded ones."""
        return self._keys(_LISTED, {"fingerprints": sorted(fingerprints)})

    def indices(self, key_ids: Sequence[str], log_id: int) -> list[int | None]:
        """Say where in a log the leaves stand that these keys open; None: not yet numbered."""
        asked = {"key_ids": list(key_ids), "log_id": log_id}
        return [row[0] for row in _INDICES.run(self._connection, asked)]

    def forget_seen(self, subject: str) -> None:
        """Forget what watches of a subject were shown last; the next look begins anew."""
        _FORGET_SEEN.run(self._connection, {"subject": subject})

    def shred(self, key_ids: Sequence[str]) -> int:
        """Delete keys, openings, search rows and stored answers; say how many keys there were."""
        return _SHRED.run(self._connection, {"key_ids": list(key_ids)}).rowcount

    def _keys(self, statement: Statement, asked: dict[str, object]) -> list[KeyToShred]:
        return [KeyToShred(*row) for row in statement.run(self._connection, asked)]


class ShredFile:
    """The list of shredded keys: one fingerprint a line, only ever appended to.

    Its owner alone may write it; it is read by whoever may read the checkpoint beside it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, fingerprints: Sequence[str]) -> None:
        """Append, durably."""
        listed = self.all()
        new = [one for one in fingerprints if one not in listed]
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, mode_beside(self._path))
            file.writelines(f"{one}\n" for one in new)
            file.flush()
            os.fsync(file.fileno())

    def all(self) -> frozenset[str]:
        """Read the whole list."""
        try:
            return frozenset(self._path.read_text().split())
        except FileNotFoundError:
            return frozenset()
