"""How long a file still takes, as far as it can be told."""

from __future__ import annotations

from uuid import UUID

import pytest

from exchange.services.batches.ports import BatchKey, BatchState
from exchange.services.batches.show_batch import seconds_left
from exchange.services.batches.task import Task

TASK = Task(
    key=BatchKey("member-a", UUID(int=1)),
    signed_by="k",
    received_at=900,
    sent_bytes=1,
    sent=lambda: [],
    digest=b"",
    tell=lambda *_: None,
)


@pytest.mark.parametrize(
    ("state", "done", "started_at", "left"),
    [
        (BatchState.CHECKING, 250, 1_000, 60),  # a quarter took 20 seconds
        (BatchState.CHECKING, 999, 1_000, 0),
        (BatchState.CHECKING, 500, 1_020, 1),  # the first second is not over
        (BatchState.CHECKING, 0, 1_000, None),  # nothing is done that one could reckon by
        (BatchState.CHECKING, 250, None, None),
        (BatchState.QUEUED, 250, 1_000, None),
        (BatchState.MERGING, 1_000, 1_000, None),
    ],
)
def test_the_seconds_left_follow_the_rows_done_since_the_newest_try(
    state: BatchState, done: int, started_at: int | None, left: int | None
) -> None:
    """Whoever waits for a file of a million rows needs to know whether to go home."""
    batch = TASK.row()._replace(
        state=state.value, rows=1_000, rows_done=done, started_at=started_at
    )

    assert left == seconds_left(batch, 1_020)
