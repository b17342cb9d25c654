"""Our log before a witness that others wrote: fed, killed, back again, shown a fork."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection, socket

import pytest

from exchange.errors import LogRolledBack
from exchange.services.log.prove_leaf import Proven, prove_leaf
from exchange.services.witnesses.guard_witnesses import guard_witnesses
from exchange.services.witnesses.submit_checkpoint import NO_ANSWER, OK, submit_checkpoint
from exchange.store.embedded.server import Server
from exchange_client.notes import open_checkpoint, parse_vkey
from tests.interop.foreign import foreign_program, run
from tests.support.access_log import AccessLog, access_log, copy_database
from tests.support.log.submitting import submitting

NAME = "foreign.example/witness"
READY_SECONDS_MAX = 30


@dataclass(slots=True, kw_only=True)
class ForeignWitness:
    """A witness in a process of its own, with a key and a database that it made itself."""

    program: str
    folder: Path
    port: int
    vkey: str
    process: subprocess.Popen[bytes] | None = None

    def know(self, log: AccessLog) -> None:
        """Let it trust a log, and start it."""
        words = ["--origin", log.open().origin, "--vkey", log.vkey()]
        assert 0 == run(self.program, "add-log", "-c", str(self.folder / "w.json"), *words)[0]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.process = subprocess.Popen(
            [self.program, "serve", "-c", str(self.folder / "w.json"), "--log-level", "ERROR"]
        )
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                return create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the witness did not come up")

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def policy(self, log: AccessLog) -> str:
        """Return a policy that asks for its word."""
        url = f"http://127.0.0.1:{self.port}"
        return f"log {log.vkey()}\nwitness w {self.vkey} {url}\nquorum w\n"


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[ForeignWitness]:
    """A witness that is not started yet."""
    program, folder = foreign_program("aics-witness"), tmp_path / "foreign"
    folder.mkdir()
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = ["--name", NAME, "--listen", f"127.0.0.1:{port}"]
    left, told = run(program, "init", "-c", str(folder / "w.json"), *words)
    assert 0 == left, told
    vkey = next(line for line in told.splitlines() if line.startswith(f"{NAME}+"))
    made = ForeignWitness(program=program, folder=folder, port=port, vkey=vkey)
    yield made
    made.kill()


def test_a_foreign_witness_makes_our_receipts_final(
    database_url: str, tmp_path: Path, witness: ForeignWitness
) -> None:
    """A log that only its own witnesses understand is witnessed by nobody."""
    with access_log(database_url, tmp_path) as log:
        witness.know(log)
        (leaf,) = log.write(1)
        log.turn()
        with submitting(log, witness.policy(log)) as ports:
            first = submit_checkpoint(log.open(), ports)
            assert 1 == guard_witnesses(log.open(), ports, log.ports.keyring)
            witness.kill()
            log.write(3)
            log.turn()
            during = submit_checkpoint(log.open(), ports)
            witness.start()
            after = submit_checkpoint(log.open(), ports)
            proven = prove_leaf(leaf.leaf_hash, "member-a", ports.log_ports, final=True)

        assert first
        assert during
        assert after
        assert [[OK], [NO_ANSWER], [OK]] == [
            [one.status for one in done.asked] for done in (first, during, after)
        ]
        assert (True, True) == (first.quorum_at is not None, after.quorum_at is not None)
        assert isinstance(proven, Proven)
        note = proven.proof.partition(b"\n\n")[2]
        opened = open_checkpoint(note, parse_vkey(log.vkey()), [parse_vkey(witness.vkey)])
        assert {NAME} == set(opened.cosigned_at)


def test_a_foreign_witness_keeps_the_proof_of_a_fork(
    database_url: str, tmp_path: Path, postgres_server: Server, witness: ForeignWitness
) -> None:
    """Whoever shows two histories is caught by a program that we did not write."""
    with access_log(database_url, tmp_path) as log:
        witness.know(log)
        log.turn()
        early = log.outside().read_bytes()
    fork_url = copy_database(postgres_server, database_url)
    with access_log(database_url, tmp_path) as log, submitting(log, witness.policy(log)) as ports:
        log.write(2)
        log.turn()
        submit_checkpoint(log.open(), ports)
        log.outside().write_bytes(early)
    with access_log(fork_url, tmp_path) as log, submitting(log, witness.policy(log)) as ports:
        log.write(2)
        log.turn()
        with pytest.raises(LogRolledBack, match="another root"):
            submit_checkpoint(log.open(), ports)

    left, told = run(witness.program, "evidence", "-c", str(witness.folder / "w.json"))
    assert 0 == left
    assert json.loads(told)
