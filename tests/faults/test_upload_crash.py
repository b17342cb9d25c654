"""Break an upload at every step: its file is stored whole or not at all, and can be sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from exchange.domain.members import Role
from exchange.domain.queries import Asker
from exchange.services.batches.take_file import take_file
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import make_sandbox
from tests.support.stepped import Steps, stepped


class PowerCut(Exception):
    """The process ends here."""


@dataclass(slots=True)
class Fuse(Steps):
    """Blows at one of the steps of an upload: before it is done, or right after."""

    blows_at: int = -1
    after: bool = False

    def step(self, name: str, call: Callable[[], object]) -> object:
        """Do one step, unless it is the one."""
        self.steps.append(name)
        here = len(self.steps) - 1 == self.blows_at
        if here and not self.after:
            raise PowerCut
        result = call()
        if here:
            raise PowerCut
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A lender, its file, and the exchange to break."""

    desk: RecordDesk
    caller: Asker

    def upload(self, content: bytes, fuse: Fuse) -> str:
        """Upload a file; return its receipt."""
        return take_file(content, self.caller, stepped(self.desk.sandbox.ports, fuse)).batch.receipt

    def state(self) -> tuple[object, ...]:
        """Return all that an upload may change."""
        return tuple(
            tuple(self.desk.sql(f"SELECT * FROM {table} ORDER BY 1, 2, 3"))
            for table in (
                "record",
                "account",
                "batch",
                "batch_fault",
                "leaf",
                "opening",
                "transfer",
            )
        )


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Iterator[Bench]:
    """A lender with one account reported, whose next file changes it and adds another."""
    sandbox = make_sandbox(database_url, tmp_path)
    desk = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    desk.uploaded([desk.clean(1, "acc-1", as_of=desk.day(40)), desk.clean(2, "acc-2")])
    desk.contribute(3)
    key = desk.key.keyid.partition("/")[2]
    caller = Asker(member="member-a", key=key, nonce="-", roles=frozenset({Role.CONTRIBUTOR}))
    yield Bench(desk=desk, caller=caller)
    sandbox.close()


def next_file(bench: Bench) -> bytes:
    """Return a file that changes, confirms, adds, takes over and refuses."""
    desk = bench.desk
    rows = [desk.late(1, "acc-1"), desk.clean(2, "acc-2"), desk.clean(3, "acc-3")]
    sale = "019a0000-0000-7000-8000-000000000001"
    taken = desk.late(3, "bought", reason="TRANSFER_IN", transfer_id=sale, history="1N")
    rows.append(taken)
    return desk.file(
        [*rows, *[desk.clean(3, f"x-{n}") for n in range(4)], desk.late(3, "bad", dpd=1)]
    )


STEPS = [
    *("members.count", "commit"),  # the try counts, whatever becomes of it
    *("batches.find", "members.find", "notices.templates", "staging.reset"),
    *("transfers.reset", "commit"),
    *("records.accounts", "transfers.find", "retention.fraud_macs", "staging.stage"),
    *("transfers.stage",),
    *("staging.add_faults", "commit"),
    *("staging.refuse_duplicates", "transfers.refuse_repeated", "commit"),
    *("records.lock_uploads", "batches.find", "grants.last_suppression", "staging.grant_kinds"),
    *("staging.warn_crowded", "staging.counts", "staging.keep_faults", "staging.merge"),
    *("transfers.keep_staged", "watches.touch_staged", "grants.hold_versions", "staging.retire"),
    *("log.find_log", "log.open_subjects", "log.append", "batches.finish"),
    *("grants.suppress_since", "commit"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_upload_broken_at_any_step_is_whole_or_absent(bench: Bench, after: bool) -> None:
    """A lender that lost its connection must never wonder which half arrived."""
    content = next_file(bench)
    nothing = bench.state()

    for at, name in enumerate(STEPS):
        fuse = Fuse(blows_at=at, after=after)
        with pytest.raises(PowerCut):
            bench.upload(content, fuse)
        assert name == fuse.steps[-1]
        stored = after and at == len(STEPS) - 1
        assert stored is (bench.state() != nothing)

    receipt = bench.upload(content, Fuse())
    whole = bench.state()
    assert receipt == bench.upload(content, Fuse())
    assert whole == bench.state()
    assert 2 == bench.desk.leaves("batch")


def test_an_upload_broken_while_its_rows_are_sent_is_absent(bench: Bench) -> None:
    """Rows are judged and sealed while others are under way: what fails there stops them all."""
    real = bench.desk.sandbox.ports
    fuse, content, nothing = Fuse(), next_file(bench), bench.state()

    def cut(_: int) -> bytes:
        raise PowerCut

    with pytest.raises(PowerCut):
        take_file(content, bench.caller, replace(stepped(real, fuse), random_bytes=cut))

    assert "staging.stage" == fuse.steps[-1]
    assert nothing == bench.state()
    assert bench.upload(content, Fuse())


def test_the_steps_of_an_upload_do_not_grow_with_its_rows(bench: Bench) -> None:
    """Each step is a round trip: ten thousand rows must cost no more of them than ten."""
    fuse = Fuse()

    bench.upload(next_file(bench), fuse)

    assert STEPS == fuse.steps
