"""Judge every row of a file and stage it: nothing is stored yet, and nothing is locked.

In:  the rows of the file, block by block; the session that stages.
Out: what the rows came to. Staged: each readable row with its sealed version, and every fault.
A block is judged and sent part by part: PostgreSQL takes one in while the next is judged and
sealed, and what a part needs stays in the processor's cache. What is made of one block is in
memory at a time, whatever the length of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from exchange.domain.batches import (
    Dialect,
    FileFrame,
    ReadBlock,
    RowBlock,
    Totals,
    json_lines,
    read_rows,
)
from exchange.domain.rows import (
    AnyRow,
    Flaw,
    OneAmount,
    Reason,
    Row,
    RowFault,
    row_faults,
)
from exchange.services.batches.ports import Action, StagedNote, StagedRow, StagedVersion
from exchange.services.ports import Ports, Session
from exchange.services.records.append_versions import seal_versions
from exchange.services.records.judge_rows import Frame, judge_rows
from exchange.services.records.ports import NewVersion, StagedTransfer, TransferRow
from exchange.services.records.verdicts import Change, Verdict

_PART_ROWS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the rows of a file came to, beside what is staged."""

    unreadable: int  # rows refused for their form: they are not staged
    whole_totals: bool


def check_rows(
    blocks: Iterable[RowBlock],
    frames: tuple[FileFrame, Frame],
    session: Session,
    ports: Ports,
    tell: Callable[[int], None],
) -> Checked:
    """Judge and stage the rows of a file.

    Args:
        blocks: the rows of the file.
        frames: that of the file, and that in which its rows are judged.
        tell: told how many rows are done.

    Raises:
        InvalidBatch: a line is none.
        ControlTotal: rows and trailer do not add up to the same.
    """
    file, judged_in = frames
    with session.begin() as work:
        work.staging.reset()
        work.transfers.reset()
        work.commit()
    totals, one_amount = Totals(), OneAmount()
    unreadable = done = 0
    for read in _read(blocks, file.dialect, totals):
        block = _Block()
        with session.begin() as work:
            verdicts = judge_rows(read, judged_in, work, ports)
            work.staging.stage(_staged_parts(verdicts, block, judged_in.submission.member, ports))
            work.transfers.stage(block.transfers)
            work.staging.add_faults(block.faults)
            work.commit()
        unreadable += block.unreadable
        one_amount.add(read.first, read.rows)
        done += len(read.rows)
        tell(done)
    totals.check(file.trailer)
    with session.begin() as work:
        work.staging.refuse_duplicates()
        work.transfers.refuse_repeated()
        if line := one_amount.line(file.rows):
            work.staging.warn(row_faults(line, [Flaw("overdue_minor", "plaus.one_amount")])[0])
        work.commit()
    return Checked(unreadable=unreadable, whole_totals=totals.whole)


def _read(blocks: Iterable[RowBlock], dialect: Dialect, totals: Totals) -> Iterator[ReadBlock]:
    """Read the rows block by block, and add up what they say."""
    for block in blocks:
        lines = json_lines(block, dialect)
        read = read_rows(lines, block.first)
        totals.add(lines, read.rows)
        yield read


@dataclass(slots=True)
class _Block:
    """What the verdicts of a block come to beside the rows that are staged."""

    unreadable: int = 0
    faults: list[RowFault] = field(default_factory=list)
    transfers: list[StagedTransfer] = field(default_factory=list)

    def add(self, verdicts: Sequence[Verdict], staged: Sequence[StagedRow]) -> None:
        """Add verdicts, and their rows as they are staged."""
        self.unreadable += len(verdicts) - len(staged)
        self.faults += [
            fault for each in verdicts if each.flaws for fault in row_faults(each.line, each.flaws)
        ]
        self.transfers += _transfers(verdicts, staged)


def _staged_parts(
    verdicts: Iterator[Verdict], block: _Block, member: str, ports: Ports
) -> Iterator[Sequence[StagedRow]]:
    while part := list(islice(verdicts, _PART_ROWS)):
        staged = _staged(part, member, ports)
        block.add(part, staged)
        yield staged


def _staged(verdicts: Sequence[Verdict], member: str, ports: Ports) -> list[StagedRow]:
    changes = [each.change for each in verdicts if each.change]
    versions = iter(seal_versions(changes, member, ports))
    return [
        _to_store(each, each.change, next(versions)) if each.change else _noted(each, each.row)
        for each in verdicts
        if each.row
    ]


def _transfers(verdicts: Sequence[Verdict], staged: Sequence[StagedRow]) -> list[StagedTransfer]:
    """Name the transfers that readable rows speak of, also those that store nothing."""
    found = []
    readable = [each for each in verdicts if each.row]
    for each, row in zip(readable, staged, strict=True):
        moves = each.change.transfers if each.change else ()
        if moves and isinstance(row, StagedVersion):
            place = (row.stored.record_id, row.stored.version)
            found += [StagedTransfer(each.line, keep=True, moved=one.moved(place)) for one in moves]
        elif isinstance(each.row, Row) and each.row.transfer_id:
            named = UUID(each.row.transfer_id).bytes
            moved = TransferRow(named, revision=0, sold=None, bought=None)
            found.append(StagedTransfer(each.line, keep=False, moved=moved))
    return found


def _to_store(verdict: Verdict, change: Change, version: NewVersion) -> StagedVersion:
    left, row = change.leaves, change.row
    # By position, in the order of its fields: names cost more than the rest of it.
    return StagedVersion(
        verdict.line,
        bool(verdict.flaws),
        isinstance(row, Row) and row.reason is Reason.AMEND,
        (left[0], left[1].record_id.bytes, left[1].version) if left else None,
        version,
    )


def _noted(verdict: Verdict, row: AnyRow) -> StagedNote:
    known = verdict.unchanged
    stays = Action.CONFIRM if known else Action.PASS_OVER
    return StagedNote(
        line=verdict.line,
        action=Action.REFUSE if verdict.refused else stays,
        warned=bool(verdict.flaws) and not verdict.refused,
        account_ref=row.account_ref,
        previous_ref=row.previous_ref if isinstance(row, Row) else None,
        record_id=known.record_id.bytes if known else None,
        version=known.version if known else None,
        indices=verdict.indices,
        grant_id=verdict.grant_id,
    )
