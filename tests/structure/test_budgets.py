"""The budgets of the code, counted; whatever is over stands here, with its reason.

Columns and complexity are ruff's to count.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.structure.generated import ROOT, parsed, tracked

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50
PARAMETERS_MAX = 5
FILES_A_FOLDER_MAX = 15

# Raised in the open: what, to how much, and why. An entry that is no longer needed fails too.
LONGER_FILES = {
    "exchange/domain/rows/catalogue.py": (480, "one table, read as one"),
    "exchange/errors.py": (570, "one tree, read as one; its shape is drawn at its top"),
    "migrations/versions/0001_lay_the_first_tables.py": (450, "one revision, drafted by a tool"),
    "tests/api/test_batches.py": (450, "the cases of one resource, in a row"),
    "tests/hostile/test_rows.py": (450, "one block of the corpus, in a row"),
    "tests/unit/consent/test_decide.py": (400, "the cases of one function, in a row"),
}
LONGER_FUNCTIONS = {
    "migrations/versions/0001_lay_the_first_tables.py:upgrade": (400, "one revision, in order"),
    "migrations/versions/0005_let_borrowers_in.py:upgrade": (80, "one revision, in order"),
    "consent/profiles.py:_read": (60, "one line a field of the profile file"),
    "tests/support/artefacts.py:artefact_claims": (80, "one claim a line"),
    "tests/support/findings_reference.py:reference": (100, "records.md written out, in its order"),
}
MORE_PARAMETERS = {
    "exchange/cli/members.py:enrol": (6, "each is an option that the operator types"),
    "exchange/cli/members.py:add": (7, "each is an option that `cx init` prints"),
    "exchange/services/members/manage_members.py:_log_admin": (6, "each is a field of the leaf"),
}
FULLER_FOLDERS = {
    "migrations/versions": (40, "one revision a file, for ever"),
    "clients/python/exchange_client/cli": (17, "one file a group of commands"),
    "exchange/api": (17, "one file a noun that fits into one"),
    "exchange/store/schema": (17, "one file a noun"),
    "exchange/services/grants": (16, "one use case a file"),
    "exchange/services/log": (17, "one step of the log a file"),
    "exchange/crypto": (17, "one primitive or one signed form a file"),
    "exchange/cli": (21, "one file a group of commands"),
    "tests/client": (20, "one file a thing that members use"),
    "tests/support": (41, "one file a thing that several tests need"),
}


def code() -> list[Path]:
    """Return every Python file of the tree."""
    return tracked("*.py")


def name(path: Path) -> str:
    """Return a path as the tables above write it."""
    return path.relative_to(ROOT).as_posix()


def over(found: dict[str, int], limit: int, raised: dict[str, tuple[int, str]]) -> dict[str, int]:
    """Return what is over its budget, or has a raised one that it does not need."""
    beyond = {one: size for one, size in found.items() if size > raised.get(one, (limit, ""))[0]}
    idle = {one: 0 for one in raised if one in found and found[one] <= limit}
    return beyond | idle


def functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield each function of a file with its name."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name(path)}:{node.name}", node


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    """A reader who must hold a thousand lines in mind misses the one that matters."""
    found = {name(path): len(path.read_text().splitlines()) for path in code()}

    assert {} == over(found, FILE_LINES_MAX, LONGER_FILES)


def test_no_function_is_too_long_to_be_seen_at_once() -> None:
    """A step that does not fit on a screen hides another step."""
    found = {
        one: (node.end_lineno or 0) - node.lineno + 1
        for path in code()
        for one, node in functions(path)
    }

    assert {} == over(found, FUNCTION_LINES_MAX, LONGER_FUNCTIONS)


def test_no_function_asks_for_too_much() -> None:
    """Six arguments in a row are mixed up sooner or later."""
    found = {
        one: len([arg for arg in all_arguments(node) if arg not in {"self", "cls"}])
        for path in code()
        if not name(path).startswith("tests/")  # fixtures are arguments there
        for one, node in functions(path)
    }

    assert {} == over(found, PARAMETERS_MAX, MORE_PARAMETERS)


def all_arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return the names of a function's arguments, keyword-only ones included."""
    return [arg.arg for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]


def test_no_folder_holds_more_than_a_reader_can_survey() -> None:
    """A crowded folder is two folders that nobody told apart."""
    found = dict(Counter(name(path.parent) for path in code()))

    assert {} == over(found, FILES_A_FOLDER_MAX, FULLER_FOLDERS)
