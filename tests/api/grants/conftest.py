"""What tests of grants ask for: an exchange, and the desk of one lender."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.grant_desk import GrantDesk
from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members."""
    made = make_sandbox(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def desk(sandbox: Sandbox) -> GrantDesk:
    """The desk of one lender."""
    return GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
