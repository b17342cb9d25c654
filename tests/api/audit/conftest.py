"""An authority in front of a log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.regulator import Regulator, open_regulator


@pytest.fixture
def regulator(database_url: str, tmp_path: Path) -> Iterator[Regulator]:
    """An authority in front of a log."""
    with open_regulator(database_url, tmp_path) as opened:
        yield opened
