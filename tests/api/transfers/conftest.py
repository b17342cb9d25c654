"""A lender that sells, and one that buys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.record_desk import RecordDesk
from tests.support.sales import desk_of
from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members."""
    made = make_sandbox(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def seller(sandbox: Sandbox) -> RecordDesk:
    """The desk of the lender that sells."""
    return desk_of(sandbox, "member-a")


@pytest.fixture
def buyer(sandbox: Sandbox) -> RecordDesk:
    """The desk of the lender that buys."""
    return desk_of(sandbox, "member-b")
