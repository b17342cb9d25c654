"""Statements about the access log's tree: states, indices, tiles, checkpoints, one leaf.

The sequencer works on a connection of its own, under a role of its own; see `LogDatabase`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import accumulate

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.domain.merkle import EMPTY_ROOT, TreeHead
from exchange.domain.tiles import TileId
from exchange.services.log.ports import (
    LeafEntry,
    LogRef,
    LogState,
    Mark,
    StoredLeaf,
    Taken,
    Unproven,
)
from exchange.store.functions import WRITERS_LOCK
from exchange.store.statement import Statement

_OPEN_LOGS = Statement("SELECT log_id, origin FROM log WHERE closed_at IS NULL ORDER BY log_id")

_NEWEST_LOG = Statement("SELECT log_id, origin FROM log ORDER BY log_id DESC LIMIT 1")
_HOLD_WRITERS = Statement(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")
_CLOSE_LOG = Statement("""
UPDATE log SET closed_at = %(now)s WHERE log_id = %(log_id)s AND closed_at IS NULL
""")

_CREATE_LOG = Statement("""
INSERT INTO log (origin, opened_at) VALUES (%(origin)s, %(now)s)
ON CONFLICT (origin) DO NOTHING RETURNING log_id
""")

_STATE = """
SELECT size, root, edge, note, floor, ceiling, writers FROM log_state WHERE log_id = %(log_id)s
"""
_READ_STATE = Statement(_STATE)
_LOCK_STATE = Statement(f"{_STATE} FOR UPDATE")

_START_STATE = Statement("""
INSERT INTO log_state (log_id, size, root, edge, note, covered_until)
VALUES (%(log_id)s, 0, %(root)s, '{}', '', %(now)s)
ON CONFLICT (log_id) DO NOTHING
""")

# Leaves are written and never changed; an index is a row of its own. `ord` is taken before commit,
# so a leaf may appear below others that have their index: hence the search from the floor on, and
# not from the last one. The floor is raised to where all had theirs, when every transaction has
# ended that wrote leaves at that time: only such a one could still bring a leaf from below.
_WAITING = """
SELECT f.ord, f.leaf_hash, f.entry, f.created_at FROM leaf f
WHERE f.log_id = %(log_id)s AND f.ord >= %(floor)s
    AND NOT EXISTS (SELECT 1 FROM leaf_place p WHERE p.ord = f.ord AND p.ord >= %(floor)s)
ORDER BY f.ord LIMIT %(rows_max)s
"""
_OLDEST_WAITING = Statement(f"SELECT created_at FROM ({_WAITING}) AS waiting")  # noqa: S608 - no value
# Hashes and entries come as one string each: row by row the driver would spend more on them than
# all else together.
_TAKE = Statement(f"""
WITH waiting AS MATERIALIZED ({_WAITING}),
placed AS (
    INSERT INTO leaf_place (log_id, leaf_index, ord)
    SELECT %(log_id)s, %(first)s + row_number() OVER (ORDER BY ord) - 1, ord FROM waiting
)
SELECT count(*), coalesce(max(ord), 0), coalesce(string_agg(leaf_hash, NULL ORDER BY ord), ''),
    coalesce(string_agg(entry, NULL ORDER BY ord), '')
FROM waiting
""")  # noqa: S608 - no value

# An INSERT holds this lock on `leaf` from before it draws `ord` until its transaction has ended.
_WRITERS = Statement("""
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'leaf'::regclass AND mode = 'RowExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")

_TILES = Statement("""
SELECT t.level, t.n, t.hashes
FROM unnest(%(level)s::smallint[], %(n)s::bigint[]) AS wanted(level, n)
JOIN tile t ON t.log_id = %(log_id)s AND t.level = wanted.level AND t.n = wanted.n
""")

# A tile only ever grows: what it holds already must stand at the front of what is written. The
# hashes go in one after the other: as an array the driver would write each byte as two digits.
_PUT_TILES = Statement("""
INSERT INTO tile (log_id, level, n, hashes)
SELECT %(log_id)s, level, n, substr(%(hashes)s::bytea, start, bytes)
FROM unnest(%(level)s::smallint[], %(n)s::bigint[], %(start)s::int[], %(bytes)s::int[])
    AS grown(level, n, start, bytes)
ON CONFLICT (log_id, level, n) DO UPDATE SET hashes = EXCLUDED.hashes
WHERE substr(EXCLUDED.hashes, 1, octet_length(tile.hashes)) = tile.hashes
""")

_PUT_CHECKPOINT = Statement("""
INSERT INTO checkpoint (log_id, size, root, note, signed_at)
VALUES (%(log_id)s, %(size)s, %(root)s, %(note)s, %(signed_at)s)
""")

_ADVANCE = Statement("""
UPDATE log_state SET size = %(size)s, root = %(root)s, edge = %(edge)s::bytea[], note = %(note)s,
    covered_until = %(covered_until)s, floor = %(floor)s, ceiling = %(ceiling)s,
    writers = %(writers)s::text[]
WHERE log_id = %(log_id)s AND size = %(old_size)s
""")

_SEQUENCED = Statement("""
SELECT f.leaf_hash, f.entry FROM leaf_place p JOIN leaf f USING (ord)
WHERE p.log_id = %(log_id)s AND p.leaf_index >= %(first)s ORDER BY p.leaf_index LIMIT %(rows_max)s
""")

_FIND_LEAF = Statement("""
SELECT g.log_id, g.origin, p.leaf_index, f.created_at, f.entry, o.key_id, o.subject, o.audit,
    k.kek_id, k.wrapped
FROM leaf f JOIN log g USING (log_id) JOIN opening o USING (leaf_hash)
    JOIN opening_key k USING (key_id) LEFT JOIN leaf_place p USING (ord)
WHERE f.leaf_hash = %(leaf_hash)s
""")


_UNPROVEN = Statement("""
SELECT f.leaf_hash, s.kind, s.member_id, s.t FROM leaf f JOIN log_search s USING (leaf_hash)
WHERE f.log_id = %(log_id)s AND NOT EXISTS (SELECT FROM leaf_place p WHERE p.ord = f.ord)
ORDER BY f.ord
""")


class Tree:
    """Statements about the tree, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def open_logs(self) -> list[LogRef]:
        """List the logs that may still grow, oldest first."""
        return [LogRef(*row) for row in _OPEN_LOGS.run(self._connection, {})]

    def newest_log(self) -> LogRef | None:
        """Return the log that was opened last, open or closed."""
        row = _NEWEST_LOG.run(self._connection, {}).fetchone()
        return LogRef(*row) if row else None

    def hold_writers(self) -> None:
        """Wait until nobody writes leaves, and let nobody until this transaction ends."""
        _HOLD_WRITERS.run(self._connection, {})

    def close_log(self, log_id: int, now: int) -> bool:
        """Let no further leaf follow; say whether the log was open."""
        return _CLOSE_LOG.run(self._connection, {"log_id": log_id, "now": now}).rowcount == 1

    def create_log(self, origin: str, now: int) -> int | None:
        """Open a log of this name and return its id, or None if there is one."""
        row = _CREATE_LOG.run(self._connection, {"origin": origin, "now": now}).fetchone()
        return row[0] if row else None

    def lock_state(self, log_id: int, now: int) -> LogState:
        """Fetch a log's state for update; a log without one has no leaf yet."""
        found = _LOCK_STATE.run(self._connection, {"log_id": log_id}).fetchone()
        if found is None:
            start = {"log_id": log_id, "root": EMPTY_ROOT, "now": now}
            _START_STATE.run(self._connection, start)
            found = _LOCK_STATE.run(self._connection, {"log_id": log_id}).fetchone()
        return _state(found)

    def state(self, log_id: int) -> LogState:
        """Fetch a log's state as it was committed last."""
        return _state(_READ_STATE.run(self._connection, {"log_id": log_id}).fetchone())

    def take(self, log_id: int, mark: Mark, first: int, *, rows_max: int) -> Taken:
        """Give leaves that wait the indices from `first` on, in the order they were written."""
        asked = {"log_id": log_id, "floor": mark.floor, "first": first, "rows_max": rows_max}
        row = _TAKE.run(self._connection, asked).fetchone()
        return Taken(*row) if row else Taken(0, 0, b"", b"")

    def writers(self) -> tuple[str, ...]:
        """Name the transactions under way that write leaves, or may yet."""
        return tuple(row[0] for row in _WRITERS.run(self._connection, {}))

    def oldest_waiting_at(self, log_id: int, mark: Mark) -> int | None:
        """Say when the first leaf without an index was written."""
        asked = {"log_id": log_id, "floor": mark.floor, "rows_max": 1}
        row = _OLDEST_WAITING.run(self._connection, asked).fetchone()
        return row[0] if row else None

    def tiles(self, log_id: int, wanted: Collection[TileId]) -> dict[TileId, bytes]:
        """Fetch tiles; absent ones are left out."""
        asked = {"log_id": log_id, **_places(wanted)}
        found = _TILES.run(self._connection, asked)
        return {TileId(level, n): hashes for level, n, hashes in found}

    def put_tiles(self, log_id: int, tiles: Mapping[TileId, bytes]) -> int:
        """Store or widen tiles; return how many. One that would change is not counted."""
        sizes = [len(hashes) for hashes in tiles.values()]
        given = {
            "log_id": log_id,
            "hashes": b"".join(tiles.values()),
            "start": [1 + end - size for end, size in zip(accumulate(sizes), sizes, strict=True)],
            "bytes": sizes,
            **_places(tiles),
        }
        return _PUT_TILES.run(self._connection, given).rowcount

    def put_checkpoint(self, log_id: int, head: TreeHead, note: str, signed_at: int) -> None:
        """Keep a signed checkpoint."""
        _PUT_CHECKPOINT.run(
            self._connection,
            {
                "log_id": log_id,
                "size": head.size,
                "root": head.root,
                "note": note,
                "signed_at": signed_at,
            },
        )

    def advance(self, log_id: int, old_size: int, state: LogState, covered_until: int) -> bool:
        """Move a log on from this size; say whether it stood there."""
        given = {
            "log_id": log_id,
            "old_size": old_size,
            "size": state.size,
            "root": state.root,
            "edge": list(state.edge),
            "note": state.note,
            "covered_until": covered_until,
            "floor": state.mark.floor,
            "ceiling": state.mark.ceiling,
            "writers": list(state.mark.writers),
        }
        return _ADVANCE.run(self._connection, given).rowcount == 1

    def sequenced(self, log_id: int, *, first: int, rows_max: int) -> list[LeafEntry]:
        """Fetch leaves by index, in order, from `first` on."""
        asked = {"log_id": log_id, "first": first, "rows_max": rows_max}
        return [LeafEntry(*row) for row in _SEQUENCED.run(self._connection, asked)]

    def unproven(self, log_id: int) -> list[Unproven]:
        """List the leaves without an index: in a log that is given up they get none."""
        return [Unproven(*row) for row in _UNPROVEN.run(self._connection, {"log_id": log_id})]

    def find_leaf(self, leaf_hash: bytes) -> StoredLeaf | None:
        """Find a leaf and its openings."""
        row = _FIND_LEAF.run(self._connection, {"leaf_hash": leaf_hash}).fetchone()
        return StoredLeaf(LogRef(*row[:2]), *row[2:]) if row else None


def _places(tiles: Collection[TileId]) -> dict[str, list[int]]:
    return {"level": [tile.level for tile in tiles], "n": [tile.n for tile in tiles]}


def _state(row: TupleRow | None) -> LogState:
    """Read a state; before its first turn a log has none and is empty."""
    if row is None:
        return LogState(0, EMPTY_ROOT, (), "", Mark())
    size, root, edge, note, floor, ceiling, writers = row
    return LogState(size, root, tuple(edge), note, Mark(floor, ceiling, tuple(writers)))
