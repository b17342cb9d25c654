"""Prove one entry to its subject: the audit slot stays closed, for employees' names are in it."""

from __future__ import annotations

from exchange.domain.leaves import Slot
from exchange.errors import AbsentError
from exchange.services.borrower.own_file import own_file
from exchange.services.borrower.ports import BorrowerPorts
from exchange.services.borrower.statements import PageSession
from exchange.services.log.ports import LogPorts
from exchange.services.log.prove_leaf import Promised, Proven, prove_opened

_OWN_SLOT = frozenset({Slot.SUBJECT})


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
        if not work.files.has_entry(file.opened, leaf_hash):
            raise AbsentError
    return prove_opened(leaf_hash, _OWN_SLOT, LogPorts(ports=ports, begin=borrower.begin_log))
