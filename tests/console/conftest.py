"""What tests of the hosted pages ask for: an exchange, two lenders, a borrower's browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.authenticator import Authenticator
from tests.support.borrower_browser import Browser
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members."""
    made = make_sandbox(database_url, tmp_path, queries_per_subject_day=1_000)
    yield made
    made.close()


@pytest.fixture
def desk(sandbox: Sandbox) -> RecordDesk:
    """The desk of one lender."""
    return RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))


@pytest.fixture
def second(sandbox: Sandbox) -> RecordDesk:
    """The desk of another lender."""
    return RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))


@pytest.fixture
def browser(sandbox: Sandbox) -> Browser:
    """A borrower's browser."""
    return Browser(sandbox=sandbox)


@pytest.fixture
def device() -> Authenticator:
    """The borrower's device."""
    return Authenticator()
