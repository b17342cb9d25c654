"""Refuse to serve from a restored database, whichever process is started first.

Where the files that are kept outside of the database can be read: a log smaller than the checkpoint
that was signed last, or a key that was shredded and is back. The sequencer mends the second and
refuses the first; until it has, nothing else of this database is shown. Source: log.md, 7 and 15.
"""

from __future__ import annotations

from collections.abc import Callable

from exchange.domain.notes import parse_checkpoint, parse_note
from exchange.errors import FormError, LogRolledBack
from exchange.services.erasure.ports import ErasePorts
from exchange.services.log.ports import LogPorts


def check_restored(
    outside: Callable[[str], bytes], log_ports: LogPorts, erase_ports: ErasePorts
) -> None:
    """Hold the database against what is kept outside of it.

    Raises:
        LogRolledBack: it is older, or brings back what was shredded.
    """
    with log_ports.begin() as work:
        logs = work.tree.open_logs()
        sizes = {log.origin: work.tree.state(log.log_id).size for log in logs}
    for origin, size in sizes.items():
        note = outside(origin)
        if note and _size(origin, note) > size:
            raise LogRolledBack(f"{origin}: {size} leaves are here, more were signed")
    shredded = erase_ports.shredded.all()
    with erase_ports.begin() as erasing:
        if shredded and erasing.erasure.keys_listed(shredded):
            raise LogRolledBack("shredded keys are back; start the sequencer first")


def _size(origin: str, note: bytes) -> int:
    try:
        return parse_checkpoint(parse_note(note).text).head.size
    except FormError as error:
        raise LogRolledBack(f"{origin}: the outside checkpoint is none: {error}") from error
