"""kill -9 at any step of a publisher, a witness or an erasure: what was begun can be finished."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from exchange.app.ports import make_erase_ports
from exchange.domain.log.witnessing import AddCheckpoint
from exchange.domain.merkle import consistency_ranges, leaf_hash, root
from exchange.domain.notes import parse_checkpoint, parse_note
from exchange.errors import AbsentError
from exchange.services.erasure.ports import ErasePorts, ErasingWork, ShredList
from exchange.services.erasure.shred_openings import erase_subject, shred_again
from exchange.services.log.ports import HeldCheckpoint, LogWork
from exchange.services.log.verify_log import verify_log
from exchange.services.log.write_leaves import write_leaves
from exchange.services.witnesses.cosign_checkpoint import CosignPorts, Verdict, cosign_checkpoint
from exchange.services.witnesses.ports import WitnessPort
from exchange.services.witnesses.submit_checkpoint import SubmitPorts, submit_checkpoint
from exchange.settings import Settings
from exchange.store.log.checkpoint_file import WitnessFiles
from exchange_client.notes import open_checkpoint, parse_vkey
from tests.support.access_log import AccessLog, Clock, access_log, query_draft, run_sql
from tests.support.log.cutting import Fuse, Fused, die, killed
from tests.support.log.submitting import submitting
from tests.support.log.witnesses import WitnessSet, witness_set
from tests.support.signed_log import COSIGNED_AT, LOG, ORIGIN, WITNESSES, SignedLog, entries

CASES_MAX = 60


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[WitnessSet]:
    """One witness: the steps of a round are always the same."""
    (tmp_path / "witnesses").mkdir()
    with witness_set(tmp_path / "witnesses", 1) as made:
        yield made


def cases(steps: list[str]) -> list[tuple[int, bool]]:
    """Return each step, before it and after it."""
    assert 0 < len(steps) <= CASES_MAX
    return [(at, after) for at in range(len(steps)) for after in (False, True)]


def fused_round(log: AccessLog, policy: str, fuse: Fuse) -> None:
    """Carry out a round whose every statement, request and commit is behind a fuse."""
    with submitting(log, policy) as ports:

        @contextmanager
        def begin() -> Iterator[LogWork]:
            with ports.log_ports.begin() as work:
                yield Fused(work, fuse)  # type: ignore[misc]  # it passes every name on

        def reach(witness: object) -> WitnessPort:
            return Fused(ports.reach(witness), fuse)  # type: ignore[return-value,arg-type]  # it passes every call on

        log_ports = replace(ports.log_ports, begin=begin)
        submit_checkpoint(log.open(), replace(ports, log_ports=log_ports, reach=reach))


def test_a_publisher_killed_at_any_step_is_made_up_for_by_the_next_round(
    database_url: str, tmp_path: Path, witnesses: WitnessSet
) -> None:
    """A cosignature that was given and not kept must neither be lost for good nor stop the log."""
    clock, whole = Clock(int(time.time())), Fuse()
    with access_log(database_url, tmp_path, clock=clock) as log:
        witnesses.know(log.vkey())
        witnesses.start()
        log.open()
        for _ in range(2):  # The first submission has no proof to fetch tiles for.
            log.write(1)
            log.turn()
            whole = Fuse()
            fused_round(log, witnesses.text(), whole)
        vkey = log.vkey()
    assert {"newest", "add_checkpoint", "add_cosignatures", "publish", "commit"} <= set(whole.steps)

    def publish(fuse: Fuse) -> None:
        with access_log(database_url, tmp_path, clock=clock) as log:
            fused_round(log, witnesses.text(), fuse)

    for at, after in cases(whole.steps):
        with access_log(database_url, tmp_path, clock=clock) as log:
            log.write(1)
            log.turn()

        assert killed(partial(publish, Fuse(at, after, die))), (whole.steps[at], after)

        with (
            access_log(database_url, tmp_path, clock=clock) as log,
            submitting(log, witnesses.text()) as ports,
        ):
            shown(log, ports, vkey, witnesses)
            done = submit_checkpoint(log.open(), ports)
            assert done is not None
            assert done.quorum_at is not None
            assert done.size == shown(log, ports, vkey, witnesses)


def shown(log: AccessLog, ports: SubmitPorts, vkey: str, witnesses: WitnessSet) -> int:
    """Return of what size the checkpoint with a quorum is; its cosignature holds."""
    with ports.log_ports.begin() as work:
        published = work.publication.published(log.open().log_id)
    assert published is not None
    keys = [parse_vkey(one.vkey) for one in witnesses.witnesses]
    opened = open_checkpoint(published.note.encode(), parse_vkey(vkey), keys)
    assert list(opened.cosigned_at) == [key.name for key in keys]
    assert opened.head.size == published.size
    return published.size


TRUE = SignedLog(entries=entries(9))
LIE = SignedLog(entries=[*entries(5), *entries(4, label="lie")])


def asking(log: SignedLog, old: int, size: int) -> bytes:
    hashes = [leaf_hash(entry) for entry in log.entries]
    path = tuple(root(hashes[first:end]) for first, end in consistency_ranges(old, size))
    return AddCheckpoint(old_size=old, path=path, checkpoint=log.checkpoint(size)).print()


def witness(directory: Path, fuse: Fuse) -> CosignPorts:
    """A witness whose signing and keeping, down to the flush to disk, is behind a fuse."""
    files = WitnessFiles(directory)

    @contextmanager
    def hold(origin: str) -> Iterator[HeldCheckpoint]:
        with files.hold(origin) as held:
            yield Fused(held, fuse)  # type: ignore[misc]  # it passes every name on

    def sign(message: bytes) -> bytes:
        signature = fuse.step("sign", lambda: WITNESSES[0].private.sign(message))
        assert isinstance(signature, bytes)
        return signature

    return CosignPorts(
        now=lambda: COSIGNED_AT,
        logs={ORIGIN: (LOG.key,)},
        key=WITNESSES[0].key,
        sign=sign,
        hold=hold,
    )


def flushing(fuse: Fuse, real: Callable[[int], None] = os.fsync) -> None:
    """Put every flush to disk of this process behind the fuse."""
    os.fsync = lambda descriptor: fuse.step("fsync", lambda: real(descriptor))  # type: ignore[assignment,arg-type]  # it passes the call on


WITNESS_STEPS = ["sign", "replace", "fsync", "fsync"]  # of the file, and of its folder


def test_a_witness_killed_at_any_step_has_kept_whatever_it_gave_away(tmp_path: Path) -> None:
    """A witness that forgets what it cosigned cosigns the fork as well."""

    def cosign(directory: Path, fuse: Fuse) -> None:
        flushing(fuse)
        judged = cosign_checkpoint(asking(TRUE, 5, 9), witness(directory, fuse))
        (directory / "given").write_text(judged.line)

    for at, after in cases(WITNESS_STEPS):
        directory = tmp_path / f"{at}-{after}"
        directory.mkdir()
        first = cosign_checkpoint(asking(TRUE, 0, 5), witness(directory, Fuse()))
        assert first.verdict is Verdict.COSIGNED

        assert killed(partial(cosign, directory, Fuse(at, after, die))), (at, after)

        assert not (directory / "given").exists()  # Nothing was given away before the last step.
        with WitnessFiles(directory).hold(ORIGIN) as held:
            size = parse_checkpoint(parse_note(held.note).text).head.size
        assert size in (5, 9)  # Whole, the one or the other.
        now = witness(directory, Fuse())
        again = cosign_checkpoint(asking(TRUE, size, 9), now)
        assert again.verdict is Verdict.COSIGNED
        assert Verdict.OTHER_SIZE is cosign_checkpoint(asking(LIE, 5, 9), now).verdict
        assert Verdict.OTHER_ROOT is cosign_checkpoint(asking(LIE, 9, 9), now).verdict
    whole = Fuse()
    directory = tmp_path / "whole"
    directory.mkdir()
    cosign_checkpoint(asking(TRUE, 0, 5), witness(directory, Fuse()))
    assert not killed(partial(cosign, directory, whole))
    assert (directory / "given").read_text()


def erasing(log: AccessLog, directory: Path, fuse: Fuse) -> ErasePorts:
    """What erasing may touch, every statement, commit and line of the list behind a fuse."""
    settings = Settings.model_validate({"database_url": log.url, "data_dir": directory})
    ports = make_erase_ports(settings, log.ports, log.database)

    @contextmanager
    def begin() -> Iterator[ErasingWork]:
        with ports.begin() as work:
            yield Fused(work, fuse)  # type: ignore[misc]  # it passes every name on

    shredded: ShredList = Fused(ports.shredded, fuse)  # type: ignore[assignment]  # as above
    return replace(ports, begin=begin, shredded=shredded)


def test_an_erasure_killed_at_any_step_is_finished_once_by_the_start_or_the_same_order(
    database_url: str, tmp_path: Path
) -> None:
    """Half an erasure would be a leaf that lies, or a key that nobody finds again."""
    clock = Clock(int(time.time()))

    def subject(number: int) -> str:
        return f"p:{number:032x}"

    def erase(number: int, fuse: Fuse) -> None:
        with access_log(database_url, tmp_path, clock=clock) as log:
            erase_subject(subject(number), "PIPL art. 47", "case-1", erasing(log, tmp_path, fuse))

    with access_log(database_url, tmp_path, clock=clock) as log:
        log.open()
        drafts = [query_draft("member-a", subject(n)) for n in range(CASES_MAX)]
        with log.ports.begin() as work:
            write_leaves(work, drafts, log.ports, log.clock.now)
            work.commit()
        log.turn()
    whole = Fuse()
    erase(0, whole)
    assert {"keys_of_subject", "indices", "add", "shred", "commit"} <= set(whole.steps)
    for number, (at, after) in enumerate(cases(whole.steps), 1):
        assert killed(partial(erase, number, Fuse(at, after, die))), (whole.steps[at], after)

        with access_log(database_url, tmp_path, clock=clock) as log:
            ports = erasing(log, tmp_path, Fuse())
            log.turn()
            shred_again(ports)  # As a sequencer does before its first turn.
            with suppress(AbsentError):  # It is done.
                erase_subject(subject(number), "PIPL art. 47", "case-1", ports)

            of = f"starts_with(key_id, '{subject(number)}')"
            assert [] == run_sql(database_url, f"SELECT 1 FROM opening_key WHERE {of}")
            assert [] == run_sql(database_url, f"SELECT 1 FROM opening WHERE {of}")
            assert number + 1 == len(ports.shredded.all())
            leaves = "SELECT count(*) FROM log_search WHERE kind = 'erasure'"
            assert [(number + 1,)] == run_sql(database_url, leaves), (whole.steps[at], after)
    with access_log(database_url, tmp_path, clock=clock) as log:
        log.turn()
        assert 1 + CASES_MAX + number + 1 == verify_log(log.open(), log.sequencer)
