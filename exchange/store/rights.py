"""Which database role may do what: what serves traffic can change nothing that was logged.

In:  a connection of the schema's owner, after a migration.
Out: the roles, where they were absent, with exactly these rights. Nobody may log in as one of them
     until an operator lets somebody (or, in a sandbox, until `let_in`).
Source: log.md, 5; security.md, T4.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

API, WORKER, SEQUENCER = "cx_api", "cx_worker", "cx_sequencer"
ROLES = (API, WORKER, SEQUENCER)  # serve; work, deliver, daily; sequence, publish
_LOOK, _ADD, _OUT = "SELECT", "SELECT, INSERT", "SELECT, INSERT, DELETE"
_EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"

# Of every other table: `_EVERYTHING`. In the order of ROLES.
_NARROWED: Mapping[str, tuple[LiteralString, LiteralString, LiteralString]] = MappingProxyType(
    {
        "leaf": (_ADD, _ADD, _ADD),
        "opening": (_ADD, _ADD, _ADD),
        "opening_key": (_ADD, _OUT, _OUT),  # erasure destroys keys, never openings
        "log_search": (_ADD, _OUT, _OUT),
        "leaf_place": (_LOOK, _LOOK, _ADD),
        "tile": (_LOOK, _LOOK, "SELECT, INSERT, UPDATE"),  # a tile grows until it is full
        "checkpoint": (_LOOK, _LOOK, _ADD),
        "index_part": (_LOOK, _LOOK, _OUT),
        "log_state": (_LOOK, _LOOK, "SELECT, INSERT, UPDATE"),
        "log": (_LOOK, _LOOK, "SELECT, INSERT, UPDATE"),
        "cosignature": (_LOOK, _LOOK, _ADD),
        "published": (_LOOK, _LOOK, "SELECT, INSERT, UPDATE"),
        "query": (_ADD, _ADD, _LOOK),
        "grant_event": (_ADD, _ADD, _LOOK),
        "grant_evidence": (_ADD, _ADD, _LOOK),
        "suppression": (_ADD, _ADD, _LOOK),
        "withheld": (_EVERYTHING, _EVERYTHING, _LOOK),
        "grant_cosignature": (_ADD, _ADD, _LOOK),
        "purge_run": (_LOOK, _ADD, _LOOK),
        "report": (_LOOK, _ADD, _LOOK),
        # Whoever takes over a server can let nobody in.
        "member": (_LOOK, _EVERYTHING, _LOOK),
        "member_key": (_LOOK, _EVERYTHING, _LOOK),
        "member_proposal": (_LOOK, _EVERYTHING, _LOOK),
        "operator_key": (_LOOK, _EVERYTHING, _LOOK),
        "lend_first_month": (_LOOK, _EVERYTHING, _LOOK),
        "seat": (_LOOK, _EVERYTHING, _LOOK),
        "seat_key": ("SELECT, INSERT, UPDATE (sign_count)", _LOOK, _LOOK),  # one a link, for good
        "profile_in_force": (_LOOK, _EVERYTHING, _LOOK),
        "notice_approval": (_LOOK, _EVERYTHING, _LOOK),
        "alembic_version": (_LOOK, _LOOK, _LOOK),
    }
)


def grant_rights(url: str) -> None:
    """Give each role its rights, and take what it has beyond them.

    Args:
        url: libpq URL of the schema's owner, who may create roles or finds them there.

    Raises:
        psycopg.errors.InsufficientPrivilege: a role is absent, and the owner may not create it.
    """
    with psycopg.connect(url) as connection:
        for role in ROLES:
            _create(connection, role)
        everyone = sql.SQL(", ").join(map(sql.Identifier, ROLES))
        for text in (
            "GRANT USAGE ON SCHEMA public TO {}",
            f"GRANT {_EVERYTHING} ON ALL TABLES IN SCHEMA public TO {{}}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
            "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}",
        ):
            connection.execute(sql.SQL(text).format(everyone))
        for table, rights in _NARROWED.items():
            name = sql.Identifier(table)
            connection.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(name, everyone))
            for role, right in zip(ROLES, rights, strict=True):
                grant = sql.SQL("GRANT {} ON {} TO {}")
                connection.execute(grant.format(sql.SQL(right), name, sql.Identifier(role)))


def let_in(url: str) -> None:
    """Let each role log in with this URL's password: for a sandbox, whose server is its own."""
    password = sql.Literal(urlsplit(url).password or "")
    with psycopg.connect(url) as connection:
        for role in ROLES:
            command = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
            connection.execute(command.format(sql.Identifier(role), password))


def url_as(url: str, role: str) -> str:
    """Return the URL under which a role logs in that `let_in` let in."""
    parts = urlsplit(url)
    _, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{role}:{parts.password}@{host}").geturl()


def _create(connection: psycopg.Connection[tuple[object, ...]], role: str) -> None:
    """Make a role that is absent. Roles are the server's: another database may be making it too."""
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
        return
    command = sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role))
    known = (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation)
    with suppress(*known), connection.transaction():
        connection.execute(command)
