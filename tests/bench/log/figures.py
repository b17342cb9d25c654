"""The access log's figures: sequencing, proofs from stored tiles, what its rhythm costs a query.

The sequencer's figures are taken on a server of its own with durable commits. `--leaves` sets how
many leaves are sequenced, `--proof-leaves` how many the tree has when proofs are measured.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psycopg

from exchange.domain.leaves import Slot, entry
from exchange.domain.merkle import TreeHead, consistency_ranges, leaf_hash
from exchange.domain.notes import parse_checkpoint, parse_note
from exchange.domain.tiles import range_root, tiles_for
from exchange.services.log.prove_leaf import Proven, prove_opened
from exchange.services.log.sequence_log import sequence_log
from exchange.store.embedded.server import Launch, start
from exchange.store.statement import copy_rows
from exchange_client import Question, Receipt
from exchange_client import merkle as verifier
from exchange_client.proofs import verify_proof
from tests.bench.fixtures import ASKER, Stage
from tests.bench.load import drive
from tests.bench.log.proving import measure_proofs
from tests.bench.log.searching import measure_searches
from tests.bench.processes import started_as
from tests.bench.query import CONNECTIONS
from tests.bench.report import Measure, figure, measure, percentile
from tests.support import postgres
from tests.support.access_log import AccessLog, Clock, access_log
from tests.support.borrowers import borrower

ROUNDS = 5
RECEIPTS = 40
SEARCH_LEAVES_MIN = 500_000  # so that a tenth of it is more than a search finds
MIXED = 200  # questions of one turn of the mixed run
SINGLES = 20  # of which so many are asked singly
TURN_LEAVES = 20_000  # a turn's most leaves, while a backlog is sequenced
_COPY = "COPY leaf (leaf_hash, log_id, entry, created_at) FROM STDIN (FORMAT BINARY)"
_LEAVES_AT_ONCE = 100_000


def measure_log(leaves: int, proof_leaves: int) -> dict[str, Measure]:
    """Measure sequencing of so many leaves, and proofs in a tree of so many."""
    with _durable_log() as log:
        ref = log.open()
        rates = []
        share = max(1, leaves // ROUNDS)
        for number in range(ROUNDS):
            print(f"log: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
            _load(log, ref.log_id, share)
            began = time.perf_counter()
            while sequence_log(ref, log.sequencer).full:
                pass
            rates.append(share / (time.perf_counter() - began))
        return {
            "sequence_leaves_per_s": measure(rates, "1/s"),
            **measure_proofs(log, proof_leaves),
            **measure_searches(log, max(leaves, SEARCH_LEAVES_MIN)),
        }


def measure_rhythm(stage: Stage, seconds: int) -> dict[str, Measure]:
    """Measure queries with the sequencer at work and held, in turn; then receipts and proofs."""
    sequencers = started_as("cx-sequence")
    rates: dict[bool, list[float]] = {True: [], False: []}
    warm = drive(stage.scene.port, stage.wishes.singles(300), connections=CONNECTIONS)
    for number in range(ROUNDS):
        print(f"log: rhythm {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
        for at_work in (True, False) if number % 2 else (False, True):
            for one in sequencers:
                one.send_signal(signal.SIGCONT if at_work else signal.SIGSTOP)
            asked = stage.wishes.singles(max(1, int(warm.rate * seconds)))
            rates[at_work].append(drive(stage.scene.port, asked, connections=CONNECTIONS).rate)
    for one in sequencers:
        one.send_signal(signal.SIGCONT)
    ratios = [on / off for on, off in zip(rates[True], rates[False], strict=True)]
    return {"query_with_sequencer_per_without": measure(ratios, "ratio"), **_receipts(stage)}


@contextmanager
def _durable_log() -> Iterator[AccessLog]:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        server = start(Launch(data_dir=Path(directory) / "d", sandbox=True))
        try:
            postgres.lay_out(server.url)
            clock = Clock(int(time.time()))
            with access_log(server.url, Path(directory), rows_max=TURN_LEAVES, clock=clock) as log:
                yield log
        finally:
            server.stop()


def _load(log: AccessLog, log_id: int, count: int) -> None:
    """Write leaves of random commitments; what opens them is not sequenced."""
    with psycopg.connect(log.url) as connection:
        for first in range(0, count, _LEAVES_AT_ONCE):
            entries = [
                entry(os.urandom(32), os.urandom(32))
                for _ in range(min(_LEAVES_AT_ONCE, count - first))
            ]
            rows = ((leaf_hash(one), log_id, one, log.clock.now) for one in entries)
            copy_rows(connection, _COPY, ("bytea", "int4", "bytea", "int8"), rows)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE leaf")


def measure_receipts(stage: Stage, count: int) -> dict[str, Measure]:
    """Ask singly and in batches by turns; redeem and verify every receipt, then every checkpoint.

    Each checkpoint is held against the next: a tree that contains the one before contains all.
    """
    began = time.perf_counter()
    with stage.scene.exchange(ASKER) as exchange:
        receipts: list[Receipt] = []
        while len(receipts) < count:
            some = range(len(receipts), min(count, len(receipts) + MIXED))
            asked = [
                Question(identifiers=(borrower(one),), purpose="credit_application") for one in some
            ]
            answers = [exchange.ask(one) for one in asked[:SINGLES]]
            if asked[SINGLES:]:
                answers += exchange.query_batch(asked[SINGLES:])
            receipts += [one.receipt for one in answers]
        for number, receipt in enumerate(receipts):
            exchange.receipt_proof(receipt, wait_seconds=60)
            if number % 1_000 == 0:
                print(f"log: receipt {number} of {count}", file=sys.stderr, flush=True)
        vkey = exchange.pins.log_vkey
    return {
        "receipts_verified": figure(len(receipts), "receipts"),
        "receipts_took_s": figure(time.perf_counter() - began, "s"),
        **_consistency(stage, vkey),
    }


def _receipts(stage: Stage) -> dict[str, Measure]:
    """Measure from the answer to its verified proof, then verify every leaf and checkpoint."""
    took = []
    with stage.scene.exchange(ASKER) as exchange:
        for number in range(RECEIPTS):
            answer = exchange.query(borrower(number), purpose="credit_application")
            began = time.perf_counter()
            exchange.receipt_proof(answer.receipt, wait_seconds=30)
            took.append(time.perf_counter() - began)
        vkey = exchange.pins.log_vkey
    return {
        "receipt_integrated_p50_s": figure(percentile(took, 0.5), "s"),
        "receipt_integrated_p99_s": figure(percentile(took, 0.99), "s"),
        **_consistency(stage, vkey),
    }


def _consistency(stage: Stage, vkey: str) -> dict[str, Measure]:
    """Verify the proof of each of up to 10,000 leaves, and every checkpoint against the next."""
    data_dir = stage.scene.members.parent
    with access_log(stage.scene.database_url(), data_dir, clock=Clock(int(time.time()))) as log:
        with psycopg.connect(log.url) as connection:
            hashes = [
                row[0] for row in connection.execute("SELECT leaf_hash FROM leaf LIMIT 10000")
            ]
            notes = connection.execute("SELECT note FROM checkpoint ORDER BY size").fetchall()
        proven = 0
        for one in hashes:
            found = prove_opened(one, frozenset(Slot), log.log_ports)
            if isinstance(found, Proven):  # The newest may still wait.
                verify_proof(found.proof, vkey, leaf=one)
                proven += 1
        heads = [parse_checkpoint(parse_note(note.encode()).text).head for (note,) in notes]
        ref = log.open()
        with log.log_ports.begin() as work:
            for old, new in pairwise(heads):
                ranges = consistency_ranges(old.size, new.size)
                tiles = work.tree.tiles(ref.log_id, tiles_for(ranges)) if ranges else {}
                path = [range_root(each, tiles) for each in ranges]
                verifier.verify_consistency(_head(old), _head(new), path)
    return {
        "proofs_verified": figure(proven, "leaves"),
        "checkpoints_consistent": figure(len(heads), "checkpoints"),
    }


def _head(head: TreeHead) -> verifier.TreeHead:
    return verifier.TreeHead(size=head.size, root=head.root)
