"""Two lenders and an exchange."""

from __future__ import annotations

import pytest

from tests.support.dispute_desk import DisputeDesk
from tests.support.sandbox import Sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> DisputeDesk:
    """The desk of the lender that reports."""
    return DisputeDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))


@pytest.fixture
def other(sandbox: Sandbox) -> DisputeDesk:
    """The desk of the lender that asks."""
    return DisputeDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))
