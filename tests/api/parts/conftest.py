"""A lender at an exchange that leaves every file to its worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.record_desk import RecordDesk
from tests.support.sandbox import make_sandbox


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[RecordDesk]:
    """A lender at an exchange that finishes nothing within a request."""
    sandbox = make_sandbox(database_url, tmp_path, batch_inline_bytes_max=0, batch_receiving_max=2)
    desk = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    yield desk
    sandbox.close()
