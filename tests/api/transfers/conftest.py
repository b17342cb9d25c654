"""A lender that sells, and one that buys."""

from __future__ import annotations

import pytest

from tests.support.record_desk import RecordDesk
from tests.support.sales import desk_of
from tests.support.sandbox import Sandbox


@pytest.fixture
def seller(sandbox: Sandbox) -> RecordDesk:
    """The desk of the lender that sells."""
    return desk_of(sandbox, "member-a")


@pytest.fixture
def buyer(sandbox: Sandbox) -> RecordDesk:
    """The desk of the lender that buys."""
    return desk_of(sandbox, "member-b")
