"""Two lenders and an exchange."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dispute_desk import DisputeDesk
from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members."""
    made = make_sandbox(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def desk(sandbox: Sandbox) -> DisputeDesk:
    """The desk of the lender that reports."""
    return DisputeDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))


@pytest.fixture
def other(sandbox: Sandbox) -> DisputeDesk:
    """The desk of the lender that asks."""
    return DisputeDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))
