"""Accounts that move on between the judging of a file and its merge."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest

from exchange.domain.ids import parse
from exchange.services.batches.ports import BatchKey, BatchState
from exchange.services.batches.run_batch import run_batch
from exchange.services.batches.task import Task
from tests.support.record_desk import RecordDesk

Row = dict[str, object]


class Case(NamedTuple):
    """What is stored, what comes in between, what the file tells, and what stands afterwards."""

    before: Callable[[RecordDesk], Row] | None
    between: Callable[[RecordDesk], Row]
    told: Callable[[RecordDesk], Row]
    accounts: list[tuple[str, int]]  # with their versions
    ended: BatchState = BatchState.DONE


CASES = {
    "opened": Case(
        before=None,
        between=lambda desk: desk.clean(as_of=desk.day(1)),
        told=lambda desk: desk.clean(),
        accounts=[("acc-1", 2)],
    ),
    "continued": Case(
        before=lambda desk: desk.clean(as_of=desk.day(2)),
        between=lambda desk: desk.clean(as_of=desk.day(1)),
        told=lambda desk: desk.clean(),
        accounts=[("acc-1", 3)],
    ),
    "confirmed": Case(
        before=lambda desk: desk.clean(as_of=desk.day(1)),
        between=lambda desk: desk.clean(),
        told=lambda desk: desk.clean(as_of=desk.day(1)),
        accounts=[("acc-1", 2)],
        ended=BatchState.REJECTED,  # what it told was superseded
    ),
    "renumbered": Case(
        before=lambda desk: desk.clean(as_of=desk.day(2)),
        between=lambda desk: desk.clean(as_of=desk.day(1)),
        told=lambda desk: desk.clean(1, "new-1", reason="RENUMBER", previous_ref="acc-1"),
        accounts=[("new-1", 3)],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_account_that_moved_on_is_judged_again(desk: RecordDesk, case: Case) -> None:
    """A file must not write over what was told while it was read."""
    if case.before:
        assert 200 == desk.put(case.before(desk)).status_code
    between = [case.between(desk)]
    content = desk.file([case.told(desk)])

    def tell(state: BatchState, _rows: int, _done: int) -> None:
        if state is BatchState.MERGING and between:
            assert 200 == desk.put(between.pop()).status_code

    ended = work_off(desk, content, tell)

    assert case.ended == ended
    assert case.accounts == desk.sql("SELECT account_ref, version FROM account")
    versions = desk.sql("SELECT version, current FROM record ORDER BY version")
    assert [(n, n == len(versions)) for n in range(1, case.accounts[0][1] + 1)] == versions


def work_off(desk: RecordDesk, content: bytes, tell: Callable[[BatchState, int, int], None]) -> str:
    """Work off a file; return how it ended."""
    header = json.loads(content.partition(b"\n")[0])
    task = Task(
        key=BatchKey(desk.member, parse("bat", header["batch_id"], field="batch_id")),
        signed_by="k1",
        received_at=int(time.time()),
        sent_bytes=len(content),
        sent=lambda: [content],
        digest=hashlib.sha256(content).digest(),
        tell=tell,
    )
    with desk.sandbox.ports.session() as session:
        return run_batch(task, session, desk.sandbox.ports).state
