"""A newcomer's first hour: what `exchange up` prints, and what both READMEs say, works as written.

One sandbox, three chapters: the printed commands, a member that joins by two operators and follows
the SDK's README, and the ten lines of the project's README.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from exchange_client import Exchange, Identifier, KeyFile, Pins
from tests.journeys.test_up import Up
from tests.support import postgres
from tests.support.borrowers import consent

ROOT = Path(__file__).parents[2]
NUMBER = "11010519491231002X"  # the example of the standard: nobody's
PURPOSE = "credit_application"
JOINING = "--name 'Synthetic X' --contact ops@x.example --role asker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A terminal beside a sandbox that runs."""

    folder: Path
    said: str  # what `exchange up` printed

    def types(self, *commands: str) -> subprocess.CompletedProcess[str]:
        """Type commands into one shell."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return subprocess.run(
            ["/bin/sh", "-c", "\n".join(commands)],
            cwd=self.folder,
            env={"PATH": path, "HOME": str(self.folder), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def operates(self, command: str) -> subprocess.CompletedProcess[str]:
        """Type a command of the operator after the exports that were printed."""
        exports = re.search(r"export EXCHANGE_.*\\\n.*SANDBOX=true", self.said)
        assert exports, self.said
        return self.types(exports[0], command)

    @property
    def base(self) -> str:
        """Where the sandbox is served."""
        return self.said.split("serving")[1].split()[0]

    def grant(self, key: Path, pins: Path) -> str:
        """Register a consent of the borrower of the examples; return its id."""
        who = Identifier.parse("ric", "CN", NUMBER)
        with Exchange(key, pins) as exchange:
            loaded = (KeyFile.load(key), Pins.load(pins))
            made = consent(who, PURPOSE, key=loaded[0], pins=loaded[1])
            exchange.register_grant(made, who)
        return made.grant_id


@pytest.fixture(scope="module")
def newcomer() -> Iterator[Newcomer]:
    """Somebody who has typed `exchange up`."""
    with TemporaryDirectory(dir=os.environ[postgres.RUN_DIR]) as directory:
        Path(directory).chmod(0o711)
        up = Up(Path(directory) / "sandbox")
        assert up.process.stdout is not None
        said = ""
        while "Ctrl-C" not in said and (line := up.process.stdout.readline()):
            said += line
        yield Newcomer(folder=Path(directory), said=said)
        assert 0 == up.end()[0]


def snippet(path: str, language: str, holding: str) -> str:
    """Return the block of a page that holds these words."""
    blocks = re.findall(rf"```{language}\n(.*?)```", (ROOT / path).read_text(), re.DOTALL)
    return str(next(block for block in blocks if holding in block))


def test_what_up_prints_can_be_typed(newcomer: Newcomer) -> None:
    """A newcomer whose first command fails does not type a second one."""
    tries = newcomer.said.split("WITHHELD\n")[1].split("Ctrl-C")[0]

    listed = newcomer.operates("exchange member list")
    tried = newcomer.types(tries)

    assert "lender-a/k1  live" in listed.stdout, listed.stderr
    assert (1, "WITHHELD") == (tried.returncode, tried.stdout.split("\n")[-3]), tried


def test_a_member_joins_by_two_people_and_follows_its_readme(newcomer: Newcomer) -> None:
    """The page that a member's engineer reads first must hold, line by line."""
    init, export, pin = snippet("clients/python/README.md", "sh", "cx init").splitlines()[1:]
    asking = snippet("clients/python/README.md", "sh", "cx query --purpose").splitlines()
    listed = newcomer.operates("exchange keys list").stdout
    read_out = re.search(r"fingerprint to read out .*: (.+)", listed)
    assert read_out, listed

    for person in ("anna", "ben"):
        own = f"cx init {person} --operator --key-file {person}.json --exchange cx-sandbox"
        enrol = newcomer.types(own).stdout.strip().splitlines()[-1].strip()
        added = newcomer.operates(enrol)
        assert 0 == added.returncode, added
    made = newcomer.types(init)
    register = made.stdout.strip().splitlines()[-1].strip()
    fingerprint = made.stdout.split("fingerprint  ")[1].splitlines()[0]
    for proposed, read_back in (
        (f"exchange member enrol lender-x {JOINING}", ""),
        (register, f"--fingerprint '{fingerprint}'"),
    ):
        waiting = newcomer.operates(f"{proposed} --key-file anna.json")
        proposal = re.search(r"prp_[0-9a-f]{32}", waiting.stdout)
        assert proposal, waiting
        approve = f"exchange member approve {proposal[0]} {read_back}"
        alone = newcomer.operates(f"{approve} --key-file anna.json")
        approved = newcomer.operates(f"{approve} --key-file ben.json")
        assert (1, "another operator" in alone.stderr) == (alone.returncode, True), alone
        assert 0 == approved.returncode, approved
    pin = pin.replace("https://exchange.example", newcomer.base).replace("…", read_out[1])
    assert 0 == newcomer.types(export, pin).returncode
    key, pins = newcomer.folder / "lender-x.key.json", newcomer.folder / "exchange.pins.json"
    grant = newcomer.grant(key, pins)
    (newcomer.folder / "subject.txt").write_text(f"ric CN {NUMBER}\n")
    asked = newcomer.types("set -e", export, *(line.replace("gnt_…", grant) for line in asking))

    assert 0 == asked.returncode, asked
    assert "NO_DATA" in asked.stdout
    code = snippet("clients/python/README.md", "python", "with Exchange")
    (newcomer.folder / "one.receipt").unlink()
    told = run(code, newcomer, number=NUMBER, grant_id=newcomer.grant(key, pins))
    assert told.startswith("No other member reports this borrower.")


def test_the_ten_lines_of_the_readme_run(newcomer: Newcomer) -> None:
    """The first code that anybody copies must work."""
    members = newcomer.folder / "sandbox" / "members"
    key, pins = newcomer.folder / "member-a.key.json", newcomer.folder / "exchange.pins.json"
    key.write_bytes((members / "lender-a.key.json").read_bytes())
    key.chmod(0o600)
    newcomer.types(f"cx pin {newcomer.base}")

    said = run(
        snippet("README.md", "python", "with Exchange"),
        newcomer,
        grant_id=newcomer.grant(key, pins),
    )

    assert said.startswith("No other member reports this borrower.")


def run(code: str, newcomer: Newcomer, **names: str) -> str:
    """Run a snippet in the newcomer's folder, with what it takes as given; return what it said."""
    said: list[str] = []
    known = {**names, "print": lambda *parts: said.append(" ".join(map(str, parts)))}
    with chdir(newcomer.folder):
        exec(compile(code, "README", "exec"), known)  # noqa: S102 - our own page
    return "\n".join(said)
