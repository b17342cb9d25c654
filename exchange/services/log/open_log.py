"""Open the access log of the current year, after the one before it was closed and drained.

Its first leaf names the last checkpoint of the log before it, so that no log can be dropped whole.
Order: every answer shares a lock while it writes; the change takes it alone, writes the old log's
last leaf and closes it. What the old log still holds is numbered; only then the new one opens.
Between the two answers stop for a moment (503): a leaf belongs to the log that was active then.
Cut short anywhere, the next call goes on from what stands. Source: log.md, 1 (rule 8), 4 and 15.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from exchange.domain.leaves import JsonValue, new_leaf
from exchange.domain.log.kinds import Kind
from exchange.domain.merkle import EMPTY_ROOT
from exchange.errors import LogDamaged, UnavailableError
from exchange.services.log.leaf_ports import LeafRow
from exchange.services.log.ports import LogPorts, LogRef, LogWork
from exchange.services.log.write_leaves import (
    LeafDraft,
    opening_key,
    seal_leaf,
    standard_base64,
    subject_ask,
)
from exchange.services.ports import Ports


def open_log(log_ports: LogPorts, drain: Callable[[LogRef], None] | None = None) -> LogRef:
    """Return the log that is active now, opening it with its first leaf if it is new.

    Args:
        log_ports: what it may touch.
        drain: gives every leaf of a closed log its index; None: whoever calls cannot.

    Raises:
        LogDamaged: the log of this year was closed.
        UnavailableError: the log before it must be drained first, or answers hold it in use.
    """
    ports = log_ports.ports
    now = ports.now()
    origin = ports.origin(now)
    with log_ports.begin() as work:
        if (found := work.log.find_log(origin)) is not None:
            return LogRef(found, origin)
        before = work.tree.newest_log()
    if before is not None and before.origin != origin:
        _close(before, log_ports, now)
        if drain is None:
            raise UnavailableError(f"{before.origin} is closed; the sequencer opens the next log")
        drain(before)
    with log_ports.begin() as work:
        previous = _previous(before, work, origin)
        log_id = work.tree.create_log(origin, now)
        if log_id is None:  # Another process was faster, or the log is closed.
            if (found := work.log.find_log(origin)) is None:
                raise LogDamaged(f"{origin}: the log of this year is closed")
            return LogRef(found, origin)
        content: dict[str, JsonValue] = {"previous": previous}
        row = open_leaf(work, log_id, content, (ports, now))
        work.log.append([row], log_id=log_id, now=now)
        work.commit()
    return LogRef(log_id, origin)


def _close(log: LogRef, log_ports: LogPorts, now: int) -> None:
    """Write a log's last leaf and let no other follow it; if that was done, do nothing."""
    year = int(log.origin.rpartition("/")[2][:4])
    ended = int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp()) - 1  # its last second
    with log_ports.begin() as work:
        work.tree.hold_writers()
        if work.tree.close_log(log.log_id, now):
            row = _leaf(work, log.log_id, Kind.LOG_CLOSE, {}, (log_ports.ports, ended))
            work.log.append([row], log_id=log.log_id, now=now)
            work.commit()


def _previous(before: LogRef | None, work: LogWork, origin: str) -> dict[str, JsonValue]:
    """Say where the log before this one ended; before the first there is an empty one."""
    if before is not None:
        state = work.tree.state(before.log_id)
        name, size, root = before.origin, state.size, state.root
    else:
        prefix, _, year = origin.rpartition("/")
        name, size, root = f"{prefix}/{int(year[:4]) - 1}", 0, EMPTY_ROOT
    return {"origin": name, "size": size, "root": standard_base64(root)}


def open_leaf(
    work: LogWork, log_id: int, audit: dict[str, JsonValue], made: tuple[Ports, int]
) -> LeafRow:
    """Make the first leaf of a log: it says where the one before ended."""
    return _leaf(work, log_id, Kind.LOG_OPEN, audit, made)


def _leaf(
    work: LogWork, log_id: int, kind: Kind, audit: dict[str, JsonValue], made: tuple[Ports, int]
) -> LeafRow:
    """Make a leaf of the log about itself.

    Args:
        made: with what, and when: the time lies in the year of the log.
    """
    ports, now = made
    ask = subject_ask("", ports, now)
    turn = work.log.open_subjects([ask], log_id=log_id)[0]
    key = opening_key(ask.key_id, turn.kek_id, turn.wrapped, ports)
    leaf = new_leaf({"kind": kind.value, "t": now}, audit, ports.random_bytes)
    return seal_leaf(LeafDraft(kind=kind.value, member=""), leaf, key, ports, now)
