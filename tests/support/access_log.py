"""An access log at work on a real database: writers, a sequencer, a clock that tests set."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from exchange.app.ports import make_log_ports, make_ports, open_database
from exchange.crypto.keyring import create_keyring
from exchange.domain.leaves import Leaf, Slot, opening_aad, unpad_opening
from exchange.errors import UnavailableError
from exchange.services.log.open_log import open_log
from exchange.services.log.ports import LogPorts, LogRef, SequencePorts, log_key
from exchange.services.log.prove_leaf import Proven, prove_leaf
from exchange.services.log.sequence_log import Turn, drain_log, sequence_log
from exchange.services.log.write_leaves import LeafDraft, opening_key, write_leaves
from exchange.services.ports import Ports
from exchange.settings import Settings
from exchange.store.embedded.server import Server
from exchange.store.log import LogDatabase
from exchange.store.log.checkpoint_file import CheckpointFiles
from exchange.store.work import Database
from exchange_client.core.encoding import JSON, loads_object
from exchange_client.proofs import VerifiedProof, verify_proof
from tests.support.log.processes import Place

PLACE = "ord = (SELECT ord FROM leaf_place WHERE leaf_index = {})"  # the leaf of an index
WAITS = "ord NOT IN (SELECT ord FROM leaf_place)"
_TRIES_MAX = 1_500  # of 20 ms each
START = 1_790_000_000  # 2026-09-21, unix seconds


@dataclass(slots=True)
class Clock:
    """The time, as a test wants it."""

    now: int = START  # unix seconds

    def __call__(self) -> int:
        return self.now


@dataclass(slots=True, kw_only=True)
class AccessLog:
    """Everything that writes to one log, and its sequencer."""

    url: str
    ports: Ports
    log_ports: LogPorts
    sequencer: SequencePorts
    files: CheckpointFiles
    clock: Clock
    database: Database
    log_database: LogDatabase
    written: list[Leaf] = field(default_factory=list)

    def open(self) -> LogRef:
        """Open the log of the year."""
        return open_log(self.log_ports, lambda log: drain_log(log, self.sequencer))

    def write(self, count: int, *, member: str = "member-a") -> list[Leaf]:
        """Write leaves in one transaction, each about another subject."""
        drafts = [query_draft(member) for _ in range(count)]
        with self.ports.begin() as work:
            leaves = write_leaves(work, drafts, self.ports, self.clock.now)
            work.commit()
        self.written += leaves
        return leaves

    def turn(self) -> Turn:
        """Carry out one turn of the log that is active now."""
        return sequence_log(self.open(), self.sequencer)

    def turn_when_free(self) -> Turn:
        """Do so once PostgreSQL has noticed that whoever held the log's row was killed."""
        for _ in range(_TRIES_MAX):
            with suppress(UnavailableError):
                return self.turn()
            time.sleep(0.02)
        raise UnavailableError("the log's row is still held")

    def proven(self, leaf_hash: bytes, member: str = "member-a") -> VerifiedProof:
        """Fetch the proof of a leaf, and verify it as its member does."""
        found = prove_leaf(leaf_hash, member, self.log_ports)
        assert isinstance(found, Proven)
        return verify_proof(found.proof, self.vkey(), leaf=leaf_hash)

    def opened(self, leaf_hash: bytes) -> dict[str, JSON]:
        """Open both slots of a leaf, whoever it is about."""
        with self.log_ports.begin() as work:
            stored = work.tree.find_leaf(leaf_hash)
        assert stored is not None
        key = opening_key(stored.key_id, stored.kek_id, stored.wrapped, self.ports)
        sealed = {Slot.SUBJECT: stored.subject_sealed, Slot.AUDIT: stored.audit_sealed}
        return {
            slot.value: loads_object(
                unpad_opening(
                    key.open(raw, opening_aad(self.origin(), leaf_hash, slot, stored.key_id))
                ).payload
            )
            for slot, raw in sealed.items()
        }

    def origin(self) -> str:
        """Return the name of the log that is active now."""
        return self.ports.origin(self.clock.now)

    def vkey(self) -> str:
        """Return the key that members pin for the log that is active now."""
        return log_key(self.origin(), self.ports.keyring.checkpoint_public_key).vkey()

    def outside(self) -> Path:
        """Return the checkpoint file of the log that is active now."""
        return self.files.path_of(self.origin())

    def place(self) -> Place:
        """Return where processes of the exchange go on with this log."""
        return Place(self.url, self.outside().parent)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()
        self.log_database.close()


def query_draft(member: str, subject: str = "") -> LeafDraft:
    """Draft the leaf of a look as the query's way writes it; "": at a subject nobody else is."""
    audit = {name: f"{name}-1" for name in ("query", "request_sha256", "application", "reason")}
    return LeafDraft(
        kind="query",
        member=member,
        subject=subject or f"p:{os.urandom(16).hex()}",
        subject_slot={"purpose": "credit_application", "outcome": "NO_DATA"},
        audit_slot={**audit, "key": f"{member}/k1", "operator": "op-1", "policy": "cn@1"},
        purpose="credit_application",
        outcome="NO_DATA",
    )


@contextmanager
def access_log(
    url: str,
    directory: Path,
    *,
    rows_max: int = 5_000,
    clock: Clock | None = None,
    restart: str = "",
) -> Iterator[AccessLog]:
    """Yield a log on this database, with keys and outside checkpoint in this directory.

    Called twice with one directory, the second goes on with the keys and files of the first.
    """
    clock = clock or Clock()
    keyring_path = directory / "keyring.json"
    if not keyring_path.exists():
        create_keyring(keyring_path, environment="test", epoch="ep_1", now=START)
    settings = Settings.model_validate(
        {
            "database_url": url,
            "data_dir": directory,
            "sequence_rows_max": rows_max,
            "log_restart": restart,
        }
    )
    database, log_database = open_database(settings), LogDatabase(url)
    ports = replace(make_ports(settings, database), now=clock)
    log_ports, sequencer = make_log_ports(settings, ports, log_database)
    made = AccessLog(
        url=url,
        ports=ports,
        log_ports=log_ports,
        sequencer=sequencer,
        files=CheckpointFiles(settings.checkpoint_file),
        clock=clock,
        database=database,
        log_database=log_database,
    )
    try:
        yield made
    finally:
        made.close()


def copy_database(server: Server, url: str) -> str:
    """Copy a database to which nobody is connected, as a dump would, and return the copy's URL."""
    name = urlsplit(url).path.lstrip("/")
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}_copy" WITH (FORCE)'.encode())
        connection.execute(f'CREATE DATABASE "{name}_copy" TEMPLATE "{name}"'.encode())
    return server.url_of(f"{name}_copy")


def run_sql(url: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Run one statement, as somebody with the database's rights would, and commit it."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []
