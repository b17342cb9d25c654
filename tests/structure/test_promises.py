"""What the designs promise of the whole: the hostile corpus, the keys, a schema that can grow."""

from __future__ import annotations

import ast
import re
import tomllib

from sqlalchemy import UniqueConstraint

from exchange.crypto.keyring import BY_EPOCH, HARM, SIGNING, Use
from exchange.store.functions import FUNCTIONS
from exchange.store.migrate import FOLDER
from exchange.store.schema import UNDISTRIBUTED, metadata
from tests.structure.generated import ROOT, parsed, tracked

CORPUS_LAST = 94
CORPUS_GAPS = {7, 12, 21, 31, 36, 38, 41, 46, 49, 59, 67, 73, 81, 86, 92}


def corpus() -> tuple[set[str], dict[str, str]]:
    """Return the ids that are claimed, and those put off with their reasons."""
    table = tomllib.loads((ROOT / "tests" / "hostile" / "corpus.toml").read_text())
    return set(table["claimed"]), table["later"]


def named_in_tests() -> set[str]:
    """Return every corpus id that a test's name carries."""
    names = [
        node.name
        for path in tracked("tests/*.py")
        if path.name.startswith("test_")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef)
    ]
    leads = [match[0] for one in names if (match := re.match(r"test_(?:a\d+_)+", one))]
    return {f"A{number}" for lead in leads for number in re.findall(r"a(\d+)", lead)}


def test_every_hostile_input_is_tested_or_put_off_with_a_reason() -> None:
    """An input that everyone believes to be tested is the one that gets through."""
    claimed, later = corpus()

    assert claimed == named_in_tests()
    known = {f"A{number}" for number in range(1, CORPUS_LAST + 1) if number not in CORPUS_GAPS}
    assert known == claimed | later.keys()
    assert [] == [one for one, reason in later.items() if not reason or one in claimed]


def test_every_key_has_one_use_and_says_what_its_thief_could_do() -> None:
    """Whoever loses a key must know at once what is at stake."""
    assert set(Use) == HARM.keys()
    assert set() == set(SIGNING) & set(BY_EPOCH)


def test_no_table_of_subjects_has_a_key_without_the_token() -> None:
    """Past one machine, rows are spread by subject; such a key could not be held there."""
    without = []

    for table in metadata.tables.values():
        if table.name in UNDISTRIBUTED:
            continue
        keys = [table.primary_key.columns]
        keys += [one.columns for one in table.constraints if isinstance(one, UniqueConstraint)]
        keys += [one.columns for one in table.indexes if one.unique]
        without += [table.name for columns in keys if "token_index" not in columns]

    assert [] == without
    assert set() == UNDISTRIBUTED - metadata.tables.keys()


def test_the_database_knows_no_clock_trigger_extension_or_foreign_sorting() -> None:
    """Time is bound by the caller; the wheel's server has neither pgcrypto nor ICU."""
    files = [
        *sorted((FOLDER / "versions").iterdir()),
        *sorted((ROOT / "exchange/store/schema").glob("*.py")),
    ]
    texts = [path.read_text() for path in files if path.suffix in {".py", ".sql"}]
    banned = re.compile(
        r"\b(now\(\)|current_timestamp|create trigger|create extension|collate)", re.IGNORECASE
    )

    told = [banned.findall(text) for text in (*texts, *FUNCTIONS.values())]

    # The header of the schema names the rule itself.
    assert ["now()"] == [one for found in told for one in found]


def test_records_are_suppressed_by_one_statement() -> None:
    """One that took no lock and no number would be unheard of by a file judged before it."""
    texts = {path.name: path.read_text() for path in (ROOT / "exchange/store").rglob("*.py")}

    found = [
        name
        for name, text in texts.items()
        for _ in re.findall(r"UPDATE record\b[^;\"]*\bsuppressed =", text)
    ]

    assert ["texts.py"] == found
