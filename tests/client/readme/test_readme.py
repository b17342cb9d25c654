"""The SDK's page, typed line by line: what a lender's and a regulator's engineer do first."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import Result

from exchange.app.ports import make_log_ports
from exchange.services.log.grant_access import grant_access
from exchange.store.log import LogDatabase
from tests.structure.generated import ROOT
from tests.support.regulator import AUTHORITY, look, open_regulator
from tests.support.sandbox import BASE, Sandbox
from tests.support.terminal import PURPOSE, Terminal, open_terminal, read

PAGE = (ROOT / "clients" / "python" / "README.md").read_text()
LANG = "zh-CN"


def block(holding: str, language: str = "sh") -> str:
    """Return the first block of the page that holds these words."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(next(one for one in blocks if holding in one))


def typed(cx: Callable[..., Result], lines: str, **filled: str) -> list[str]:
    """Type the lines of a block, none of which may fail; return what each said."""
    for placeholder, value in filled.items():
        lines = lines.replace(f"{placeholder}_…", value)
    told = []
    for line in lines.splitlines():
        program, *words = shlex.split(line, comments=True)
        assert "cx" == program
        into = words.pop(words.index(">") + 1) if ">" in words else None
        done = cx(*(word for word in words if word != ">"))
        assert 0 == done.exit_code, f"{line}: {done.output}"
        if into is not None:
            Path(into).write_text(done.stdout)
        told.append(done.stdout)
    return told


def terms(purpose: str, digest: str, *, act: str = "checkbox+otp") -> str:
    """Return the page's terms, of another purpose perhaps, agreed to a minute ago."""
    text = block("answer_days", "toml").replace(PURPOSE, purpose)
    text = text.replace('act = "checkbox+otp"', f'act = "{act}"').replace("…", digest)
    agreed = datetime.now().astimezone() - timedelta(seconds=60)
    return re.sub(r"2026-11-28T10:\S+", agreed.isoformat(timespec="seconds"), text)


def digest_of(listed: str, purpose: str) -> str:
    """Read a notice's digest off what `cx grant list-notices` prints."""
    found = re.search(rf"ntc_sandbox_{purpose} 1\.0\.0 {LANG} .*\n  (\S+)", listed)
    assert found, listed
    return found[1]


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    """A lender in a folder of its own, with the number of the page's borrower in a file."""
    monkeypatch.chdir(tmp_path)
    Path("subject.txt").write_text("ric CN 11010519491231002X\n")
    with open_terminal(database_url, tmp_path) as opened:
        yield opened


def test_from_a_consent_to_an_answer_and_its_proof(terminal: Terminal) -> None:
    """Whoever cannot make a consent from the page asks nothing at all."""
    listing, *making = block("cx grant make").splitlines()
    [listed] = typed(terminal.cx, listing)
    Path("terms.toml").write_text(terms(PURPOSE, digest_of(listed, PURPOSE)))
    Path("form.pdf").write_bytes(b"a synthetic form")

    _, registered = typed(terminal.cx, "\n".join(making))

    grant, asking = registered.split()[0], block("cx query --purpose").splitlines()
    [answer] = typed(terminal.cx, asking[0], gnt=grant)
    terminal.sandbox.sequence()
    _, verified = typed(terminal.cx, "\n".join(asking[1:]))
    assert answer.startswith("NO_DATA\n")
    assert "stands in the log, under a checkpoint that the pinned log key signed" in verified


def test_a_borrower_is_asked_to_sign(terminal: Terminal) -> None:
    """Without the link no borrower ever sees the page."""
    [listed] = typed(terminal.cx, block("list-notices").splitlines()[0])
    signed = terms(PURPOSE, digest_of(listed, PURPOSE), act="passkey")
    Path("signed.toml").write_text(signed)

    _, requested = typed(terminal.cx, block("cx grant request"))

    assert "state: REQUESTED" in requested
    assert re.search(r"link: http://localhost:8420/borrower/request#\S{22}\n", requested)


def test_a_csv_file_is_checked_sent_and_looked_up(terminal: Terminal) -> None:
    """The first file of a lender must not take a support call."""
    [listed] = typed(terminal.cx, block("list-notices").splitlines()[0])
    Path("terms.toml").write_text(terms("contribute", digest_of(listed, "contribute")))
    Path("form.pdf").write_bytes(b"another synthetic form")
    _, registered = typed(terminal.cx, "\n".join(block("cx grant make").splitlines()[1:]))
    yesterday = f"{datetime.now(UTC).date() - timedelta(days=1)}"
    rows = block("acc-1,borrower", "csv").replace("2026-11-27", yesterday)
    Path("rows.csv").write_text(rows.replace("gnt_…", registered.split()[0]))
    checking, sending, asking = block("cx upload rows.csv").splitlines()

    _, sent = typed(terminal.cx, f"{checking}\n{sending}")

    assert "1 stored, 0 unchanged, 0 amended, 0 deleted, 0 faulted" in sent
    [faults] = typed(terminal.cx, asking, bat=sent.split(":")[0])
    assert faults.endswith(": 0 faults and warnings\n")


def test_the_log_is_exported_verified_and_mirrored(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A regulator that must ask how to verify, verifies nothing."""
    monkeypatch.chdir(tmp_path)
    with open_regulator(database_url, tmp_path) as regulator:
        regulator.looks(look(), look(outcome="WITHHELD"))
        terminal = Terminal(folder=tmp_path, sandbox=regulator.sandbox, key=regulator.first)
        regulator.first.save(terminal.at("key"))
        regulator.sandbox.pins().save(terminal.at("pins"))

        told = typed(terminal.cx, block("cx audit export").replace("lender-a", "member-a"))

        place = capability(regulator.sandbox)
        mirroring = block("cx log mirror").replace("https://exchange.example/log/…", place)
        mirrored = typed(terminal.cx, mirroring)
    assert [True] * 2 == [one.startswith("verified ") for one in (told[2], told[4])]
    assert "found        1, showing 1\n" in told[1]
    assert "they agree" in told[5]
    assert mirrored[1].startswith("verified ")
    assert read(terminal.cx("log", "policy", "--json"))["quorum"] == "none"


def capability(sandbox: Sandbox) -> str:
    """Return the URL at which the authority may mirror the log of this year."""
    with closing(LogDatabase(sandbox.settings.libpq_url)) as database:
        path = grant_access(AUTHORITY, make_log_ports(sandbox.settings, sandbox.ports, database)[0])
    year = sandbox.ports.origin(sandbox.ports.now()).rpartition("/")[2]
    return f"{BASE}/log/{path}/{year}"
