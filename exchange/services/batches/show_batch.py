"""Show a member what became of one of its files."""

from __future__ import annotations

from uuid import UUID

from exchange.domain.lists.pages import Page, PageAsk, page_of
from exchange.domain.rows import RowFault
from exchange.errors import AbsentError
from exchange.services.batches.ports import BatchKey, BatchRow, BatchState, FaultCount
from exchange.services.ports import Ports, Work


def find_batch(key: BatchKey, ports: Ports) -> BatchRow:
    """Find a file.

    Raises:
        AbsentError: there is no such file of this member.
    """
    with ports.begin() as work:
        return _find(key, work)


def list_batches(member: str, ask: PageAsk, ports: Ports) -> Page[BatchRow]:
    """Return a page of the member's files, the newest first."""
    after = UUID(ask.after) if ask.after else None
    with ports.begin() as work:
        found = work.batches.listed(member, after, ask.fetch)
    return page_of(found, ask, lambda batch: batch.batch_id.hex)


def count_faults(key: BatchKey, ports: Ports) -> list[FaultCount]:
    """Count the faults of a file by code, the most frequent first.

    Raises:
        AbsentError: there is no such file of this member.
    """
    with ports.begin() as work:
        _find(key, work)
        return work.batches.fault_counts(key)


def batch_faults(key: BatchKey, after_line: int, limit: int, ports: Ports) -> list[RowFault]:
    """List faults of whole lines behind a line; fewer than half the limit is the end.

    Raises:
        AbsentError: there is no such file of this member.
    """
    with ports.begin() as work:
        _find(key, work)
        found = work.batches.faults(key, after_line, limit)
    if len(found) == limit:  # The last line may go on: it comes with the next page.
        return [fault for fault in found if fault.line < found[-1].line]
    return found


def batch_absent(key: BatchKey, after_ref: str, limit: int, ports: Ports) -> list[str]:
    """List open accounts that a FULL file did not mention, by their reference.

    Raises:
        AbsentError: there is no such file of this member.
    """
    with ports.begin() as work:
        _find(key, work)
        return work.batches.absent(key, after_ref, limit)


def seconds_left(batch: BatchRow, now: int) -> int | None:
    """Guess how long the rows still take, None where nothing can be told yet."""
    if batch.state != BatchState.CHECKING or not batch.rows_done or batch.started_at is None:
        return None
    spent = max(1, now - batch.started_at)
    return spent * (batch.rows - batch.rows_done) // batch.rows_done


def _find(key: BatchKey, work: Work) -> BatchRow:
    stored = work.batches.find(key)
    if stored is None:
        raise AbsentError
    return stored
