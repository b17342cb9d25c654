"""The operator's way: migrate, keys, sequencer and server against a PostgreSQL by its URL."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, socket
from tempfile import TemporaryDirectory

import psutil  # type: ignore[import-untyped]  # it ships no types
import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.profiles import load_profile, profile_sha256, unconfirmed
from exchange.crypto.public_keys import possession_text
from exchange.domain.base64url import b64url
from exchange.domain.members import Algorithm
from exchange.jobs.cores import usable_cores
from exchange.settings import Settings
from exchange_client.keys import KeyFile

READY_SECONDS_MAX = 60


def confirmed(directory: Path) -> str:
    """Write counsel's references, which whatever is no sandbox needs to be served."""
    profile = load_profile("CN")
    lines = [f'{value.key} = "a synthetic opinion"' for value in unconfirmed(profile)]
    path = directory / "counsel.toml"
    path.write_text("\n".join([f'["{profile.ref}"]', *lines, ""]))
    return str(path)


def exchange(*arguments: str, env: dict[str, str]) -> str:
    """Run one command of the operator to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "exchange.cli", *arguments],
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def starts(name: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a process of the exchange that stays."""
    command = [sys.executable, "-m", "exchange.cli", name]
    return subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)


def put_in_force(directory: Path, env: dict[str, str]) -> None:
    """Enrol two operators, and let them put the law in force, as the runbook says."""
    files = []
    for name in ("anna", "ben"):
        key = KeyFile.generate(name)
        files.append(str(directory / f"{name}.key.json"))
        key.save(files[-1])
        issuer = str(Settings.model_fields["issuer"].default)
        text = possession_text(issuer, key.keyid, Algorithm.ED25519, key.public_key)
        assert isinstance(key.private, Ed25519PrivateKey)
        halves = [
            f"--public-key={b64url(key.public_key)}",
            f"--proof={b64url(key.private.sign(text))}",
        ]
        exchange("operator", "add", name, "k1", *halves, env=env)
    told = exchange("profile", "propose", "--key-file", files[0], env=env)
    found = re.search(r"prp_[0-9a-f]{32}", told)
    assert found, told
    exchange("member", "approve", found[0], "--key-file", files[1], env=env)
    assert "\nin force\n" in exchange("profile", "show", env=env)


def await_cores(pid: int, count: int) -> list[frozenset[int]]:
    """Wait until so many processes serve, each on one core; return on which they run.

    The first answers before the last has begun, and a new one is pinned a moment after it was made.
    """
    deadline = time.monotonic() + READY_SECONDS_MAX
    while True:
        cores = [frozenset(one.cpu_affinity()) for one in psutil.Process(pid).children()]
        if time.monotonic() > deadline or [1] * count == [len(core) for core in cores]:
            return cores
        time.sleep(0.05)


def await_log(url: str) -> None:
    """Wait until the sequencer has opened the log."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    with psycopg.connect(url, autocommit=True) as connection:
        while not connection.execute("SELECT 1 FROM log").fetchone():
            assert time.monotonic() < deadline, "the log was not opened"
            time.sleep(0.1)


def test_an_external_database_is_served_by_its_url(database_url: str, tmp_path: Path) -> None:
    """What the runbook says, an operator can do, on the oldest and the newest PostgreSQL."""
    secret = tmp_path / "url"
    secret.write_text(database_url)
    secret.chmod(0o600)
    short = TemporaryDirectory(prefix="cxs-", dir="/tmp")  # a unix socket's name: 107 bytes
    listening = Path(short.name) / "http.sock"
    env = {
        "PATH": os.environ["PATH"],
        "EXCHANGE_DATABASE_URL_FILE": str(secret),
        "EXCHANGE_DATA_DIR": str(tmp_path / "state"),
        "EXCHANGE_LISTEN": f"unix:{listening}",
        "EXCHANGE_WORKERS": "2",
        "EXCHANGE_COUNSEL_PATH": confirmed(tmp_path),
    }
    (tmp_path / "state").mkdir(mode=0o700)

    assert "nothing to do\n" == exchange("migrate", env=env)
    exchange("keys", "create", env=env)
    told = exchange("config", "check", env=env)
    assert "database_url = **********" in told
    assert "confirmed: a synthetic opinion" in told
    assert "evaluator" in exchange("keys", "list", env=env)
    parts = [starts("sequence", env)]
    try:
        await_log(database_url)
        put_in_force(tmp_path, env)
        parts.append(starts("serve", env))
        ready = wait_until_ready(listening)
        mode = listening.stat().st_mode & 0o777
        cores = await_cores(parts[-1].pid, 2)
    finally:
        for part in parts:
            part.send_signal(signal.SIGTERM)
        codes = [part.wait(60) for part in parts]
        short.cleanup()

    assert {"ok"} == set(ready.values())
    assert [0, 0] == codes
    assert 0o660 == mode, "the proxy runs as another user of the socket's group"
    assert [1, 1] == [len(core) for core in cores], "each process stays on a core"
    assert min(2, len(usable_cores())) == len(set(cores)), "and on one of its own"


def test_more_connections_than_the_database_takes_are_refused(
    database_url: str, tmp_path: Path
) -> None:
    """Found at the start, and not by the hundredth member at noon."""
    env = {
        "PATH": os.environ["PATH"],
        "EXCHANGE_DATABASE_URL": database_url,
        "EXCHANGE_DATA_DIR": str(tmp_path),
        "EXCHANGE_LISTEN": "127.0.0.1:0",
        "EXCHANGE_WORKERS": "64",
        "EXCHANGE_COUNSEL_PATH": confirmed(tmp_path),
    }
    exchange("keys", "create", env=env)
    with psycopg.connect(database_url) as connection:
        law = (profile_sha256("CN"), load_profile("CN").ref)
        connection.execute("INSERT INTO profile_in_force VALUES (%s, %s, 1)", law)
    done = subprocess.run(
        [sys.executable, "-m", "exchange.cli", "serve"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 1 == done.returncode
    assert done.stderr.startswith("refused: 64 processes with 4 connections each")
    assert 1 == len(done.stderr.splitlines())


def wait_until_ready(listening: Path) -> dict[str, str]:
    """Return what each part says once all are ready."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        with socket(AF_UNIX) as line:
            line.settimeout(5)
            try:
                line.connect(str(listening))
                asking = HTTPConnection("x")
                asking.sock = line
                asking.request("GET", "/readyz")
                answer = asking.getresponse()
                if answer.status == 200:
                    return dict(json.load(answer))
            except OSError:
                pass  # not there yet
        time.sleep(0.1)
    raise AssertionError("the server did not become ready")
