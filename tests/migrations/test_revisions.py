"""The numbered revisions: complete, in order, marked, and polite to a database in use."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from exchange.errors import LaunchError
from exchange.store import migrate as module
from exchange.store.embedded.server import Server
from exchange.store.migrate import FOLDER, head, migrate, revision
from tests.support.postgres import describe

REVISIONS = sorted((FOLDER / "versions").glob("[0-9]*.py"))
SECOND = '''"""Widen a column.

Phase: post. Only a test."""
from alembic import op
revision = "9999"
down_revision = "{before}"
PHASE = "post"
def upgrade():
    op.execute("ALTER TABLE member ADD COLUMN later text")
'''
numbers = count(1)


@contextmanager
def empty(server: Server) -> Iterator[str]:
    """Yield the URL of a database in which there is nothing at all."""
    name = f"empty_{os.getpid()}_{next(numbers)}"
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield server.url_of(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_url(postgres_server: Server) -> Iterator[str]:
    """A database in which there is nothing at all."""
    with empty(postgres_server) as url:
        yield url


@pytest.fixture
def with_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be one more revision, marked `post`."""
    shutil.copytree(FOLDER, tmp_path / "migrations", dirs_exist_ok=True)
    later = tmp_path / "migrations" / "versions" / "9999_later.py"
    later.write_text(SECOND.format(before=head()))
    monkeypatch.setattr(module, "FOLDER", tmp_path / "migrations")


def dump(server: Server, url: str) -> list[str]:
    """Return a database's definition, but for the table in which revisions are counted."""
    told = subprocess.run(
        [server.binaries.path / "pg_dump", "--schema-only", "--no-owner", url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    blocks = told.split("\n--\n")
    kept = [one for one in blocks if "alembic_version" not in one and "restrict" not in one]
    return [line for block in kept for line in block.splitlines()]


def test_upgrading_from_zero_gives_what_the_code_describes(
    postgres_server: Server, empty_url: str
) -> None:
    """Statements are written against schema.py: a database that differs fails at run time."""
    migrate(empty_url)

    with empty(postgres_server) as described:
        describe(described)
        assert dump(postgres_server, described) == dump(postgres_server, empty_url)


def test_a_second_run_applies_nothing(empty_url: str) -> None:
    """`exchange up` migrates at each start."""
    migrate(empty_url)

    applied = migrate(empty_url)

    assert [] == applied


def test_two_runs_at_once_take_turns(empty_url: str) -> None:
    """Two hosts deployed at the same moment must not both create the tables."""
    with ThreadPoolExecutor(2) as pool:
        applied = list(pool.map(migrate, [empty_url, empty_url]))

    assert sorted([[], [path.name[:4] for path in REVISIONS]]) == sorted(applied)


def test_a_database_of_a_later_version_is_refused(database_url: str, empty_url: str) -> None:
    """Old code that writes into a newer schema corrupts what it does not know."""
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9998'")

    with pytest.raises(LaunchError, match="newer than this version"):
        migrate(empty_url)


@pytest.mark.usefixtures("with_a_second")
def test_what_must_wait_for_the_deployment_waits(empty_url: str) -> None:
    """A column dropped under running old code stops the service."""
    migrate(empty_url, before_deployment=True)

    with psycopg.connect(empty_url) as connection:
        assert "9999" > (revision(connection) or "")
    assert "9999" == migrate(empty_url)[-1]


@pytest.mark.usefixtures("with_a_second")
def test_a_revision_gives_up_on_a_table_in_use(empty_url: str) -> None:
    """A migration that queues for a lock stops every query behind it."""
    migrate(empty_url, before_deployment=True)

    with psycopg.connect(empty_url) as other:
        other.execute("SELECT count(*) FROM member")
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate(empty_url)

    assert "9999" == migrate(empty_url)[-1]


def test_revisions_are_numbered_without_a_gap() -> None:
    """One line of revisions, or two databases of one version differ."""
    chain = [(named(path, "revision"), named(path, "down_revision")) for path in REVISIONS]

    expected = [f"{number:04}" for number in range(1, len(REVISIONS) + 1)]
    assert list(zip(expected, [None, *expected], strict=False)) == chain


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: path.stem)
def test_each_revision_says_when_it_may_run_and_why(path: Path) -> None:
    """An operator who deploys without a stop must know what comes first."""
    phase = named(path, "PHASE")
    doc = ast.get_docstring(ast.parse(path.read_text())) or ""

    assert phase in {"pre", "post"}
    assert f"Phase: {phase}. " in doc


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: path.stem)
def test_no_revision_holds_a_table_for_long(path: Path) -> None:
    """An index built in the transaction, or a column retyped, locks a table for minutes."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    named_calls = [(ast.unparse(call.func).removeprefix("op."), call) for call in calls]
    new = {argument(call, 0) for name, call in named_calls if name == "create_table"}

    for name, call in named_calls:
        words = {word.arg for word in call.keywords}
        if name == "create_index" and argument(call, 1) not in new:
            assert "postgresql_concurrently" in words
        assert not (name == "alter_column" and "type_" in words)


def named(path: Path, name: str) -> object:
    """Return a constant that a revision assigns."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path.name} does not say {name}")


def argument(call: ast.Call, position: int) -> object:
    """Return a constant argument of a call."""
    node = call.args[position] if len(call.args) > position else None
    return node.value if isinstance(node, ast.Constant) else None
