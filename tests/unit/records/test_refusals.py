"""A file that was refused is refused again in the same words, whoever asks and whenever."""

from __future__ import annotations

from uuid import UUID

import pytest

from exchange.domain.rows import RULES, RowFault, Severity
from exchange.errors import ControlTotal, ExchangeError, Fault, FaultShare, InvalidBatch
from exchange.services.batches.ports import BatchRow, BatchState
from exchange.services.batches.refusals import OF_THE_FILE, refusal_of, rejected

QUEUED = BatchRow(
    batch_id=UUID(int=1),
    digest=bytes(32),
    sequence=1,
    state=BatchState.CHECKING.value,
    kind="DELTA",
    rows=1,
    rows_done=0,
    faults=0,
    received_at=0,
    received_bytes=0,
    total_bytes=0,
    started_at=None,
    key="k1",
    leaf_hash=None,
    receipt="",
    refusal="",
    refusal_field="",
    refusal_detail="",
)
TWO = tuple(Fault(f"/{n}", "batch.line", "line") for n in (1, 2))


@pytest.mark.parametrize(
    ("error", "pointers"),
    [
        *((one("why it was"), []) for one in OF_THE_FILE),
        (ControlTotal("differs from the rows", field="sums"), ["/sums"]),
        (InvalidBatch("two lines", faults=TWO), []),  # The fault file names them.
    ],
    ids=repr,
)
def test_a_file_is_refused_again_as_it_was(error: ExchangeError, pointers: list[str]) -> None:
    """A lender that lost the answer must not be sent on another errand by the second one."""
    again = refusal_of(rejected(QUEUED, error), [])

    assert (type(error), str(error)) == (type(again), str(again))
    assert pointers == [fault.pointer for fault in again.faults]


def test_the_faults_of_a_refused_file_say_their_rules() -> None:
    """A code alone sends whoever mends it to a page."""
    refused = rejected(QUEUED, FaultShare("nothing was stored"))
    faults = [
        RowFault(2, "dpd", "row.dpd_mismatch", Severity.REJECT),
        RowFault(3, "", "batch.line", Severity.REJECT),
    ]

    again = refusal_of(refused, faults)

    assert (
        Fault("/1/dpd", "row.dpd_mismatch", RULES["row.dpd_mismatch"]),
        Fault("/2", "batch.line", "nothing was stored"),
    ) == again.faults
