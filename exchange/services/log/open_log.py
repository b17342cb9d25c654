"""Open the access log of the current year, if it is not open yet.

Its first leaf names the last checkpoint of the log before it, so that no log can be dropped whole.
Source: log.md, 1 (rule 8) and 4.
"""

from __future__ import annotations

from exchange.domain.leaves import JsonValue, new_leaf
from exchange.domain.log.kinds import Kind
from exchange.domain.merkle import EMPTY_ROOT
from exchange.errors import LogDamaged
from exchange.services.log.ports import LogPorts, LogRef, LogWork
from exchange.services.log.write_leaves import (
    LeafDraft,
    opening_key,
    seal_leaf,
    standard_base64,
    subject_ask,
)
from exchange.services.ports import LeafRow, Ports


def open_log(log_ports: LogPorts) -> LogRef:
    """Return the log that is active now, opening it with its first leaf if it is new.

    Raises:
        LogDamaged: the log of this year was closed.
    """
    ports = log_ports.ports
    now = ports.now()
    origin = ports.origin(now)
    with log_ports.begin() as work:
        if (found := work.log.find_log(origin)) is not None:
            return LogRef(found, origin)
        previous = _previous(work, origin)
        log_id = work.tree.create_log(origin, now)
        if log_id is None:  # Another process was faster, or the log is closed.
            if (found := work.log.find_log(origin)) is None:
                raise LogDamaged(f"{origin}: the log of this year is closed")
            return LogRef(found, origin)
        work.log.append([_first_leaf(work, log_id, previous, ports, now)], log_id=log_id, now=now)
        work.commit()
    return LogRef(log_id, origin)


def _previous(work: LogWork, origin: str) -> dict[str, JsonValue]:
    """Say where the log before this one ended; before the first there is an empty one."""
    before = [log for log in work.tree.open_logs() if log.origin != origin]
    if before:
        state = work.tree.state(before[-1].log_id)
        name, size, root = before[-1].origin, state.size, state.root
    else:
        prefix, _, year = origin.rpartition("/")
        name, size, root = f"{prefix}/{int(year) - 1}", 0, EMPTY_ROOT
    return {"origin": name, "size": size, "root": standard_base64(root)}


def _first_leaf(
    work: LogWork, log_id: int, previous: dict[str, JsonValue], ports: Ports, now: int
) -> LeafRow:
    ask = subject_ask("", ports, now)
    turn = work.log.open_subjects([ask], log_id=log_id)[0]
    key = opening_key(ask.key_id, turn.kek_id, turn.wrapped, ports)
    leaf = new_leaf(
        {"kind": Kind.LOG_OPEN.value, "t": now}, {"previous": previous}, ports.random_bytes
    )
    return seal_leaf(LeafDraft(kind=Kind.LOG_OPEN.value, member=""), leaf, key, ports, now)
