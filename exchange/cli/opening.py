"""What a command opens: the settings, the keyring and the database, for one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exchange.services.audit.ports import AuditPorts
    from exchange.services.log.ports import LogPorts
    from exchange.services.ports import Ports


@contextmanager
def open_ports() -> Iterator[Ports]:
    """Open the database for one command."""
    from exchange import settings
    from exchange.app.ports import make_ports, open_database

    current = settings.load()
    with closing(open_database(current)) as database:
        yield make_ports(current, database)


@contextmanager
def open_log_ports() -> Iterator[LogPorts]:
    """Open the database for one command that reads the tree as well."""
    from exchange import settings
    from exchange.app.ports import make_ports, open_database
    from exchange.services.log.ports import LogPorts

    current = settings.load()
    with closing(open_database(current)) as database:
        yield LogPorts(ports=make_ports(current, database), begin=database.begin)


@contextmanager
def open_audit_ports() -> Iterator[AuditPorts]:
    """Open the database for one command that reads the log as a regulator does."""
    from exchange import settings
    from exchange.app.ports import make_audit_ports, make_ports, open_database

    current = settings.load()
    with closing(open_database(current)) as database:
        yield make_audit_ports(current, make_ports(current, database), database)
