"""An exchange that two operators run."""

from __future__ import annotations

import pytest

from tests.support.operators import ANNA, BEN, enrol
from tests.support.sandbox import Sandbox


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Sandbox:
    """An exchange without members, and two operators."""
    for one in (ANNA, BEN):
        enrol(sandbox, one)
    return sandbox
