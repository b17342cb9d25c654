"""One lender at an exchange."""

from __future__ import annotations

import pytest

from tests.support.grant_desk import GrantDesk
from tests.support.sandbox import Sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> GrantDesk:
    """The desk of one lender."""
    return GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
