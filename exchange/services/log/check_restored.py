"""Refuse to serve from a restored database, whichever process is started first.

Held against the files that are kept outside of the database: a log that is not, or not wholly, the
one that was signed last, or a key that was shredded and is back. The sequencer mends the second and
refuses the first; until it has, nothing else of this database is shown. Source: log.md, 7 and 15.
"""

from __future__ import annotations

from collections.abc import Callable

from exchange.errors import LogRolledBack
from exchange.services.erasure.ports import ErasePorts
from exchange.services.log.guard_log import hold_against
from exchange.services.log.ports import LogPorts


def check_restored(
    outside: Callable[[str], bytes], log_ports: LogPorts, erase_ports: ErasePorts
) -> list[str]:
    """Hold the database against what is kept outside of it.

    Args:
        outside: reads a log's newest signed checkpoint by its origin; b"" if none is there.

    Returns:
        The logs with leaves of which no checkpoint is there: of them nothing is known.

    Raises:
        LogRolledBack: it is older, or another, or brings back what was shredded.
        OSError: what is kept outside is there and cannot be read.
    """
    with log_ports.begin() as work:
        logs = work.tree.open_logs()
    # Before the states: a turn that ends meanwhile is committed first, and written outside then.
    notes = {log: outside(log.origin) for log in logs}
    unseen = []
    with log_ports.begin() as work:
        for log, note in notes.items():
            state = work.tree.state(log.log_id)
            if note:
                hold_against(log, state, note, work.tree, log_ports.ports.keyring)
            elif state.size:
                unseen.append(log.origin)
    shredded = erase_ports.shredded.all()
    with erase_ports.begin() as erasing:
        if shredded and erasing.erasure.keys_listed(shredded):
            raise LogRolledBack("shredded keys are back; start the sequencer first")
    return unseen
