"""One exchange and one lender for the block about files and rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile.rows.looking import counts
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture(scope="module")
def sandbox(
    shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """One exchange for the whole block."""
    made = make_sandbox(
        shared_database_url,
        tmp_path_factory.mktemp("rows"),
        security_events_per_minute=10_000,  # all of a folder's refusals come from one peer
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def desk(sandbox: Sandbox) -> RecordDesk:
    """The desk of the lender that sends all this."""
    desk = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    desk.contribute(1)
    desk.contribute(2)
    return desk


@pytest.fixture
def untouched(desk: RecordDesk) -> Iterator[None]:
    """Whatever the test sends, nothing of it stays."""
    before = counts(desk)
    yield
    assert before == counts(desk)
