"""`cx book` and `cx report` as a member types them, over its own files and without any exchange."""

from __future__ import annotations

import json
import shlex
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exchange_client.cli.main import app
from exchange_client.cli.telling import EXAMPLES
from tests.structure.generated import ROOT
from tests.support.life.books import loan, series, write

MONTHS = ("2026-01", "2026-02", "2026-03")
NAMES = ("jan", "feb", "mar")
COMMANDS = ("strata_", "roll_", "vintage", "classes_", "provision_", "stress_")
# 2026-03-20; a watch tells of the account, a webhook's trouble does not.
FEED = {
    "events": [
        {"event_id": "evt_1", "kind": "NEW_LENDER", "made_at": 1_774_000_000, "facts": facts}
        for facts in ({"watch_id": "wch_1", "account_ref": "soon"}, {"list": 1})
    ]
}
RATES = "".join(f'[stage.{n}]\npd = "0.{n}"\nlgd = "0.45"\n' for n in (1, 2, 3))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with everything that the examples name."""
    for path, name in zip(series(tmp_path, MONTHS, loans=60), NAMES, strict=True):
        path.rename(tmp_path / f"{name}.ndjson")
    (tmp_path / "flags.csv").write_text("account_ref,flag\nacc-1,DECEASED\nacc-2,VULNERABLE\n")
    (tmp_path / "rates.toml").write_text(RATES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cx(*words: str) -> Result:
    """Type a command."""
    return CliRunner().invoke(app, words)


def told(*words: str) -> dict[str, object]:
    """Type a command and read its JSON."""
    done = cx(*words, "--json")
    assert 0 == done.exit_code, done.output
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_each_help_works_as_it_stands(name: str) -> None:
    """The first thing that a newcomer types is the example."""
    words = shlex.split(EXAMPLES[name])[1:]

    plain, shown = cx(*words), told(*words)

    assert (0, "") == (plain.exit_code, plain.stderr), plain.output
    assert plain.stdout.startswith("CNY, minor units; from ")
    assert words[1] == shown["report"]
    sources = shown["sources"]
    assert isinstance(sources, list)
    assert {64} == {len(one["sha256"]) for one in sources}


def test_every_line_of_the_page_works_as_it_stands(desk: Path) -> None:
    """A head of risk types what the page shows, at a month's end, with nobody to ask."""
    page = (ROOT / "clients/python/README.md").read_text()
    block = next(one for one in page.split("```sh\n") if one.startswith("cx book strata"))
    lines = block.partition("```")[0].splitlines()
    (desk / "events.json").write_text(json.dumps(FEED))
    (desk / "allowed.csv").write_text("collector\ngood\n")
    (desk / "placed.csv").write_text("account_ref,collector\n")

    typed = [shlex.split(line, comments=True)[1:] for line in lines]
    own = {" ".join(words): cx(*words) for words in typed if words[1] != "consortium"}

    assert len(COMMANDS) < len(own)
    assert [] == [(line, done.output) for line, done in own.items() if done.exit_code]
    assert (desk / "calls.csv").exists()
    assert (desk / "roll.html").exists()


def test_the_strata_say_who_is_left_alone(desk: Path) -> None:
    """The list that goes to the callers must not hold the dead."""
    words = ("book", "strata", "mar.ndjson", "--flags", "flags.csv", "--out", "calls.csv")

    shown = told(*words, "--today", "2026-04-01")

    lines = (desk / "calls.csv").read_text().splitlines()
    assert "account_ref,tier,treatment,flag,raised" == lines[0]
    assert 60 == len(lines) - 1
    kept = {cells[0]: cells[2:4] for cells in (line.split(",") for line in lines)}
    assert (["HOLD", "DECEASED"], ["SPECIAL_CARE", "VULNERABLE"]) == (kept["acc-1"], kept["acc-2"])
    strata = shown["strata"]
    assert isinstance(strata, dict)
    rows = [json.loads(line) for line in (desk / "mar.ndjson").read_text().splitlines()[1:-1]]
    assert sum(row["balance_minor"] for row in rows) == strata["total"]["total"]["balance_minor"]


def test_an_event_and_a_wrong_collector_are_seen(desk: Path) -> None:
    """Whoever hands out accounts must learn at once that one must not go."""
    write(desk / "few.ndjson", [loan("due", "2026-03", 100), loan("soon", "2026-03", 10)])
    (desk / "events.csv").write_text("kind,account_ref,day\nBUCKET_UP,soon,2026-03-20\n")
    (desk / "allowed.csv").write_text("collector\ngood\n")
    (desk / "placed.csv").write_text("account_ref,collector\ndue,good\n")
    words = ["book", "strata", "few.ndjson", "--events", "events.csv", "--today", "2026-04-01"]
    words += ["--placed", "placed.csv"]

    assert 2 == cx(*words).exit_code  # without an allow-list nobody is allowed
    assert 1 == told(*words, "--collectors", "allowed.csv")["raised"]
    (desk / "events.json").write_text(json.dumps(FEED))
    words[4] = "events.json"  # as `cx events --json` wrote it
    assert 1 == told(*words, "--collectors", "allowed.csv")["raised"]
    (desk / "placed.csv").write_text("account_ref,collector\ndue,good\nsoon,good\n")
    done = cx(*words, "--collectors", "allowed.csv")

    assert 1 == done.exit_code
    assert "soon (is not for a collector: CALL_SOFT)" in done.stderr


def test_a_flag_for_nobody_is_said_aloud(desk: Path) -> None:
    """A misspelt account is a dead borrower who is called tomorrow."""
    (desk / "flags.csv").write_text("account_ref,flag\nacc-1x,DECEASED\n")

    done = cx("book", "strata", "mar.ndjson", "--flags", "flags.csv")

    assert (0, "not in the book: acc-1x\n") == (done.exit_code, done.stderr)


@pytest.mark.usefixtures("desk")
def test_a_roll_is_told_in_sums_from_which_each_rate_follows() -> None:
    """Rounded rates alone could not be checked."""
    shown = told("report", "roll", "jan.ndjson", "feb.ndjson", "mar.ndjson")

    months, average = shown["months"], shown["mean"]
    assert isinstance(months, list)
    assert isinstance(average, list)
    assert ["2026-02", "2026-03"] == [one["month"] for one in months]
    for one in months:
        for moved, rates in zip(one["moved_minor"], one["rates"], strict=True):
            base = sum(moved)
            exact = [Fraction(part, base) for part in moved] if base else None
            found = None if rates is None else [Fraction(rate) for rate in rates]
            assert (exact is None) is (found is None)
            assert all(
                abs(a - b) <= Fraction(1, 10**6)
                for a, b in zip(exact or (), found or (), strict=True)
            )
    assert all(0.9999 < sum(map(float, row)) < 1.0001 for row in average)


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    "words",
    [
        "book strata mar.ndjson",
        "report classes mar.ndjson",
        "report provision mar.ndjson --rates rates.toml",
        "report roll jan.ndjson feb.ndjson",
        "report vintage jan.ndjson feb.ndjson mar.ndjson",
    ],
)
def test_what_leaves_has_holes_and_says_so(words: str) -> None:
    """A reader must not take what is withheld for nothing."""
    inside = cx(*words.split()).stdout
    outside = cx(*words.split(), "--outward").stdout

    assert "* is withheld" in outside
    assert inside != outside
    assert "null" in cx(*words.split(), "--outward", "--json").stdout


def test_a_page_holds_the_tables_and_nothing_from_elsewhere(desk: Path) -> None:
    """A page that asks another machine for a picture tells it who reads it."""
    hostile = desk / "<script>.ndjson"
    (desk / "mar.ndjson").rename(hostile)
    done = cx("report", "roll", "feb.ndjson", hostile.name, "--html", "roll.html")

    page = (desk / "roll.html").read_text()
    assert 0 == done.exit_code, done.output
    assert "<caption>mean of the last 1 months</caption>" in page
    assert "background:rgba" in page
    assert "&lt;script&gt;.ndjson" in page
    assert not {"<script", "http", "url("} & {
        one for one in ("<script", "http", "url(") if one in page
    }


@pytest.mark.usefixtures("desk")
def test_the_calm_stress_is_the_book_itself() -> None:
    """Without a supposition there is nothing to suppose."""
    months = ("jan.ndjson", "feb.ndjson", "mar.ndjson", "--rates", "rates.toml")
    more = ("--correlation", "0.3", "--draws", "200", "--months", "3")

    calm = told("report", "stress", *months, *more)
    hard = told("report", "stress", *months, *more, "--severity", "0.5", "--shift-days", "31")

    assert calm["baseline"] == calm["scenario"] == hard["baseline"]
    assert hard["baseline"] != hard["scenario"]


FAULTS = {
    "report stress mar.ndjson --rates rates.toml --matrix matrix.toml": "scenario.row_sum: row 0",
    "report stress mar.ndjson --rates rates.toml": "a roll rate needs the files of two",
    "report stress mar.ndjson --rates rates.toml --severity x": "--severity: must be a decimal",
    "report stress mar.ndjson --rates matrix.toml": "matrix.toml: row: no such field",
    "report roll jan.ndjson mar.ndjson": "no file of 2026-02",
    "report roll mar.ndjson": "two following months",
    "report classes jan.ndjson mar.ndjson": "of several months",
    "report classes mar.ndjson --currency EURO": "no row in EURO",
    "report classes absent.ndjson": "absent.ndjson: No such file",
    "book strata mar.ndjson --flags bad.csv": "bad.csv: line 3: flag: must be one of DECEASED",
    "book strata mar.ndjson --flags rates.toml": "rates.toml: line 1: must be account_ref,flag",
    "book strata mar.ndjson --events days.csv": "days.csv: line 2: day: must be YYYY-MM-DD",
    "book strata mar.ndjson --events feed.json": "feed.json: not what `cx events --json` writes",
    "book strata mar.ndjson --today soon": "--today: not a date",
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_fault_ends_in_one_line_that_names_its_place(desk: Path, words: str) -> None:
    """Who must search for the line gives the report up."""
    (desk / "matrix.toml").write_text('[row.0]\n0 = "0.9"\n')
    (desk / "bad.csv").write_text("account_ref,flag\nacc-1,PAUSED\nacc-2,RICH\n")
    (desk / "feed.json").write_text("[]")
    (desk / "days.csv").write_text("kind,account_ref,day\nCURED,acc-1,today\n")

    done = cx(*words.split())

    assert (2, 1) == (done.exit_code, len(done.stderr.splitlines())), done.output
    assert FAULTS[words] in done.stderr


@pytest.mark.usefixtures("desk")
def test_a_faulty_row_leaves_with_one_and_its_line(desk: Path) -> None:
    """A report over rows that cannot be is worse than none."""
    rows = [loan("a", "2026-03"), loan("b", "2026-03", 40, five_class=1)]
    write(desk / "mar.ndjson", rows)

    done = cx("report", "classes", "mar.ndjson")

    assert 1 == done.exit_code
    assert done.stderr.startswith("book.row: mar.ndjson: line 3: five_class: row.class_below_floor")
