"""A member's terminal for tests: `cx` in front of a whole exchange in this process."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from typer.testing import CliRunner, Result

from exchange_client.cli.main import app
from exchange_client.cli.options import Outside
from exchange_client.keys import KeyFile
from tests.support.borrowers import borrower, consent
from tests.support.sandbox import Sandbox, make_sandbox

PURPOSE = "credit_application"
MEMBER = "member-a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A member's terminal: its folder, its environment, and the wire to the exchange."""

    folder: Path
    sandbox: Sandbox
    key: KeyFile

    def cx(
        self, *words: str, typed: str = "", transport: httpx2.BaseTransport | None = None
    ) -> Result:
        """Run one command."""
        wire = transport or httpx2.WSGITransport(app=self.sandbox._serve)
        environment = {"CX_KEY_FILE": str(self.at("key")), "CX_PINS": str(self.at("pins"))}
        outside = Outside(transport=wire, clock=lambda: int(time.time()))
        return CliRunner().invoke(app, list(words), input=typed, env=environment, obj=outside)

    def at(self, name: str) -> Path:
        """Return the place of a file."""
        return self.folder / name

    def granted(self, number: int) -> str:
        """Keep a borrower's consent in a file, register it, and return its id."""
        grant = consent(borrower(number), PURPOSE, key=self.key, pins=self.sandbox.pins())
        place = self.at(f"grant-{number}")
        grant.save(place)
        done = self.cx("grant", "register", str(place), "--id-file", "-", typed=line(number))
        assert 0 == done.exit_code, done.output
        return grant.grant_id

    def asked(self, *words: str, number: int = 1) -> Result:
        """Ask about a borrower, their number on stdin."""
        return self.cx("query", "--purpose", PURPOSE, "--id-file", "-", *words, typed=line(number))

    def told(self, *words: str, number: int = 1) -> dict[str, object]:
        """Ask, and return what was told as JSON."""
        return read(self.asked("--json", *words, number=number))


class Dead(httpx2.BaseTransport):
    """A wire that nobody answers on."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Fail as a refused connection does."""
        raise httpx2.ConnectError("refused", request=request)


def line(number: int) -> str:
    """Write a borrower as `--id-file` reads it."""
    return f"ric CN {borrower(number).number}\n"


def read(result: Result) -> dict[str, object]:
    """Return the one JSON object on stdout."""
    told = json.loads(result.stdout)
    assert isinstance(told, dict)
    return told


@contextmanager
def open_terminal(url: str, folder: Path) -> Iterator[Terminal]:
    """Enrol a member on a fresh, migrated database, and lay out its key and pins."""
    sandbox = make_sandbox(url, folder)
    key = sandbox.enrol(MEMBER)
    made = Terminal(folder=folder, sandbox=sandbox, key=key)
    key.save(made.at("key"))
    sandbox.pins().save(made.at("pins"))
    yield made
    sandbox.close()
