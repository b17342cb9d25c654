"""Show a member what became of one of its batches."""

from __future__ import annotations

from uuid import UUID

from exchange.domain.queries import Asker
from exchange.domain.rows import RowFault
from exchange.errors import AbsentError
from exchange.services.ports import Ports
from exchange.services.records.ports import BatchRow


def find_batch(batch_id: UUID, caller: Asker, ports: Ports) -> BatchRow:
    """Find a batch of the caller.

    Raises:
        AbsentError: there is none, or it is not the caller's.
    """
    with ports.begin() as work:
        stored = work.records.find_batch(caller.member, batch_id)
    if stored is None:
        raise AbsentError
    return stored


def batch_faults(batch_id: UUID, caller: Asker, ports: Ports) -> list[RowFault]:
    """List the faults of a batch of the caller.

    Raises:
        AbsentError: there is none, or it is not the caller's.
    """
    with ports.begin() as work:
        if work.records.find_batch(caller.member, batch_id) is None:
            raise AbsentError
        return work.records.faults(caller.member, batch_id)
