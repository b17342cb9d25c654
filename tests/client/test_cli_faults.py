"""Every command of `cx` under what goes wrong at a newcomer's desk: one clear line, one number.

The commands and their words are the examples of their own help, so that a new one is tried too.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import stamina
import typer
from typer.testing import CliRunner, Result

from exchange_client import KeyFile
from exchange_client.cli.main import app
from exchange_client.cli.options import Outside
from exchange_client.errors import FieldFault, Problem, Refused
from exchange_client.testing import FakeExchange

MEMBER = "lender-x"
AN_ID = "0192f3a0000070008000000000000001"
EXAMPLE = re.compile(r"Example: cx (.*)|`cx (.*?)`")
FILE = re.compile(r".+\.(txt|ndjson|json|jws|pdf|receipt|csv|toml)|mirror|evidence")
CODES = {1, 2, 3, 4}
GARBAGE = {"binary": b"\xff\x00\xfe" * 50, "deep": b"[" * 100_000, "empty": b"", "null": b"null"}
ONE_LINE = re.compile(r"[a-z]+(\.[a-z_]+)*: \S.*")


def commands(group: object, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield each command with the words of its example."""
    for name, command in getattr(group, "commands", {}).items():
        whole = f"{path} {name}".strip()
        yield from commands(command, whole)
        if not hasattr(command, "commands"):
            found = EXAMPLE.search(getattr(command, "help", "") or "")
            assert found, f"{whole}: no example"
            yield whole, shlex.split((found[1] or found[2]).replace("_…", f"_{AN_ID}"))


COMMANDS = dict(commands(typer.main.get_command(app)))
# They read no key, or none yet; or no exchange at all.
WITHOUT_KEY = {"init", "pin", "grant decide", "grant list-reasons", "receipt verify"}
WITHOUT_KEY |= {"policy check", "policy decide", "policy test"}
WITHOUT_KEY |= {"batch validate", "log policy", "log verify", "log mirror", "audit verify"}
WITHOUT_KEY |= {"book strata"}
WITHOUT_KEY |= {f"report {one}" for one in ("roll", "vintage", "classes", "provision", "stress")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong at the desk."""

    name: str
    key: bytes | int | None = 0o600  # its bytes, its mode; None: absent
    pins: bytes | None = b"good"
    files: bytes | None = None  # of whatever the command names
    wire: Callable[[httpx2.Request], httpx2.Response] | None = None
    clock_seconds: int = 0
    expected: int | None = None  # where it is the same for all commands that read a key


def dead(request: httpx2.Request) -> httpx2.Response:
    """Fail as a refused connection does."""
    raise httpx2.ConnectError("refused", request=request)


def page(_: httpx2.Request) -> httpx2.Response:
    """Answer as a hotel's network does."""
    return httpx2.Response(200, content=b"<html>", headers={"Content-Type": "text/html"})


TROUBLES = (
    *(Trouble(name=f"the files are {name}", files=content) for name, content in GARBAGE.items()),
    *(Trouble(name=f"the key is {n}", key=content, expected=2) for n, content in GARBAGE.items()),
    *(Trouble(name=f"the pins are {n}", pins=content) for n, content in GARBAGE.items()),
    Trouble(name="no key", key=None, expected=2),
    Trouble(name="no pins", pins=None),
    Trouble(name="no files"),
    Trouble(name="others may read the key", key=0o640, expected=2),
    Trouble(name="nobody answers", wire=dead),
    Trouble(name="a login page answers", wire=page),
    Trouble(name="the clock is an hour ahead", clock_seconds=3_600),
    Trouble(name="the clock is an hour behind", clock_seconds=-3_600),
)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeExchange]:
    """An exchange in memory; nothing is tried twice."""
    stamina.set_active(False)
    yield FakeExchange()
    stamina.set_active(True)


def lay(folder: Path, fake: FakeExchange, trouble: Trouble, words: list[str]) -> None:
    """Lay out a newcomer's folder."""
    if isinstance(trouble.key, bytes):
        (folder / "key").write_bytes(trouble.key)
        (folder / "key").chmod(0o600)
    elif trouble.key is not None:
        fake.key(MEMBER).save(folder / "key")
        (folder / "key").chmod(trouble.key)
    if trouble.pins == b"good":
        fake.pins.save(folder / "pins")
    elif trouble.pins is not None:
        (folder / "pins").write_bytes(trouble.pins)
    for word in words if trouble.files is not None else ():
        if FILE.fullmatch(word):
            (folder / word).write_bytes(trouble.files or b"")


def type_in(folder: Path, fake: FakeExchange, trouble: Trouble, words: list[str]) -> Result:
    """Type a command in that folder."""
    environment = {"CX_KEY_FILE": str(folder / "key"), "CX_PINS": str(folder / "pins")}
    transport = httpx2.MockTransport(trouble.wire) if trouble.wire else fake.transport
    outside = Outside(transport=transport, clock=lambda: fake.clock() + trouble.clock_seconds)
    return CliRunner().invoke(app, words, env=environment, obj=outside)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda one: str(one.name))
def test_every_command_ends_in_one_clear_line(
    fake: FakeExchange,
    trouble: Trouble,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A newcomer who meets a traceback does not come back."""
    for number, (command, words) in enumerate(COMMANDS.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        lay(folder, fake, trouble, words)

        done = type_in(folder, fake, trouble, words)

        if isinstance(done.exception, NotImplementedError):
            continue  # The fake has no webhooks and no audit, and says so.
        said = f"{command}: {done.exit_code} {done.output}"
        assert done.exception is None or isinstance(done.exception, SystemExit), said
        if done.exit_code:
            assert done.exit_code in CODES, said
            last = done.stderr.strip().splitlines()[-1:]
            assert last == [] or ONE_LINE.fullmatch(last[0]) or "─" in last[0], said
            assert last or done.stdout, said
        if trouble.expected is not None and command not in WITHOUT_KEY:
            assert trouble.expected == done.exit_code, said


def test_a_clock_that_is_off_is_named(fake: FakeExchange, tmp_path: Path) -> None:
    """A refusal that is only a clock's must not be taken for a lost key."""
    trouble = Trouble(name="ahead", clock_seconds=3_600)
    lay(tmp_path, fake, trouble, [])

    done = type_in(tmp_path, fake, trouble, ["grant", "list-notices"])

    assert 3 == done.exit_code
    assert "is the clock of this machine right?" in done.stderr


def test_a_wrong_passphrase_is_told_as_such(
    fake: FakeExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped passphrase must not be taken for a damaged file alone, nor for an outage."""
    monkeypatch.setattr("exchange_client.keys.SCRYPT_COST", 1 << 4)
    fake.key(MEMBER).save(tmp_path / "key", passphrase="right")
    fake.pins.save(tmp_path / "pins")
    environment = {"CX_KEY_FILE": str(tmp_path / "key"), "CX_PINS": str(tmp_path / "pins")}

    done = CliRunner().invoke(app, ["grant", "list-notices"], input="wrong\n", env=environment)

    assert (2, True) == (done.exit_code, "wrong passphrase" in done.stderr), done.output


def test_a_full_disk_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a key file would bar the way of the whole one that comes after it."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        failed = CliRunner().invoke(app, ["init", MEMBER])
    again = CliRunner().invoke(app, ["init", MEMBER])

    assert (2, 0) == (failed.exit_code, again.exit_code)
    assert "No space left on device; nothing is kept" in failed.stderr
    assert MEMBER == KeyFile.load(tmp_path / f"{MEMBER}.key.json").member


def test_a_key_under_another_algorithms_name_is_refused(tmp_path: Path) -> None:
    """A file that says P-256 over an Ed25519 key would sign what nobody can verify."""
    place = tmp_path / "key"
    KeyFile.generate(MEMBER).save(place)
    place.write_text(place.read_text().replace('"ed25519"', '"ecdsa-p256-sha256"'))

    with pytest.raises(Exception, match="not of the algorithm it names"):
        KeyFile.load(place)


def test_a_retry_says_nothing_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person reads one line about an outage, and no log of the library that tried again."""
    monkeypatch.setattr("exchange_client.testing.world.PUBLIC_BASE", "http://127.0.0.1:9")
    away = FakeExchange()
    away.key(MEMBER).save(tmp_path / "key")
    away.pins.save(tmp_path / "pins")
    code = (
        "import stamina, sys; stamina.set_testing(True, attempts=2);"
        "from exchange_client.cli.main import main; main()"
    )
    words = ["grant", "list-notices", "--key-file", "key", "--pins", "pins"]

    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (3, 1) == (done.returncode, len(done.stderr.splitlines())), done.stderr
    assert done.stderr.startswith("outage.unreachable: ")


@pytest.mark.parametrize(
    ("title", "errors", "said"),
    [
        ("absent", (), "c: absent (request r)"),
        ("see errors", (("/a", "must be b"),), "c: see errors: /a must be b (request r)"),
        ("must be b", (("/a", "must be b"),), "c: /a must be b (request r)"),
    ],
)
def test_a_refusal_names_its_fields(
    title: str, errors: tuple[tuple[str, str], ...], said: str
) -> None:
    """Who reads only that there are errors must look them up in another place."""
    faults = tuple(FieldFault(pointer=at, code="x", detail=text) for at, text in errors)

    problem = Problem(code="c", status=422, title=title, errors=faults, request_id="r")

    assert said == str(Refused(problem))
