"""How the database and the access log stand, asked over a connection of its own.

Not over the pool: a spent pool must not hide that the database is well, nor be held by a probe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg

from exchange.store.migrate import head, revision

CONNECT_SECONDS_MAX = 2
_DAY_SECONDS = 86_400
_LOG = """
SELECT coalesce((SELECT size FROM log_state ORDER BY log_id DESC LIMIT 1), 0),
    coalesce((SELECT covered_until FROM log_state ORDER BY log_id DESC LIMIT 1), 0),
    count(*), coalesce(min(f.created_at), 0)
FROM leaf f
WHERE f.ord >= (
        SELECT coalesce(min(s.floor), 0) FROM log_state s JOIN log g USING (log_id)
        WHERE g.closed_at IS NULL)
    AND NOT EXISTS (SELECT FROM leaf_place p WHERE p.ord = f.ord)
"""


_CHECKPOINT = """
SELECT coalesce((SELECT signed_at FROM checkpoint c
        WHERE c.log_id = g.log_id ORDER BY size DESC LIMIT 1), 0),
    coalesce((SELECT quorum_at FROM published p WHERE p.log_id = g.log_id), 0)
FROM log g ORDER BY g.log_id DESC LIMIT 1
"""
# Of the newest sizes alone: a witness that signed none of them is away for long.
_COSIGNED = """
SELECT witness, max(signed_at) FROM (
    SELECT witness, signed_at FROM cosignature
    WHERE log_id = (SELECT max(log_id) FROM log) ORDER BY size DESC LIMIT 2000
) AS newest GROUP BY witness
"""
_METERS = "SELECT name, labels, value FROM meter ORDER BY name, labels"
# Of this day (UTC): answers given, but for those whose leaf may still wait, less proofs fetched.
_UNREDEEMED = """
SELECT greatest(0, coalesce(sum(used) FILTER (WHERE what LIKE 'queries/_'), 0)
    - coalesce(sum(used) FILTER (WHERE what = 'proofs'), 0))::bigint
FROM quota WHERE period = %(day)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What one look at the database found."""

    schema_current: bool
    log_size: int  # leaves in the tree
    covered_until: int  # unix seconds up to which the log is sequenced
    unsequenced: int  # leaves without an index
    oldest_unsequenced_at: int  # unix seconds, 0 if there is none
    checkpoint_at: int = 0  # unix seconds, of the newest signed one
    quorum_at: int = 0  # unix seconds, of the newest one with a quorum; 0: there is none
    cosigned_at: Mapping[str, int] = field(default_factory=dict)  # by witness, unix seconds
    unredeemed: int = 0  # receipts of this day (UTC) whose proof nobody fetched
    meters: Mapping[str, float] = field(default_factory=dict)  # by name, labels included


def connections_max(url: str) -> int | None:
    """Ask how many connections the database takes; None if it does not answer."""
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS_MAX) as connection:
            row = connection.execute("SELECT current_setting('max_connections')::int").fetchone()
    except psycopg.Error:
        return None
    return int(row[0]) if row else None


def look(url: str, now: int) -> Health | None:
    """Ask the database; None if it does not answer.

    Args:
        now: unix seconds.
    """
    try:
        with psycopg.connect(
            url, connect_timeout=CONNECT_SECONDS_MAX, options="-c statement_timeout=2000"
        ) as connection:
            if revision(connection) != head():
                return Health(
                    schema_current=False,
                    log_size=0,
                    covered_until=0,
                    unsequenced=0,
                    oldest_unsequenced_at=0,
                )
            row = connection.execute(_LOG).fetchone() or (0, 0, 0, 0)
            signed = connection.execute(_CHECKPOINT).fetchone() or (0, 0)
            (unredeemed,) = connection.execute(
                _UNREDEEMED, {"day": now - now % _DAY_SECONDS}
            ).fetchone() or (0,)
            meters = {
                f"{name}{{{labels}}}" if labels else name: value
                for name, labels, value in connection.execute(_METERS)
            }
            cosigned: dict[str, int] = dict(connection.execute(_COSIGNED).fetchall())
    except psycopg.Error:
        return None
    return Health(
        schema_current=True,
        log_size=row[0],
        covered_until=row[1],
        unsequenced=row[2],
        oldest_unsequenced_at=row[3],
        checkpoint_at=signed[0],
        quorum_at=signed[1],
        cosigned_at=cosigned,
        unredeemed=unredeemed,
        meters=meters,
    )
