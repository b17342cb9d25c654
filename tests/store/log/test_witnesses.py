"""Witnesses in processes of their own: cosignatures, outage and return, rollback and fork."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from exchange.domain.notes import SignatureLine
from exchange.domain.notes import parse_vkey as parse_witness
from exchange.errors import LogRolledBack, UnavailableError
from exchange.jobs.publish import Rhythm, publish
from exchange.services.log.prove_leaf import Promised, Proven, prove_leaf
from exchange.services.log.show_log import ShowPorts, show_log
from exchange.services.witnesses.guard_witnesses import guard_witnesses
from exchange.services.witnesses.ports import Reply
from exchange.services.witnesses.submit_checkpoint import (
    NO_ANSWER,
    OK,
    Round,
    SubmitPorts,
    submit_checkpoint,
)
from exchange.store.embedded.server import Server
from exchange_client.notes import open_checkpoint, parse_vkey
from exchange_client.proofs import verify_proof
from tests.support.access_log import AccessLog, Clock, access_log, copy_database, run_sql
from tests.support.log.submitting import submitting
from tests.support.log.witnesses import WitnessSet, witness_set


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[WitnessSet]:
    (tmp_path / "witnesses").mkdir()
    with witness_set(tmp_path / "witnesses") as made:
        yield made


def submitted(log: AccessLog, ports: SubmitPorts) -> Round:
    done = submit_checkpoint(log.open(), ports)
    assert done is not None
    return done


def test_a_receipt_is_final_once_a_quorum_has_cosigned(
    database_url: str, tmp_path: Path, witnesses: WitnessSet
) -> None:
    """Without witnesses an operator could show each member a log of its own."""
    with access_log(database_url, tmp_path) as log:
        witnesses.know(log.vkey())
        witnesses.start()
        log.open()
        (leaf,) = log.write(1)
        log.turn()
        with submitting(log, witnesses.text()) as ports:
            before = prove_leaf(leaf.leaf_hash, "member-a", ports.log_ports, final=True)
            at_once = prove_leaf(leaf.leaf_hash, "member-a", ports.log_ports)
            done = submitted(log, ports)

            after = prove_leaf(leaf.leaf_hash, "member-a", ports.log_ports, final=True)

        assert isinstance(before, Promised)
        assert isinstance(at_once, Proven)
        assert [OK, OK] == [asked.status for asked in done.asked]
        assert isinstance(after, Proven)
        verify_proof(after.proof, log.vkey(), leaf=leaf.leaf_hash)
        note = after.proof.partition(b"\n\n")[2]
        keys = [parse_vkey(one.vkey) for one in witnesses.witnesses]
        cosigned = open_checkpoint(note, parse_vkey(log.vkey()), keys).cosigned_at
        assert {"w1.example/witness", "w2.example/witness"} == set(cosigned)


def test_an_outage_leaves_receipts_pending_and_the_return_makes_them_final(
    database_url: str, tmp_path: Path, witnesses: WitnessSet
) -> None:
    """P18: a witness that is down must stop neither answers nor, once back, their finality."""
    with access_log(database_url, tmp_path) as log:
        witnesses.know(log.vkey())
        witnesses.start()
        log.turn()
        with submitting(log, witnesses.text()) as ports:
            assert submitted(log, ports).quorum_at is not None
            witnesses.witnesses[0].kill()
            (leaf,) = log.write(1)
            log.turn()
            during = submitted(log, ports)
            pending = prove_leaf(leaf.leaf_hash, "member-a", ports.log_ports, final=True)
            log.write(3)
            log.turn()
            witnesses.witnesses[0].start(witnesses.policy)

            after = submitted(log, ports)

            assert [NO_ANSWER, OK] == [asked.status for asked in during.asked]
            assert during.quorum_at is None
            assert isinstance(pending, Promised)
            assert [OK, OK] == [asked.status for asked in after.asked]
            assert after.quorum_at is not None
            final = prove_leaf(leaf.leaf_hash, "member-a", ports.log_ports, final=True)
            assert isinstance(final, Proven)


def shown(log: AccessLog, ports: SubmitPorts, now: int) -> tuple[int, int]:
    """Say of what size the checkpoint is that a mirror fetches then, and how many signed it."""
    log.clock.now, before = now, log.clock.now
    year = log.origin().rpartition("/")[2]
    body = show_log(f"{year}/checkpoint", ShowPorts(log_ports=ports.log_ports, open=True)).body
    log.clock.now = before
    return int(body.split(b"\n")[1]), body.count("— ".encode())


def test_a_checkpoint_without_a_quorum_is_shown_once_the_one_with_a_quorum_is_30_s_old(
    database_url: str, tmp_path: Path, witnesses: WitnessSet
) -> None:
    """For want of a witness, mirrors and members would lose sight of every later look."""
    with access_log(database_url, tmp_path, clock=Clock(int(time.time()))) as log:
        witnesses.know(log.vkey())
        witnesses.start()
        log.turn()
        with submitting(log, witnesses.text()) as ports:
            at = submitted(log, ports).quorum_at
            assert at is not None
            witnesses.witnesses[0].kill()
            log.write(1)
            log.turn()
            unsubmitted = [shown(log, ports, now) for now in (at + 30, at + 31)]
            submitted(log, ports)

            during = [shown(log, ports, at + off) for off in (-31, -30, 0, 30, 31)]

            witnesses.witnesses[0].start(witnesses.policy)
            submitted(log, ports)
            after = [shown(log, ports, now) for now in (at + 30, at + 3_600)]
    assert [(1, 3), (2, 1)] == unsubmitted
    assert [(2, 2), (1, 3), (1, 3), (1, 3), (2, 2)] == during
    assert [(2, 3), (2, 3)] == after


def test_p21_a_restored_dump_is_refused_by_the_witnesses_alone(
    database_url: str, tmp_path: Path, postgres_server: Server, witnesses: WitnessSet
) -> None:
    """Whoever restores a database may restore the outside file with it; not the witnesses."""
    with access_log(database_url, tmp_path) as log:
        witnesses.know(log.vkey())
        witnesses.start()
        log.turn()
        early = log.outside().read_bytes()
    restored_url = copy_database(postgres_server, database_url)
    with (
        access_log(database_url, tmp_path) as log,
        submitting(log, witnesses.text()) as ports,
    ):
        log.write(2)
        log.turn()
        submitted(log, ports)
        log.outside().write_bytes(early)
    with (
        access_log(restored_url, tmp_path) as log,
        submitting(log, witnesses.text()) as ports,
    ):
        with pytest.raises(LogRolledBack, match="cosigned what this database does not hold"):
            guard_witnesses(log.open(), ports, log.ports.keyring)

        log.write(5)
        log.turn()
        with pytest.raises(LogRolledBack):
            guard_witnesses(log.open(), ports, log.ports.keyring)


def test_a_forked_log_is_stopped_when_a_witness_has_seen_the_other_branch(
    database_url: str, tmp_path: Path, postgres_server: Server, witnesses: WitnessSet
) -> None:
    """T17: two histories under one name, and each member would hold proofs of another one."""
    with access_log(database_url, tmp_path) as log:
        witnesses.know(log.vkey())
        witnesses.start()
        log.turn()
        early = log.outside().read_bytes()
    fork_url = copy_database(postgres_server, database_url)
    with (
        access_log(database_url, tmp_path) as log,
        submitting(log, witnesses.text()) as ports,
    ):
        log.write(2)
        log.turn()
        submitted(log, ports)
        log.outside().write_bytes(early)
    halted: list[str] = []
    with (
        access_log(fork_url, tmp_path) as log,
        submitting(log, witnesses.text()) as ports,
    ):
        log.write(2)
        log.turn()

        with pytest.raises(LogRolledBack, match="another root"):
            publish(
                ports,
                rhythm=Rhythm(0.01, 0.01),
                stop=Event(),
                report=lambda done: None,
                halt=lambda origin, error: halted.append(str(log.files.stop(origin, str(error)))),
            )

        assert halted
        log.write(1)
        with pytest.raises(LogRolledBack, match="was stopped"):
            log.turn()


def test_a_log_for_which_no_witness_vouches_waits(
    database_url: str, tmp_path: Path, witnesses: WitnessSet
) -> None:
    """With every witness away, a restored database would go unnoticed."""
    with access_log(database_url, tmp_path) as log:
        witnesses.know(log.vkey())
        log.turn()
        with submitting(log, witnesses.text()) as ports:
            with pytest.raises(UnavailableError, match="no witness answers"):
                guard_witnesses(log.open(), ports, log.ports.keyring)

            witnesses.witnesses[1].start(witnesses.policy)
            assert 1 == guard_witnesses(log.open(), ports, log.ports.keyring)


class _Scripted:
    """A witness that answers submissions as it was told to, and shows nothing."""

    def __init__(self, *replies: Reply, shows: int = 404) -> None:
        self._replies = list(replies)
        self._shows = shows

    def add_checkpoint(self, body: bytes) -> Reply:
        """Answer the next of its replies."""
        return self._replies.pop(0)

    def checkpoint(self, origin: str) -> Reply:
        """Show nothing."""
        return Reply(self._shows, b"")


NEWER = (Reply(409, b"1\n"), Reply(422, b""))  # It names its size, refuses what comes from there.
LARGER = Reply(409, b"99\n")


def test_a_witness_that_knows_what_we_do_not_hold_stops_the_log(
    database_url: str, tmp_path: Path, witnesses: WitnessSet
) -> None:
    """A fork is a fork, whether it is told as 409 or as 422, and a rollback by its size alone."""
    with access_log(database_url, tmp_path) as log:
        witnesses.know(log.vkey())
        log.turn()
        log.write(2)
        log.turn()
        with submitting(log, witnesses.text()) as ports:
            newer = replace(ports, reach=lambda one: _Scripted(*NEWER))
            with pytest.raises(LogRolledBack, match="another root of 1 leaves"):
                submit_checkpoint(log.open(), newer)

            larger = replace(ports, reach=lambda one: _Scripted(LARGER))
            with pytest.raises(LogRolledBack, match="cosigned 99"):
                submit_checkpoint(log.open(), larger)

            silent = replace(ports, reach=lambda one: _Scripted(LARGER, shows=500))
            with pytest.raises(LogRolledBack, match="cosigned 99"):
                guard_witnesses(log.open(), silent, log.ports.keyring)


def test_a_cosignature_counts_only_if_it_verifies(
    database_url: str, tmp_path: Path, witnesses: WitnessSet
) -> None:
    """Whoever sits between us and a witness could otherwise make receipts final."""
    with access_log(database_url, tmp_path) as log:
        witnesses.know(log.vkey())
        log.turn()
        keys = [parse_witness(one.vkey) for one in witnesses.witnesses]
        forged = {
            key.name: SignatureLine(
                name=key.name, key_id=key.key_id, signature=(2**30).to_bytes(8, "big") + bytes(64)
            ).print()
            for key in keys
        }
        with submitting(log, witnesses.text()) as ports:
            lying = replace(
                ports, reach=lambda one: _Scripted(Reply(200, forged[one.key.name].encode()))
            )

            done = submitted(log, lying)

        assert [(OK, None)] * 2 == [(asked.status, asked.cosignature) for asked in done.asked]
        assert done.quorum_at is None
        assert [] == run_sql(log.url, "SELECT witness FROM cosignature")
