"""Work off one file: framed, judged, merged; stored whole or not at all.

In:  what was sent, readable as often as needed; a session of its own.
Out: how the file ended: DONE, DRY_RUN_DONE or, for its rows, REJECTED.
Order: the frame; every row judged and staged, without locks; then in one transaction the member's
upload lock, the claim of the id, the grants, the versions, leaf, receipt and faults. Whatever ends
it before that commit leaves nothing; whoever tries again begins at the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator

from exchange.domain.batches import FileFrame, FileReader, digest_of, packing_of, read_frame, unpack
from exchange.domain.ids import parse
from exchange.domain.records import today_in
from exchange.domain.rows import Submission
from exchange.errors import BatchConflict, InvalidBatch, UnavailableError
from exchange.services.batches.check_header import check_header
from exchange.services.batches.check_rows import check_rows
from exchange.services.batches.merge_rows import Staged, merge_rows
from exchange.services.batches.ports import BatchRow, BatchState
from exchange.services.batches.task import Task
from exchange.services.ports import Ports, Session
from exchange.services.records.judge_grants import judge_later
from exchange.services.records.judge_rows import Frame
from exchange.services.records.take_row import templates

_CHECKS_MAX = 3  # an account may move on while the file is checked
_KEPT_BYTES_MAX = 64 << 20  # of rows that need not be fetched, opened and cut into lines again


def run_batch(task: Task, session: Session, ports: Ports) -> BatchRow:
    """Work off a file that nobody has looked at yet.

    Raises:
        TruncatedBatch, InvalidBatch, TooLarge, WrongMediaType: the file is refused as a whole.
        ClosedEpoch: the epoch named is not open.
        BatchConflict: it is not the file that its sender announced.
        UnavailableError: accounts kept moving; nothing was stored.
    """
    file = frame_of(task, ports, _KEPT_BYTES_MAX)
    if task.digest != file.digest:
        raise BatchConflict("the file is not the one that was announced", field="sha256")
    return run_framed(task, file, session, ports)


def frame_of(task: Task, ports: Ports, kept_bytes_max: int = 0) -> FileFrame:
    """Read the frame of a file and hold its header against the upload.

    Args:
        kept_bytes_max: keep the rows, if all together have no more bytes.

    Raises:
        TruncatedBatch, InvalidBatch, TooLarge, WrongMediaType: the file is refused as a whole.
        ClosedEpoch: the epoch named is not open.
    """
    file = read_frame(_unpacked(task, ports), ports.terms.batches.limits, kept_bytes_max)
    if parse("bat", file.header.batch_id, field="batch_id") != task.key.batch_id:
        raise InvalidBatch("must be the batch of the upload", field="batch_id")
    check_header(file.header, task.key.member, ports)
    return file


def sent_digest(task: Task, ports: Ports) -> bytes:
    """Return the digest by which a file that was sent is known.

    Raises:
        TruncatedBatch, TooLarge, WrongMediaType: what is packed cannot be unpacked.
    """
    return digest_of(_unpacked(task, ports))


def run_framed(task: Task, file: FileFrame, session: Session, ports: Ports) -> BatchRow:
    """Work off a file whose frame stands.

    Raises:
        InvalidBatch: a line is none, or rows and trailer do not add up to the same.
        UnavailableError: accounts kept moving; nothing was stored.
    """
    for _ in range(_CHECKS_MAX):
        task.tell(BatchState.CHECKING, file.rows, 0)
        judged_in = _judged_in(task, file, session, ports)
        checked = check_rows(
            file.kept or FileReader(_unpacked(task, ports), ports.terms.batches.limits).blocks(),
            (file, judged_in),
            session,
            ports,
            lambda done: task.tell(BatchState.CHECKING, file.rows, done),
        )
        task.tell(BatchState.MERGING, file.rows, file.rows)
        staged = Staged(task=task, file=file, submission=judged_in.submission, checked=checked)
        if merged := merge_rows(staged, session, ports):
            return merged
    raise UnavailableError("accounts of the file keep changing")


def _unpacked(task: Task, ports: Ports) -> Iterator[bytes]:
    sent = iter(task.sent())
    first = next(sent, b"")

    def slices() -> Iterator[bytes]:
        yield first
        yield from sent

    return unpack(slices(), packing_of(first), ports.terms.batches.limits)


def _judged_in(task: Task, file: FileFrame, session: Session, ports: Ports) -> Frame:
    header = file.header
    with session.begin() as work:
        member = work.members.find(task.key.member)
        registered = templates(work, ports)
    zone = member.zone if member else ports.terms.profile.timezone
    return Frame(
        epoch=header.epoch,
        submission=Submission(
            member=task.key.member,
            today=today_in(zone, task.received_at),
            submitted_at=task.received_at,
            as_of_from=header.as_of_from,
            as_of_to=header.as_of_to,
            sequence=header.sequence,
            profile=ports.terms.profile,
            templates=registered,
        ),
        judge_grants=judge_later,
    )
