"""Take one part of a file that is sent in parts.

In:  which file (its id, length and digest), where the part begins, its bytes.
Out: the file as it stands: RECEIVING, or with the last part QUEUED. Parts come in order, and a part
     that begins elsewhere is told where to begin; so whoever lost the connection asks, and goes on.
A file that the exchange knows already is answered as it stands, whichever part is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from exchange.domain.batches import peek_header
from exchange.domain.ids import parse
from exchange.domain.queries import Asker
from exchange.errors import (
    BatchConflict,
    BatchOffset,
    InvalidBatch,
    InvalidField,
    QuotaError,
    TooLarge,
)
from exchange.services.batches.check_header import check_header
from exchange.services.batches.count_upload import count_upload
from exchange.services.batches.ports import BatchKey, BatchRow, BatchState, PartKey
from exchange.services.batches.seal_sent import keep_sent, new_part_key, open_part_key
from exchange.services.batches.take_file import Taken, as_known
from exchange.services.batches.task import Task
from exchange.services.ports import Ports, Work

_RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Where a part belongs."""

    batch_id: UUID
    offset: int  # bytes of the file before it, as sent
    total: int  # bytes of the whole file, as sent
    digest: bytes  # SHA-256 of the whole file, unpacked


def take_part(part: Part, content: bytes, caller: Asker, ports: Ports) -> Taken:
    """Take a part.

    Raises:
        BatchOffset: the file goes on elsewhere; the message names where.
        BatchConflict: the id stands for another file.
        TooLarge: the part or the file is longer than its limit.
        InvalidField: the part is empty, or reaches beyond the end.
        InvalidBatch, TruncatedBatch, WrongMediaType: the first part does not begin a file.
        QuotaError: the uploads of this day are spent, or too many are unfinished.
    """
    _check_part(part, content, ports)
    task = _task(part, caller, ports)
    with ports.begin() as work:
        known = work.batches.find(task.key)
    if known is None:
        if part.offset:
            raise BatchOffset("an upload begins at 0", field="offset")
        known = _begin(task, content, ports)
    if known.state != BatchState.RECEIVING:
        return _as_it_stands(known, task, ports)
    return _go_on(task.key, known, part, content, ports)


def _check_part(part: Part, content: bytes, ports: Ports) -> None:
    terms = ports.terms.batches
    if len(content) > terms.part_bytes_max:
        raise TooLarge(f"a part may have at most {terms.part_bytes_max} bytes")
    if part.total > terms.limits.bytes_max:
        raise TooLarge(f"a file may have at most {terms.limits.bytes_max} bytes")
    if not content or part.offset + len(content) > part.total:
        raise InvalidField("must leave room for a part of 1 byte or more", field="offset")


def _as_it_stands(known: BatchRow, task: Task, ports: Ports) -> Taken:
    if known.state == BatchState.EXPIRED:
        raise BatchConflict("the upload has expired; send it under a new id", field="batch")
    return as_known(known, task, ports)


def _task(part: Part, caller: Asker, ports: Ports) -> Task:
    return Task(
        key=BatchKey(caller.member, part.batch_id),
        signed_by=caller.key,
        received_at=ports.now(),
        sent_bytes=part.total,
        sent=list,
        digest=part.digest,
        tell=lambda *_: None,
    )


def _begin(task: Task, content: bytes, ports: Ports) -> BatchRow:
    """Open the upload; whoever opened it meanwhile is joined."""
    member = task.key.member
    count_upload(member, ports)
    header = peek_header([content], ports.terms.batches.limits)
    check_header(header, member, ports)
    if parse("bat", header.batch_id, field="batch_id") != task.key.batch_id:
        raise InvalidBatch("must be the batch of the upload", field="batch_id")
    data_key = new_part_key(task.key, ports)
    row = task.row()._replace(
        state=BatchState.RECEIVING.value,
        sequence=header.sequence,
        kind=header.kind.value,
        received_bytes=0,
    )
    with ports.begin() as work:
        if work.batches.receiving(member) >= ports.terms.batches.receiving_max:
            raise QuotaError(
                "too many unfinished uploads; end one, or let it expire",
                retry_after_seconds=_RETRY_SECONDS,
            )
        if not work.batches.add(member, row, PartKey(data_key.kek_id, data_key.wrapped)):
            return work.batches.find(task.key) or row  # Perhaps of another file.
        work.commit()
    return row


def _go_on(key: BatchKey, known: BatchRow, part: Part, content: bytes, ports: Ports) -> Taken:
    if (known.digest, known.total_bytes) != (part.digest, part.total):
        raise BatchConflict("the batch id was used for another file", field="batch")
    if known.received_bytes != part.offset:
        raise BatchOffset(f"the upload goes on at {known.received_bytes}", field="offset")
    after = part.offset + len(content)
    state = BatchState.QUEUED if after == part.total else BatchState.RECEIVING
    with ports.begin() as work:
        # The move locks the row: of two senders of one part, one finds it moved.
        if not work.batches.received(key, before=part.offset, after=after, state=state):
            raise BatchOffset("the upload has gone on meanwhile", field="offset")
        _keep(key, part.offset, content, work, ports)
        work.commit()
    return Taken(batch=known._replace(received_bytes=after, state=state.value), replayed=False)


def _keep(key: BatchKey, offset: int, content: bytes, work: Work, ports: Ports) -> None:
    data_key = open_part_key(key, work.batches.part_key(key), ports)
    keep_sent(key, data_key, offset, content, work)
