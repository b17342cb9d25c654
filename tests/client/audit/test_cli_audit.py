"""`cx audit`: what a regulator does from a terminal, and what it can do without the exchange."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange_client.audit.flows import export, search, unpack
from exchange_client.audit.rows import csv_text, inert
from exchange_client.core.calls import JSON_TYPE, Flow, Reply
from exchange_client.errors import UnverifiedResponse
from tests.support.borrowers import borrower
from tests.support.regulator import Regulator, look, open_regulator
from tests.support.terminal import Dead, Terminal, line


@pytest.fixture
def regulator(database_url: str, tmp_path: Path) -> Iterator[Regulator]:
    """An authority in front of a log."""
    with open_regulator(database_url, tmp_path) as opened:
        yield opened


def terminal(regulator: Regulator, folder: Path, *, second: bool = False) -> Terminal:
    """Return the terminal of one of the authority's people."""
    key = regulator.second if second else regulator.first
    made = Terminal(folder=folder, sandbox=regulator.sandbox, key=key)
    made.at("key").unlink(missing_ok=True)
    key.save(made.at("key"))
    regulator.sandbox.pins().save(made.at("pins"))
    made.at("policy").write_text(regulator.policy_text())
    return made


def told(result: Result) -> dict[str, Any]:
    """Return what a command told as JSON."""
    assert 0 == result.exit_code, result.output
    read = json.loads(result.stdout)
    assert isinstance(read, dict)
    return read


def test_a_search_and_a_search_of_an_export_find_the_same_rows(
    regulator: Regulator, tmp_path: Path
) -> None:
    """What the exchange says of its log is what the log says."""
    regulator.looks(look(outcome="ADVERSE"), look("p:" + "0b" * 16), look(outcome="ADVERSE"))
    cx = terminal(regulator, tmp_path)
    export, policy = str(tmp_path / "export"), str(cx.at("policy"))
    told(cx.cx("audit", "export", export, "--json"))
    words = ("audit", "search", "--outcome", "ADVERSE", "--json")

    asked = told(cx.cx(*words))
    offline = told(cx.cx(*words, "--dir", export, "--policy", policy, transport=Dead()))

    assert 2 == asked["total"] == offline["total"]
    for row in asked["entries"]:
        row.pop("leaf")
    assert asked["entries"] == offline["entries"]


def test_a_folder_and_a_policy_are_enough_to_verify(regulator: Regulator, tmp_path: Path) -> None:
    """A court's own machine, without a network, tells whether the log is whole."""
    regulator.looks(look(), look())
    cx = terminal(regulator, tmp_path)
    told(cx.cx("audit", "export", str(tmp_path / "export"), "--json"))
    words = ("audit", "verify", str(tmp_path / "export"), "--policy", str(cx.at("policy")))

    verified = told(cx.cx(*words, "--json", transport=Dead()))
    (tmp_path / "export" / "openings.ndjson").write_text("\n")
    damaged = cx.cx(*words, transport=Dead())

    assert (True, 2) == (verified["verified"], verified["counts"]["query"])
    assert 4 == damaged.exit_code


def test_an_export_overwrites_nothing_and_an_empty_one_is_none(
    regulator: Regulator, tmp_path: Path
) -> None:
    """Evidence that the next command replaces, or a folder that holds nothing, helps no case."""
    regulator.looks(look())
    cx = terminal(regulator, tmp_path)
    told(cx.cx("audit", "export", str(tmp_path / "export"), "--json"))
    kept = (tmp_path / "export" / "manifest").read_bytes()

    again = cx.cx("audit", "export", str(tmp_path / "export"))
    empty = cx.cx("audit", "export", str(tmp_path / "none"), "--from-index", "2", "--to-index", "2")

    assert (2, kept) == (again.exit_code, (tmp_path / "export" / "manifest").read_bytes())
    assert "nothing is overwritten" in again.stderr
    assert (2, False) == (empty.exit_code, (tmp_path / "none").exists())


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside"])
def test_a_file_of_an_export_has_no_way_out_of_its_folder(tmp_path: Path, name: str) -> None:
    """An exchange writes no file on a regulator's machine but those of the export."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))

    with pytest.raises(UnverifiedResponse):
        unpack(packed.getvalue(), tmp_path / "export")

    assert [] == [one for one in tmp_path.rglob("*") if one.is_file()]


def test_a_large_log_is_exported_in_parts(database_url: str, tmp_path: Path) -> None:
    """No log is too long to be taken along whole."""
    with open_regulator(database_url, tmp_path, export_entries_max=256) as regulator:
        regulator.looks(look(), *(look() for _ in range(3)))
        cx = terminal(regulator, tmp_path)
        regulator.fill(300)

        folder = tmp_path / "export"
        words = ("audit", "export", str(folder), "--json")
        exported = told(cx.cx(*words))
        first, second = (
            folder / f"{at}" / "manifest" for at in ("0-256", f"256-{exported['size']}")
        )
        kept = first.stat().st_mtime_ns
        second.unlink()  # It is written last: the connection was cut before.
        regulator.fill(3)

        resumed = told(cx.cx(*words))
        again = cx.cx("audit", "export", str(folder))

    assert exported == resumed
    assert (2, exported["to_index"]) == (exported["parts"], exported["size"])
    assert (kept, True) == (first.stat().st_mtime_ns, second.exists())
    assert (2, True) == (again.exit_code, "nothing is overwritten" in again.stderr)


def test_a_reply_of_another_shape_is_not_read_as_an_empty_one(
    regulator: Regulator, tmp_path: Path
) -> None:
    """A list that is no list must not tell a regulator that nobody looked."""
    pins = regulator.sandbox.pins()
    cases: list[tuple[Flow[object], str]] = [
        (search({}, rows_max=1), '{"entries": {}, "total": 1}'),
        (search({}, rows_max=1), '{"entries": [], "total": true}'),
        (export(pins, tmp_path, 0, None), '{"size": "5"}'),
        (export(pins, tmp_path, 0, None), '{"size": true}'),
    ]
    for asking, body in cases:
        next(asking)
        reply = Reply(
            status=200,
            content_type=JSON_TYPE,
            body=body.encode(),
            replayed=False,
            retry_after_seconds=None,
        )

        with pytest.raises(UnverifiedResponse):
            asking.send(reply)


def test_a_person_is_opened_by_two_people_from_their_terminals(
    regulator: Regulator, tmp_path: Path
) -> None:
    """The number is typed once, by one, and never stands among the arguments."""
    cx = terminal(regulator, tmp_path)
    words = ("audit", "open", "--case", "2026-417", "--id-file", "-", "--json")
    opening = told(cx.cx(*words, typed=line(1)))["opening_id"]
    alone = cx.cx("audit", "release", opening, "--case", "2026-417")
    second = terminal(regulator, tmp_path, second=True)

    released = told(second.cx("audit", "release", opening, "--case", "2026-417", "--json"))

    assert 1 == alone.exit_code
    subject = released["subjects"][0]
    assert 0 == second.cx("audit", "search", "--subject", subject).exit_code
    assert borrower(1).number not in json.dumps(released)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "\u3000=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
    ],
)
def test_a76_no_cell_of_a_table_is_a_formula(text: str) -> None:
    """A member's chosen words run no program on the regulator's desk."""
    assert f"'{text}" == inert(text)

    read = list(csv.reader(io.StringIO(csv_text(["cell"], [[text]]), newline="")))

    assert [["cell"], [f"'{text}"]] == read


def test_a76_a_search_as_a_table_holds_no_formula(regulator: Regulator, tmp_path: Path) -> None:
    """An operator named like a formula is text in the table as well."""
    regulator.looks(look(operator="=HYPERLINK(1)"))
    cx = terminal(regulator, tmp_path)

    done = cx.cx("audit", "search", "--kind", "query", "--csv")

    [row] = csv.DictReader(io.StringIO(done.stdout))
    assert "'=HYPERLINK(1)" == row["operator"]
    assert ("query", "credit_application") == (row["type"], row["purpose"])


def test_a_member_is_refused_with_one(regulator: Regulator, tmp_path: Path) -> None:
    """A lender's key opens no regulator's door."""
    cx = terminal(regulator, tmp_path)
    cx.at("key").unlink()
    regulator.lender.save(cx.at("key"))

    done = cx.cx("audit", "search", "--json")

    assert (1, "auth.role") == (done.exit_code, json.loads(done.stdout)["error"])


def test_the_age_of_the_newest_canary_is_told_to_a_monitor(
    regulator: Regulator, tmp_path: Path
) -> None:
    """T18: a look that is answered and never logged shows by nothing else."""
    cx = terminal(regulator, tmp_path)
    words = ("audit", "canary", "--member", "member-a", "--operator", "op-77")
    never = cx.cx(*words)
    old(regulator, look(operator="op-77"), seconds=120)
    late = cx.cx(*words, "--late-seconds", "60")
    in_time, other = cx.cx(*words), cx.cx(*words[:-1], "op-78")
    regulator.looks(look(operator="op-77"), look())
    fresh = told(cx.cx(*words, "--late-seconds", "60", "--json"))

    ages = [int(one.stdout.split()[-1]) for one in (late, in_time)]

    assert (4, 4, 0, 4) == tuple(one.exit_code for one in (never, late, in_time, other))
    assert never.stdout.endswith("\ncx_log_canary_age_seconds +Inf\n")
    assert in_time.stdout.startswith("# TYPE cx_log_canary_age_seconds gauge\n")
    assert all(120 <= age < 180 for age in ages)
    assert fresh["age_seconds"] < 60
    assert not fresh["late"]


def old(regulator: Regulator, draft: LeafDraft, *, seconds: int) -> None:
    """Write a look as it was written so long ago."""
    ports = regulator.sandbox.ports
    with ports.begin() as work:
        write_leaves(work, [draft], ports, ports.now() - seconds)
        work.commit()
    regulator.sandbox.sequence()
