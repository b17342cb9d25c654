"""Take the next file that waits and work it off: what a worker does again and again.

In:  the files that wait, oldest first; a session that holds the member's turn.
Out: whether a file was worked off. A file that a dead worker left is taken up at once: its turn
     ended with its session.
"""

from __future__ import annotations

from exchange.domain.batches import LINE_FAULT
from exchange.domain.rows import RowFault, Severity
from exchange.errors import AbandonedBatch, ExchangeError
from exchange.services.batches.ports import BatchKey, BatchRow, BatchState
from exchange.services.batches.refusals import OF_THE_FILE, rejected
from exchange.services.batches.run_batch import run_batch
from exchange.services.batches.seal_sent import read_sent
from exchange.services.batches.task import Task
from exchange.services.ports import Ports, Session

_LOOKED_AT_MAX = 100
_STILL_WAITING = frozenset({BatchState.QUEUED, BatchState.CHECKING, BatchState.MERGING})


def work_off_one(session: Session, ports: Ports) -> bool:
    """Work off the oldest file whose member's turn is free; False if there is none.

    Raises:
        UnavailableError: the database gave up; the file stays and is taken up again.
        IntegrityError: something stored of the member does not open.
    """
    with session.begin() as work:
        waiting = work.batches.waiting(_LOOKED_AT_MAX)
    for member in dict.fromkeys(key.member for key in waiting):
        if session.claim(member):
            try:
                return _work_off(
                    next(key for key in waiting if key.member == member), session, ports
                )
            finally:
                session.release(member)
    return False


def expire_uploads(ports: Ports) -> int:
    """Drop uploads that never ended and dry runs that are old; count them."""
    terms, now = ports.terms.batches, ports.now()
    with ports.begin() as work:
        dropped = work.batches.expire(now - terms.unfinished_seconds)
        dropped += work.batches.forget_dry_runs(now - terms.dry_run_seconds)
        work.commit()
    return dropped


def _work_off(key: BatchKey, session: Session, ports: Ports) -> bool:
    with session.begin() as work:
        batch = work.batches.find(key)
        if batch is None or batch.state not in _STILL_WAITING:
            return True  # Whoever had the turn before us has ended it.
        tries = work.batches.start(key, ports.now())
        work.commit()
    try:
        if tries > ports.terms.batches.tries_max:
            raise AbandonedBatch(f"every one of {tries - 1} tries has failed")
        run_batch(_task(key, batch, session, ports), session, ports)
    except OF_THE_FILE as error:
        _reject(key, rejected(batch, error), error, session)
    return True


def _task(key: BatchKey, batch: BatchRow, session: Session, ports: Ports) -> Task:
    told: tuple[BatchState, int] | None = None

    def tell(state: BatchState, rows: int, done: int) -> None:
        nonlocal told
        if told == (state, now := ports.now()):
            return  # Once a second is often enough for whoever watches.
        told = (state, now)
        with session.begin() as work:
            work.batches.progress(key, state, rows=rows, done=done)
            work.commit()

    return Task(
        key=key,
        signed_by=batch.key,
        received_at=batch.received_at,
        sent_bytes=batch.total_bytes,
        sent=read_sent(key, ports),
        digest=batch.digest,
        tell=tell,
    )


def _reject(key: BatchKey, batch: BatchRow, error: ExchangeError, session: Session) -> None:
    faults = [
        RowFault(int(fault.pointer[1:]) + 1, "", LINE_FAULT, Severity.REJECT)
        for fault in error.faults
        if fault.code == LINE_FAULT
    ]
    with session.begin() as work:
        work.staging.reset()
        work.staging.add_faults(faults)
        work.staging.keep_faults(key)
        work.batches.finish(key.member, batch)
        work.commit()
