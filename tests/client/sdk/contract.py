"""What the SDK relies on, of the fake exchange and of the real one: the ground the tests stand on.

Each test takes borrowers and members of its own, so that they may share one exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Protocol

import pytest

from exchange_client import Exchange, Identifier, KeyFile, Pins, Refused
from exchange_client.answers import Answer
from exchange_client.keys import Algorithm
from tests.client.sdk.samples import PURPOSE, borrower, grant_for, row

_members = count(1)
_borrowers = count(1)


class House(Protocol):
    """An exchange under test."""

    @property
    def pins(self) -> Pins:
        """What members pin of it."""
        ...

    def enrol(self, member: str, algorithm: Algorithm) -> KeyFile:
        """Enrol a lender and return its key."""
        ...

    def exchange(self, key: KeyFile) -> Exchange:
        """Open the SDK for a member."""
        ...

    def sequence(self) -> None:
        """Give every leaf its place in the log."""
        ...

    def hold_log(self) -> None:
        """Leave new leaves without a place until `sequence`."""
        ...

    def work_off(self) -> None:
        """Let a worker end the files that wait."""
        ...

    def watch(self) -> None:
        """Let a worker look again for watches."""
        ...

    def publish(self) -> None:
        """Publish the status lists that are due."""
        ...


class Desk:
    """One lender of a test, newly enrolled."""

    def __init__(self, house: House, algorithm: Algorithm = Algorithm.ED25519) -> None:
        self.name = f"lender-{next(_members):04d}"
        self.key = house.enrol(self.name, algorithm)
        self.sdk = house.exchange(self.key)

    def grant(self, who: Identifier, purpose: str = PURPOSE) -> str:
        """Register a synthetic consent."""
        return grant_for(self.sdk, self.key, who, purpose)

    def report(self, who: Identifier, days_late: int = 0, **changes: object) -> None:
        """Report one account of a borrower."""
        told = row(who, self.grant(who, "contribute"), days_late, **changes)
        assert self.sdk.upload([told]).whole

    def ask(self, who: Identifier, purpose: str = PURPOSE) -> Answer:
        """Ask with a fresh grant."""
        return self.sdk.query(who, purpose=purpose, grant=self.grant(who, purpose))


@pytest.fixture
def desk(house: House) -> Desk:
    """A lender that asks."""
    return Desk(house)


@pytest.fixture
def other(house: House) -> Desk:
    """A lender that reports."""
    return Desk(house)


@pytest.fixture
def who() -> Identifier:
    """A borrower that nobody has reported yet."""
    return stranger()


def stranger() -> Identifier:
    """Return a borrower that no test has used yet."""
    return borrower(next(_borrowers))


def refused(code: str, status: int, act: Callable[[], object]) -> None:
    """Hold that an act is refused under this code."""
    with pytest.raises(Refused) as error:
        act()
    assert (code, status) == (error.value.code, error.value.status)
