"""Take a file that is sent whole.

In:  the bytes as sent, packed or not, and who signed them.
Out: a small file is finished at once, with its receipt; a larger one is kept, sealed, and worked
     off after the answer. The same id and file again: the file as it stands, and nothing changes.
Order: quota; header; the file known under the id; frame; then work or keep.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from exchange.domain.batches import BatchHeader, Packing, packing_of, peek_header
from exchange.domain.ids import parse
from exchange.domain.queries import Asker
from exchange.errors import BatchConflict
from exchange.services.batches.check_header import check_header
from exchange.services.batches.count_upload import count_upload
from exchange.services.batches.ports import BatchKey, BatchRow, BatchState, PartKey
from exchange.services.batches.refusals import refusal_of
from exchange.services.batches.run_batch import frame_of, run_framed, sent_digest
from exchange.services.batches.seal_sent import keep_sent, new_part_key
from exchange.services.batches.task import Task
from exchange.services.ports import Ports

_FAULTS_TOLD_MAX = 100  # in the problem document; all of them are in the fault file


class Taken(NamedTuple):
    """A file as it stands after an upload."""

    batch: BatchRow
    replayed: bool  # the same file was sent before


def take_file(content: bytes, caller: Asker, ports: Ports) -> Taken:
    """Take a file.

    Raises:
        TruncatedBatch: the file ends before its trailer.
        InvalidBatch: frame, control totals or the share of faulty rows refuse it.
        TooLarge, WrongMediaType: it is longer than a limit, or of another format.
        ClosedEpoch: the epoch named is not open.
        QuotaError: the member's uploads of this day are spent.
        BatchConflict: the batch id was used before for another file.
        UnavailableError: another upload of the member takes too long.
    """
    count_upload(caller.member, ports)  # First: a file that is refused has cost its reading.
    header = peek_header([content], ports.terms.batches.limits)
    check_header(header, caller.member, ports)
    task = Task(
        key=BatchKey(caller.member, parse("bat", header.batch_id, field="batch_id")),
        signed_by=caller.key,
        received_at=ports.now(),
        sent_bytes=len(content),
        sent=lambda: [content],
        digest=b"",
        tell=lambda *_: None,
    )
    with ports.begin() as work:
        known = work.batches.find(task.key)
    if known:  # A long file that is sent again is not read through: its digest tells it all.
        return as_known(known, replace(task, digest=sent_digest(task, ports)), ports)
    file = frame_of(task, ports)
    task = replace(task, digest=file.digest)
    if not _small(content, ports):
        return _keep(task, header, content, ports)
    with ports.session() as session, session.queue(caller.member):
        ended = run_framed(task, file, session, ports)
    return as_known(ended, task, ports)._replace(replayed=False)


def as_known(known: BatchRow, task: Task, ports: Ports) -> Taken:
    """Answer with a file as it stands.

    Raises:
        BatchConflict: it is another file under the same id.
        ExchangeError: it was rejected; the same refusal again.
    """
    if known.digest != task.digest:
        raise BatchConflict("the batch id was used for another file", field="batch_id")
    if known.state == BatchState.REJECTED:
        with ports.begin() as work:
            raise refusal_of(known, work.batches.faults(task.key, 0, _FAULTS_TOLD_MAX))
    return Taken(batch=known, replayed=True)


def _small(content: bytes, ports: Ports) -> bool:
    """Tell whether a file can be no longer, unpacked, than what is finished within a request."""
    terms = ports.terms.batches
    packed = packing_of(content) is not Packing.PLAIN
    longest = len(content) * (terms.limits.ratio_max if packed else 1)
    return longest <= terms.inline_bytes_max


def _keep(task: Task, header: BatchHeader, content: bytes, ports: Ports) -> Taken:
    """Keep a file for the worker: it is queued by the commit that keeps it."""
    data_key = new_part_key(task.key, ports)
    row = task.row()._replace(sequence=header.sequence, kind=header.kind.value)
    with ports.begin() as work:
        added = work.batches.add(
            task.key.member, row, PartKey(kek_id=data_key.kek_id, wrapped=data_key.wrapped)
        )
        if added:
            keep_sent(task.key, data_key, 0, content, work)
            work.commit()
        else:
            row = work.batches.find(task.key) or row
    return as_known(row, task, ports)._replace(replayed=not added)
