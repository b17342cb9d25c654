"""The tree itself: headers, tests that say what they are for, locks without addresses."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.structure.generated import ROOT, parsed, tracked

TOP_LEVEL = {
    *("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md", "Makefile"),
    *("exchange", "consent", "migrations", "clients", "tests", "deploy", "docs"),
}
LOCKS = sorted((ROOT / "deploy" / "locks").glob("*.txt"))
# The name under which a distribution is imported, where it is another.
IMPORTED_AS = {
    "credit-exchange": "exchange",
    "flask-smorest": "flask_smorest",
    "prometheus-client": "prometheus_client",
    "psycopg-pool": "psycopg_pool",
    "pynacl": "nacl",
    "pydantic-settings": "pydantic_settings",
    "python-stdnum": "stdnum",
}
# Declared without being imported by us: why.
NOT_IMPORTED = {
    "apispec": "the floor of what flask-smorest uses",
    "gunicorn": "started as a program",
    "tzdata": "time zones where the system has none",
    "typer": "the command line of the SDK is built on it",
    "rich": "typer draws with it, and so does the progress of an upload",
}
STANDARD_OR_OURS = {"exchange", "consent", "migrations", "exchange_client", "tests"}


def modules() -> list[Path]:
    """Return every Python file with code in it."""
    return [path for path in tracked("*.py") if path.read_text().strip()]


def test_every_module_says_what_it_does() -> None:
    """A reader who opens a file must know at once whether it is the right one."""
    silent = [str(path) for path in modules() if not ast.get_docstring(parsed(path))]

    assert [] == silent


def test_every_test_says_what_a_user_loses() -> None:
    """A test that fails must tell what is broken for whom, not only where."""
    silent = [
        f"{path}:{node.name}"
        for path in modules()
        if path.name.startswith("test_")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and (not ast.get_docstring(node) or node.name.count("_") < 3)
    ]

    assert [] == silent


def test_the_top_level_stays_as_agreed() -> None:
    """A newcomer finds the same few names in every version."""
    names = {path.relative_to(ROOT).parts[0] for path in tracked("*")}

    assert set() == {one for one in names if not one.startswith(".")} - TOP_LEVEL


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_a_lock_holds_names_versions_and_hashes_only(path: Path) -> None:
    """An address in a lock file ties every installation to one host."""
    line = re.compile(r"[a-z0-9.-]+==\S+( ; [^;]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")

    odd = [one for one in path.read_text().splitlines() if one and not line.fullmatch(one)]

    assert [] == odd


@pytest.mark.parametrize(
    ("project", "packages"),
    [(".", ("exchange", "consent", "migrations")), ("clients/python", ("clients/python",))],
)
def test_what_is_imported_is_declared_and_the_reverse(
    project: str, packages: tuple[str, ...]
) -> None:
    """A dependency that is only there by luck is missing on the next machine."""
    table = tomllib.loads((ROOT / project / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[\[<>=]", one)[0] for one in table["dependencies"]}
    known = {IMPORTED_AS.get(one, one) for one in declared}

    used = {
        top
        for path in modules()
        if path.relative_to(ROOT).as_posix().startswith(packages)
        for top in imported(path)
    }

    assert set() == used - known, "imported, not declared"
    assert set() == known - used - NOT_IMPORTED.keys(), "declared, not imported"


def imported(path: Path) -> set[str]:
    """Return the foreign packages that a file imports."""
    import sys

    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - STANDARD_OR_OURS
