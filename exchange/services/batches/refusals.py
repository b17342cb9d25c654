"""Keep why a file was refused, and refuse it again in the same way."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.domain.batches import LINE_FAULT
from exchange.domain.rows import RULES, RowFault
from exchange.errors import (
    AbandonedBatch,
    BatchConflict,
    ClosedEpoch,
    ControlTotal,
    ExchangeError,
    Fault,
    FaultShare,
    InvalidBatch,
    TooLarge,
    TruncatedBatch,
    WrongMediaType,
)
from exchange.services.batches.ports import BatchRow, BatchState

# What can be wrong with a file itself: nobody need try it again.
OF_THE_FILE = (
    AbandonedBatch,
    BatchConflict,
    ClosedEpoch,
    ControlTotal,
    FaultShare,
    TruncatedBatch,
    TooLarge,
    WrongMediaType,
    InvalidBatch,
)
_BY_CODE = {error.code: error for error in OF_THE_FILE}


def rejected(batch: BatchRow, error: ExchangeError) -> BatchRow:
    """Return a file that an error has ended."""
    return batch._replace(
        state=BatchState.REJECTED.value,
        refusal=error.code,
        refusal_field=error.faults[0].pointer[1:] if len(error.faults) == 1 else "",
        refusal_detail=str(error),
    )


def refusal_of(batch: BatchRow, faults: Sequence[RowFault]) -> ExchangeError:
    """Return the error that ended a file, with the first faults of its rows."""

    def told_by(fault: RowFault) -> str:
        # Of a line that is none, the file's own detail says more.
        return batch.refusal_detail if fault.code == LINE_FAULT else RULES[fault.code]

    told = tuple(
        Fault(f"/{fault.line - 1}/{fault.field}".rstrip("/"), fault.code, told_by(fault))
        for fault in faults
    )
    error = _BY_CODE.get(batch.refusal, InvalidBatch)
    return error(batch.refusal_detail, field=batch.refusal_field or None, faults=told)
