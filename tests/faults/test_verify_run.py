"""`exchange verify-run`: silent on what is whole, and naming the row of whatever is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg.sql import SQL, Composed, Identifier
from typer.testing import CliRunner

from exchange.app.verify_run import run_ports
from exchange.cli.main import app as operator
from exchange.services.verify_run.ledgers import read_ledger
from exchange.services.verify_run.verify_run import Judgement, verify_run
from tests.support.grant_desk import answer_claims, shown
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import make_sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """An exchange that has done some of everything, and what its member wrote down of it."""

    desk: RecordDesk
    ledger: bytes
    folder: Path

    def judge(self, ledger: bytes | None = None) -> Judgement:
        """Run the program on this exchange."""
        lines = read_ledger(self.ledger if ledger is None else ledger)
        return verify_run(lines, run_ports(self.desk.sandbox.settings))

    @contextmanager
    def damaged(self, table: str, statement: str) -> Iterator[None]:
        """Do this as a superuser; put the table back afterwards."""
        url = self.desk.sandbox.settings.libpq_url
        with psycopg.connect(url) as connection:
            connection.execute(_sql("CREATE TABLE kept AS SELECT * FROM {}", table))
            changed = connection.execute(statement.encode()).rowcount
            assert changed > 0
        yield
        with psycopg.connect(url) as connection:
            connection.execute(_sql("DELETE FROM {}", table))
            connection.execute(_sql("INSERT INTO {} SELECT * FROM kept", table))
            connection.execute("DROP TABLE kept")


def _sql(text: LiteralString, table: str) -> Composed:
    return SQL(text).format(Identifier(table))


@pytest.fixture(scope="module")
def scene(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two members, a file, answers of three kinds, a withdrawal, a proof."""
    folder = tmp_path_factory.mktemp("scene")
    sandbox = make_sandbox(shared_database_url, folder)
    lender = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))
    desk = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    lines = []
    uploaded = lender.upload(lender.file([lender.late(1, "acc-1"), lender.clean(2, "acc-2")]))
    batch = {"what": "batch", "member": "member-b", "id": answer_claims(uploaded)["batch"]}
    lines.append(batch | {"receipt": shown(uploaded)["receipt"]})
    grant = desk.granted(1)
    for one, subject in ((grant, 1), (grant, 1), (None, 2), (desk.granted(3), 3)):
        reply = desk.ask(one, subject)
        asked = {"what": "query", "member": "member-a", "id": answer_claims(reply)["jti"]}
        lines += [asked, asked | {"receipt": shown(reply)["receipt"]}]
    desk.end(grant, "withdraw")
    lender.end(lender.contribute(2), "withdraw")
    desk.ask(grant, 1)
    sandbox.sequence()
    proof = desk.send("GET", f"/v1/receipts/{answer_claims(reply)['leaf']}").text
    lines.append({"what": "proof", "member": "member-a", "id": asked["id"], "proof": proof})
    ledger = "".join(json.dumps(line) + "\n" for line in lines).encode()
    yield Scene(desk=desk, ledger=ledger, folder=folder)
    sandbox.close()


def test_nothing_is_found_where_all_is_whole(scene: Scene) -> None:
    """A judge that cries wolf is switched off, and then nobody judges."""
    found = scene.judge()

    assert () == found.breaks
    assert 10 == found.ledger_lines


DAMAGE = {
    "a file that is not done and has stored rows": (
        "I2",
        "batch",
        "",
        "UPDATE batch SET state = 'QUEUED'",
    ),
    "a file under way without its job": (
        "I6",
        "batch",
        "",
        "UPDATE batch SET state = 'CHECKING'",
    ),
    "an entry of the log is edited": (
        *("I4", "leaf", "leaf "),
        "UPDATE leaf SET entry = set_byte(entry, 60, get_byte(entry, 60) # 1) "
        "FROM leaf_place p WHERE p.ord = leaf.ord AND leaf_index = 3",
    ),
    "a leaf is taken out": (
        *("I4", "leaf_place", "exchange"),
        "DELETE FROM leaf_place WHERE leaf_index = 2",
    ),
    "a checkpoint's root is another": (
        *("I4", "checkpoint", "exchange.example"),
        "UPDATE checkpoint SET root = sha256(root) WHERE size > 0",
    ),
    "the log is shorter than its state": (
        *("I4", "leaf_place", "exchange.example"),
        "DELETE FROM leaf_place WHERE leaf_index > 4",
    ),
    "an answer is gone": ("I1", "query", "member-a/qry_", "DELETE FROM query"),
    "an answer's question is another": (
        *("I1", "query", "member-a/qry_"),
        "UPDATE query SET digest = sha256(digest)",
    ),
    "two answers have changed their leaves": (
        *("I1", "opening", "member-a/qry_"),
        "UPDATE opening SET audit = subject, subject = audit",
    ),
    "a look has no answer": ("I3", "query", "leaf ", "DELETE FROM query"),
    "a leaf cannot be searched": ("I6", "log_search", "leaf ", "DELETE FROM log_search"),
    "acknowledged rows are gone": ("I2", "record", "member-b/bat_", "DELETE FROM record"),
    "an account names no version": ("I6", "record", "member-b", "DELETE FROM record"),
    "a batch is gone": ("I6", "batch", "record ", "DELETE FROM batch"),
    "a grant was used once more": (
        *("I7", "grants", "member-a/gnt_"),
        "UPDATE grants SET uses = uses + 1 WHERE grantee = 'member-a'",
    ),
    "a subject's counter skips": (
        *("I7", "subject_counter", "subject "),
        "UPDATE subject_counter SET last_seq = last_seq + 1",
    ),
    "leaves were signed too late": (
        *("I5", "leaf", "leaf "),
        "UPDATE leaf SET created_at = created_at - 61 "
        "FROM leaf_place p WHERE p.ord = leaf.ord AND leaf_index > 2",
    ),
    "a withdrawn consent has a record in answers": (
        *("I6", "record", "record "),
        "UPDATE record SET suppressed = false WHERE suppressed",
    ),
    "a record's payload is edited": (
        *("I12", "record", "record "),
        "UPDATE record SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)",
    ),
}


@pytest.mark.parametrize(
    ("invariant", "table", "row", "statement"), DAMAGE.values(), ids=DAMAGE.keys()
)
def test_what_was_damaged_is_named(
    scene: Scene, invariant: str, table: str, row: str, statement: str
) -> None:
    """An operator after a crash must be led to the row, and not told that something is wrong."""
    with scene.damaged(table, statement):
        found = scene.judge()

    named = [one for one in found.of(invariant) if one.row.startswith(row)]
    assert named, found.breaks
    assert scene.judge().holds


@pytest.mark.parametrize(
    ("place", "after"), [("receipt", "."), ("proof", "\nindex 1"), ("id", "_")], ids=str
)
def test_a_ledger_that_was_told_something_else_is_a_break(
    scene: Scene, place: str, after: str
) -> None:
    """A receipt that does not verify is evidence against the exchange, or against its holder."""
    lines = [json.loads(line) for line in scene.ledger.splitlines()]
    line = next(one for one in reversed(lines) if one.get(place) and one.keys() > {"id", "what"})
    text = str(line[place])
    at = text.index(after) + len(after) + 10
    line[place] = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]
    edited = "".join(json.dumps(one) + "\n" for one in lines).encode()

    found = scene.judge(edited)

    assert found.of("I5")


def test_a_ledger_cut_by_a_crash_is_read_up_to_the_cut(scene: Scene) -> None:
    """The client that is killed in the middle of a line is the one whose ledger matters."""
    whole = list(read_ledger(scene.ledger))

    cut = list(read_ledger(scene.ledger[:-40]))

    assert whole[:-1] == cut


def test_the_command_leaves_with_0_only_if_all_holds(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that runs it after every release looks at nothing but the exit code."""
    settings = scene.desk.sandbox.settings
    monkeypatch.setenv("EXCHANGE_DATABASE_URL", settings.libpq_url)
    monkeypatch.setenv("EXCHANGE_DATA_DIR", str(scene.folder))
    monkeypatch.setenv("EXCHANGE_SANDBOX", "true")
    ledger = tmp_path / "asked.jsonl"
    ledger.write_bytes(scene.ledger)
    words = ["verify-run", "--ledger", str(ledger)]

    whole = CliRunner().invoke(operator, words)
    with scene.damaged("query", "DELETE FROM query"):
        broken = CliRunner().invoke(operator, [*words, "--json"])

    assert (0, 1) == (whole.exit_code, broken.exit_code), whole.output
    assert "I4   holds" in whole.stdout
    told = json.loads(broken.stdout)
    assert not told["holds"]
    assert "I1" in {one["invariant"] for one in told["breaks"]}
