"""An authority, and two lenders that report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.life.consortium_desk import Consortium
from tests.support.record_desk import RecordDesk
from tests.support.regulator import open_regulator


@pytest.fixture
def consortium(database_url: str, tmp_path: Path) -> Iterator[Consortium]:
    """An authority, and two lenders that report."""
    with open_regulator(database_url, tmp_path) as opened:
        second = opened.sandbox.enrol("member-b")
        yield Consortium(
            regulator=opened,
            first=RecordDesk(sandbox=opened.sandbox, key=opened.lender),
            second=RecordDesk(sandbox=opened.sandbox, key=second),
        )
