"""The fake exchange and the real one keep the same contract with the SDK."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.app.outward import watch_ports
from exchange.domain.members import Algorithm as MemberAlgorithm
from exchange.domain.members import NewKey
from exchange.services.batches.work_off import work_off_one
from exchange.services.members.manage_members import add_key
from exchange.services.statuses.publish_lists import publish_lists
from exchange.services.watches.keep_watch import keep_watch
from exchange_client import Exchange, KeyFile, Pins
from exchange_client.keys import Algorithm
from exchange_client.testing import FakeExchange
from tests.client.sdk.asking import AskingContract
from tests.client.sdk.contract import House, desk, other, who
from tests.client.sdk.disputing import DisputeContract
from tests.client.sdk.driving import Drive, driving
from tests.client.sdk.following import FollowingContract
from tests.client.sdk.reporting import GrantContract, ProvingContract, ReportingContract
from tests.client.sdk.watching import WatchContract
from tests.support.sandbox import Sandbox, make_sandbox

__all__ = ["desk", "other", "who"]  # fixtures of the contract


class FakeHouse:
    """The fake, as the contract asks for it."""

    def __init__(self, drive: Drive) -> None:
        self._fake = FakeExchange()
        self._drive = drive

    @property
    def pins(self) -> Pins:
        """What members pin of it."""
        return self._fake.pins

    def enrol(self, member: str, algorithm: Algorithm) -> KeyFile:
        """Enrol a lender."""
        return self._fake.key(member, algorithm)

    def exchange(self, key: KeyFile) -> Exchange:
        """Open the SDK."""
        return self._drive(key, self._fake.pins, self._fake.transport)

    def sequence(self) -> None:
        """Give every leaf its place."""
        self._fake.release_log()

    def hold_log(self) -> None:
        """Leave new leaves without a place."""
        self._fake.hold_log()

    def work_off(self) -> None:
        """Nothing to do: the fake ends a file with its last byte."""

    def watch(self) -> None:
        """Nothing to do: the fake looks when a feed is read."""

    def publish(self) -> None:
        """Nothing to do: the fake makes its list when it is asked for."""


class RealHouse:
    """The real application on a real database, as the contract asks for it."""

    def __init__(self, sandbox: Sandbox, drive: Drive) -> None:
        self._sandbox = sandbox
        self._drive = drive
        self.pins = sandbox.pins()

    def enrol(self, member: str, algorithm: Algorithm) -> KeyFile:
        """Enrol a lender; the sandbox makes Ed25519 keys, any other is added beside it."""
        key = self._sandbox.enrol(member)
        if algorithm is Algorithm.ED25519:
            return key
        key = KeyFile.generate(member, "k2", algorithm=algorithm)
        new = NewKey(
            key="k2",
            algorithm=MemberAlgorithm(algorithm.value),
            public_key=key.public_key,
            not_before=0,
            not_after=2**40,
        )
        add_key(member, new, self._sandbox.ports)
        return key

    def exchange(self, key: KeyFile) -> Exchange:
        """Open the SDK."""
        return self._drive(key, self.pins, self._sandbox.transport())

    def sequence(self) -> None:
        """Give every leaf its place."""
        self._sandbox.sequence()

    def hold_log(self) -> None:
        """Nothing to do: here leaves wait until `sequence` is called."""

    def work_off(self) -> None:
        """Work in this process."""
        with self._sandbox.ports.session() as session:
            while work_off_one(session, self._sandbox.ports):
                pass

    def watch(self) -> None:
        """Look in this process."""
        self._sandbox.sequence()
        keep_watch(watch_ports(self._sandbox.settings, self._sandbox.ports))

    def publish(self) -> None:
        """Publish in this process, as if the list had waited its ten minutes."""
        with self._sandbox.ports.begin() as work:
            work.statuses.publish(1, "", 0)
            work.commit()
        publish_lists(self._sandbox.ports)


class _Fake:
    @pytest.fixture(scope="class", params=["waiting", "asyncio"])
    @classmethod
    def house(cls, request: pytest.FixtureRequest) -> Iterator[House]:
        """A fake exchange, asked by either client."""
        with driving(request.param) as drive:
            yield FakeHouse(drive)


class _Real:
    @pytest.fixture(scope="class")
    @classmethod
    def sandbox(
        cls, shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Sandbox]:
        """The real application on a database."""
        folder: Path = tmp_path_factory.mktemp("contract")
        made = make_sandbox(shared_database_url, folder)
        yield made
        made.close()

    @pytest.fixture(scope="class", params=["waiting", "asyncio"])
    @classmethod
    def house(cls, sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[House]:
        """The real exchange, asked by either client."""
        with driving(request.param) as drive:
            yield RealHouse(sandbox, drive)


class TestFakeAsking(_Fake, AskingContract):
    """Questions to the fake."""


class TestFakeReporting(_Fake, ReportingContract):
    """Records to the fake."""


class TestFakeGrants(_Fake, GrantContract):
    """Grants at the fake."""


class TestFakeProving(_Fake, ProvingContract):
    """Proofs of the fake."""


class TestFakeStanding(_Fake, DisputeContract, FollowingContract, WatchContract):
    """Disputes, payments and events of the fake."""


class TestRealExchange(
    _Real,
    AskingContract,
    ReportingContract,
    GrantContract,
    ProvingContract,
    DisputeContract,
    FollowingContract,
    WatchContract,
):
    """All of it at the real exchange."""
