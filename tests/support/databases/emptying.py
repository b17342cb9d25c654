"""Make a database that a test is done with as it was before: a fresh one costs the server more.

In:  a database made of the run's template, and what the template is like.
Out: the same with the template's rows alone, its sequences at their start and nobody connected; or
     the word that a test changed more than rows, and the database is of no more use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

# With the column that names what a row is about. Ours have numbers from 16384 on.
_CATALOGS = {
    **dict.fromkeys(("pg_class", "pg_constraint", "pg_proc", "pg_trigger", "pg_rewrite"), "oid"),
    **{"pg_attribute": "attrelid", "pg_attrdef": "adrelid", "pg_index": "indexrelid"},
    **{"pg_statistic": "starelid", "pg_default_acl": "oid", "pg_policy": "oid"},
}
# Who alters, grants, analyses or rewrites leaves other rows, or newer ones.
_LOOK = " UNION ALL ".join(
    f"SELECT '{name}', count(*), coalesce(max(xmin::text::bigint), 0) FROM {name}"
    f" WHERE {column} >= 16384"
    for name, column in _CATALOGS.items()
)
_LOOK += " UNION ALL SELECT 'counted', sum(relpages), sum(reltuples)::bigint FROM pg_class"
_LOOK += " WHERE oid >= 16384"  # statistics are changed in their place
_END_OTHERS = """SELECT coalesce(bool_and(pg_terminate_backend(pid, 5000)), true)
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"""
# A table that never had a row has no page.
_FILLED = """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
AND relkind = 'r' AND pg_relation_size(oid) > 0 ORDER BY relname"""
_RESTART = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What a database is like that was just made."""

    catalogs: list[tuple[object, ...]]
    rows: Mapping[str, object]  # as JSON, by table


def read_template(url: str) -> Template:
    """Look at a database that was just made."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = {}
        for (table,) in connection.execute(_FILLED).fetchall():
            told = sql.SQL("SELECT json_agg(t)::text FROM {} t").format(sql.Identifier(table))
            ((found,),) = connection.execute(told).fetchall()
            if found is not None:
                rows[table] = found
        return Template(catalogs=connection.execute(_LOOK).fetchall(), rows=rows)


def emptied(url: str, template: Template) -> bool:
    """Take out what tests wrote; False if more than rows differs from the template."""
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute(_END_OTHERS).fetchone() != (True,):
            return False
        if connection.execute(_LOOK).fetchall() != template.catalogs:
            return False
        filled = [row[0] for row in connection.execute(_FILLED).fetchall()]
        steps = [
            # In one transaction, as all that is sent at once; no foreign key is looked at. Not by
            # TRUNCATE: it makes new files of a table and of each index.
            "SET session_replication_role = replica",
            *(f'DELETE FROM "{table}"' for table in filled),
            *(_fill(table, rows) for table, rows in template.rows.items()),
            _RESTART,
        ]
        connection.execute("; ".join(steps).encode())
    return True


def _fill(table: str, rows: object) -> str:
    told = sql.Literal(rows).as_string()
    return f'INSERT INTO "{table}" SELECT * FROM json_populate_recordset(NULL::"{table}", {told})'
