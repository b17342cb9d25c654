"""What the publisher and the sequencer's guard need: the log, its policy, and its witnesses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

from exchange.app.ports import make_ports, open_database, witness_policy
from exchange.app.witness_client import Witnesses
from exchange.errors import UnavailableError
from exchange.services.log.ports import LogPorts, LogRef
from exchange.services.witnesses.guard_witnesses import guard_witnesses
from exchange.services.witnesses.submit_checkpoint import SubmitPorts
from exchange.settings import Settings

_WITNESSES_AT_ONCE = 16


@contextmanager
def open_publishing(settings: Settings) -> Iterator[SubmitPorts]:
    """Open a database and the witnesses for one process."""
    with (
        closing(open_database(settings)) as database,
        closing(Witnesses()) as witnesses,
        ThreadPoolExecutor(_WITNESSES_AT_ONCE) as executor,
    ):
        log_ports = LogPorts(
            ports=make_ports(settings, database),
            begin=database.begin,
            policy=witness_policy(settings),
        )
        yield SubmitPorts(log_ports=log_ports, reach=witnesses, executor=executor)


def excusing(vouch: Callable[[LogRef], None]) -> Callable[[LogRef], None]:
    """Return the same, but for witnesses that do not answer; one that contradicts still stops."""

    def excuse(log: LogRef) -> None:
        with suppress(UnavailableError):
            vouch(log)

    return excuse


def vouching(ports: SubmitPorts) -> Callable[[LogRef], None]:
    """Return what asks the witnesses whether a log may be continued."""

    def vouch(log: LogRef) -> None:
        guard_witnesses(log, ports, ports.log_ports.ports.keyring)

    return vouch
