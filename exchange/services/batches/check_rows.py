"""Judge every row of a file and stage it: nothing is stored yet, and nothing is locked.

In:  the bytes of the file, block by block; the session that stages.
Out: what the rows came to. Staged: each readable row with its sealed version, and every fault.
One block is in memory at a time, whatever the length of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from exchange.domain.batches import (
    Dialect,
    FileFrame,
    FileReader,
    Totals,
    json_lines,
    read_rows,
)
from exchange.domain.rows import Deletion, Flaw, OneAmount, Reason, Row, RowFault, row_faults
from exchange.services.batches.ports import Action, Session, StagedRow
from exchange.services.ports import Ports
from exchange.services.records.append_versions import seal_version
from exchange.services.records.judge_rows import Change, Frame, Verdict, judge_rows
from exchange.services.records.ports import NewVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the rows of a file came to, beside what is staged."""

    unreadable: int  # rows refused for their form: they are not staged
    whole_totals: bool


def check_rows(
    content: Iterable[bytes],
    frames: tuple[FileFrame, Frame],
    session: Session,
    ports: Ports,
    tell: Callable[[int], None],
) -> Checked:
    """Judge and stage the rows of a file.

    Args:
        content: the file, unpacked.
        frames: that of the file, and that in which its rows are judged.
        tell: told how many rows are done.

    Raises:
        InvalidBatch: a line is none.
        ControlTotal: rows and trailer do not add up to the same.
    """
    file, judged_in = frames
    with session.begin() as work:
        work.staging.reset()
        work.commit()
    totals, one_amount = Totals(), OneAmount()
    unreadable = done = 0
    for lines, first in _blocks(content, file.dialect, ports):
        rows = read_rows(lines, first)
        totals.add(lines, rows)
        with session.begin() as work:
            verdicts = judge_rows(rows, judged_in, work, ports)
            work.staging.stage(_staged(verdicts, judged_in.submission.member, ports))
            work.staging.add_faults(_faults(verdicts))
            work.commit()
        unreadable += sum(each.row is None for each in verdicts)
        one_amount.add([(each.line, each.row) for each in verdicts])
        done += len(rows)
        tell(done)
    totals.check(file.trailer)
    with session.begin() as work:
        work.staging.add_faults(_warning(one_amount.line(file.rows)))
        work.staging.refuse_duplicates()
        work.commit()
    return Checked(unreadable=unreadable, whole_totals=totals.whole)


def _blocks(
    content: Iterable[bytes], dialect: Dialect, ports: Ports
) -> Iterator[tuple[Sequence[bytes], int]]:
    for block in FileReader(content, ports.terms.batches.limits).blocks():
        yield json_lines(block, dialect), block.first


def _faults(verdicts: Sequence[Verdict]) -> list[RowFault]:
    return [fault for each in verdicts if each.flaws for fault in row_faults(each.line, each.flaws)]


def _warning(line: int | None) -> list[RowFault]:
    return [] if line is None else row_faults(line, [Flaw("overdue_minor", "plaus.one_amount")])


def _staged(verdicts: Sequence[Verdict], member: str, ports: Ports) -> Iterator[StagedRow]:
    for each in verdicts:
        if each.row is None:
            continue
        if each.change:
            yield _to_store(each, each.change, seal_version(each.change, member, ports))
        else:
            yield _noted(each)


def _to_store(verdict: Verdict, change: Change, version: NewVersion) -> StagedRow:
    left_ref, left = change.leaves or (None, None)
    more: list[bytes | None] = [*version.indices[1:], None, None]
    # By position, in the order of its fields: names cost more than the rest of it.
    return StagedRow(
        verdict.line,
        Action.STORE,
        bool(verdict.flaws),
        change.row.reason is Reason.AMEND,
        isinstance(change.row, Deletion),
        version.account_ref,
        version.previous_ref,
        left_ref,
        left.record_id if left else None,
        left.version if left else None,
        version.record_id,
        version.version,
        version.epoch,
        version.indices[0],
        more[0],
        more[1],
        version.grant_id,
        version.open,
        version.overdue,
        version.suppressed,
        version.purge_on,
        version.kek_id,
        version.wrapped,
        version.sealed,
    )


def _noted(verdict: Verdict) -> StagedRow:
    """Stage a row that stores nothing: its account is spoken of all the same."""
    row, known = verdict.row, verdict.unchanged
    if verdict.refused or row is None:
        action = Action.REFUSE
    else:
        action = Action.CONFIRM if known else Action.PASS_OVER
    return StagedRow(
        verdict.line,
        action,
        bool(verdict.flaws) and not verdict.refused,
        False,
        False,
        row.account_ref if row else "",
        row.previous_ref if isinstance(row, Row) else None,
        *(None, None, None),
        known.record_id if known else None,
        known.version if known else None,
        *(None,) * 12,
    )
