"""Store what is staged of a file, in one transaction: versions, leaf, receipt, faults.

In:  a file whose rows are judged and staged in this session.
Out: its row as its member sees it from now on; None where an account has moved on since the rows
     were judged, and they must be judged again.
Grants are judged here, all of a file's at once, and not held: who withdraws one goes on at once. In
the end, when all else is written, the file makes up for what was suppressed since, as if it had
been stored before that; withdrawals wait for no more than this and the commit.
"""

from __future__ import annotations

from dataclasses import dataclass

from exchange.domain.batches import FileFrame, Kind, Mode
from exchange.domain.rows import LIVE_ACCOUNTS_MAX, Submission
from exchange.errors import FaultShare
from exchange.services.batches.check_rows import Checked
from exchange.services.batches.ports import (
    UNDER_WAY,
    BatchRow,
    BatchState,
    MergeTerms,
    StagedCounts,
)
from exchange.services.batches.sign_batch import BatchTally, sign_batch
from exchange.services.batches.task import Task
from exchange.services.events.tell_askers import note_before, tell_after
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import Ports, Session, Work
from exchange.services.records.judge_grants import refuse_by_grants


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A file that is ready to be stored."""

    task: Task
    file: FileFrame
    submission: Submission
    checked: Checked


def merge_rows(staged: Staged, session: Session, ports: Ports) -> BatchRow | None:
    """Store a file, or that it was rejected for its rows.

    Raises:
        UnavailableError: another upload of the member takes too long.
    """
    key = staged.task.key
    with session.begin() as work:
        work.records.lock_uploads(key.member)
        stored = work.batches.find(key)
        if stored and stored.state not in UNDER_WAY:
            return stored  # Another sender of the same file was faster.
        seen = work.grants.last_suppression(key.member)  # Before any grant is judged.
        refuse_by_grants(staged.submission, work)
        work.staging.warn_crowded(key.member, LIVE_ACCOUNTS_MAX)
        counts = work.staging.counts()
        refused = counts.refused + staged.checked.unreadable
        work.staging.keep_faults(key)
        if _too_faulty(refused, staged.file, ports):
            ended = _rejected(staged, refused)
        elif staged.file.header.dry_run:
            ended = _dry_run(staged, _tally(staged, counts, work), ports)
        elif tally := _store(staged, counts, work, ports):
            ended = _done(staged, tally, work, ports)
        else:
            return None
        work.batches.finish(key.member, ended)
        if ended.state == BatchState.DONE:
            work.grants.suppress_since(key.member, seen)  # Withdrawals wait from here.
        work.commit()  # The leaf is durable before the receipt leaves.
    return ended


def _store(staged: Staged, counts: StagedCounts, work: Work, ports: Ports) -> BatchTally | None:
    """Let the versions take the place of those that they follow; None: judge them again.

    New versions are written first: nobody else sees them. From the first write to one that others
    see, what is withdrawn is withheld from looks until the file has ended.
    """
    member = staged.task.key.member
    if _corrects(counts):  # Before anything is written, so that only the file makes a difference.
        note_before(_name(staged), work, ports)
    if not (work.staging.merge(_terms(staged), counts) and work.transfers.keep_staged()):
        return None
    work.watches.touch_staged(member)
    if counts.later:
        work.grants.hold_versions(member)
        work.staging.retire()
    if _corrects(counts):
        tell_after(_name(staged), work, ports)
    return _tally(staged, counts, work)


def _corrects(counts: StagedCounts) -> bool:
    return counts.amended + counts.deleted > 0


def _name(staged: Staged) -> str:
    return f"{staged.task.key.member} {staged.task.key.batch_id}"


def _too_faulty(refused: int, file: FileFrame, ports: Ports) -> bool:
    if file.header.mode is Mode.ALL_OR_NOTHING:
        return refused > 0
    return refused * 100 > file.rows * ports.terms.batches.fault_share_percent_max


def _tally(staged: Staged, counts: StagedCounts, work: Work) -> BatchTally:
    full = staged.file.header.kind is Kind.FULL
    return BatchTally(
        stored=counts.stored,
        unchanged=counts.unchanged,
        amended=counts.amended,
        deleted=counts.deleted,
        faulted=counts.refused + staged.checked.unreadable,
        warned=counts.warned,
        absent=work.staging.keep_absent(staged.task.key) if full else 0,
        totals="WHOLE" if staged.checked.whole_totals else "COUNT_ONLY",
    )


def _terms(staged: Staged) -> MergeTerms:
    return MergeTerms(
        key=staged.task.key,
        sequence=staged.file.header.sequence,
        submitted_at=staged.task.received_at,
    )


def _done(staged: Staged, tally: BatchTally, work: Work, ports: Ports) -> BatchRow:
    task, file = staged.task, staged.file
    draft = LeafDraft(
        kind="batch",
        member=task.key.member,
        subject_slot={"rows": file.rows, "root": standard_base64(file.rows_root)},
        audit_slot={
            "batch": file.header.batch_id,
            "request_sha256": standard_base64(file.digest),
            "key": f"{task.key.member}/{task.signed_by}",
            "faults": tally.faulted,
        },
    )
    now = ports.now()
    leaf_hash = write_leaves(work, [draft], ports, now)[0].leaf_hash
    receipt = sign_batch(file, tally, leaf_hash, now, ports)
    row = _ended(staged, BatchState.DONE, tally.faulted)
    return row._replace(leaf_hash=leaf_hash, receipt=receipt)


def _dry_run(staged: Staged, tally: BatchTally, ports: Ports) -> BatchRow:
    receipt = sign_batch(staged.file, tally, None, ports.now(), ports)
    return _ended(staged, BatchState.DRY_RUN_DONE, tally.faulted)._replace(receipt=receipt)


def _rejected(staged: Staged, refused: int) -> BatchRow:
    row = _ended(staged, BatchState.REJECTED, refused)
    return row._replace(
        refusal=FaultShare.code, refusal_detail="nothing was stored; the fault file names every row"
    )


def _ended(staged: Staged, state: BatchState, faults: int) -> BatchRow:
    file = staged.file
    return staged.task.row()._replace(
        state=state.value,
        sequence=file.header.sequence,
        kind=file.header.kind.value,
        rows=file.rows,
        rows_done=file.rows,
        faults=faults,
    )
