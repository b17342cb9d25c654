"""The exchange that most tests of the HTTP side want."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members; a file that needs other settings makes its own."""
    made = make_sandbox(database_url, tmp_path)
    yield made
    made.close()
