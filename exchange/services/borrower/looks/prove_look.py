"""Prove one entry to its subject: the audit slot stays closed, for employees' names are in it.

While an embargo stands both are closed: the proof shows that there is an entry, and no more.
"""

from __future__ import annotations

from exchange.errors import AbsentError
from exchange.services.borrower.looks.open_entry import open_entry, own_slots
from exchange.services.borrower.own_file import own_file
from exchange.services.borrower.ports import BorrowerPorts
from exchange.services.borrower.statements import PageSession
from exchange.services.log.ports import LogPorts
from exchange.services.log.prove_leaf import Promised, Proven, prove_opened


def prove_look(
    session: PageSession, leaf_hash: bytes, borrower: BorrowerPorts
) -> Proven | Promised:
    """Return the proof of an entry that the session's passkey opens.

    Raises:
        AbsentError: there is no such entry, or it is not open to this key.
    """
    ports = borrower.ports
    with ports.begin() as work:
        file = own_file(session, work, ports)
        entry = work.files.find_entry(file.opened, leaf_hash)
    if entry is None:
        raise AbsentError
    slots = own_slots(open_entry(entry, ports))
    log_ports = LogPorts(ports=ports, begin=borrower.begin_log, policy=borrower.policy)
    return prove_opened(leaf_hash, slots, log_ports)
