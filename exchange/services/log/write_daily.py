"""Write what the log says once a day of the day before: each member's usage, and the index's root.

In:  the day, over for long enough that all of its leaves have their index.
Out: a `usage` leaf a member, and an `index_root` leaf: the root over one line a subject, so that a
     borrower can be shown that nobody else looked. Each is written once, however often this runs.
Source: log.md, 3 and 12; RFC 6962 for the root.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from exchange.domain.leaves import JsonValue
from exchange.domain.log.kinds import Kind
from exchange.domain.merkle import leaf_hash, root
from exchange.services.log.ports import LogPorts, LogWork, SubjectLine
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import MMD_SECONDS, Ports

INDEX_ROOT_RULE = "index_root/1"
_DAY_SECONDS = 86_400


def write_daily(ports: LogPorts) -> int:
    """Write the leaves of yesterday (UTC) that are not written yet; return how many.

    Raises:
        UnavailableError: the log of this year is not open yet.
    """
    now = ports.ports.now()
    if now % _DAY_SECONDS < MMD_SECONDS:
        return 0  # The day's last leaves may still wait for their index.
    yesterday = datetime.fromtimestamp(now, UTC).date() - timedelta(days=1)
    with ports.begin() as work:
        drafts = [*_usage(yesterday, work), *_index_root(yesterday, work, ports.ports, now)]
        written = [_write(draft, yesterday, work, ports.ports, now) for draft in drafts]
        work.commit()
    return sum(written)


def heartbeat(ports: LogPorts) -> None:
    """Write a leaf that says nothing: at a fixed rate it hides how much is asked."""
    with ports.begin() as work:
        draft = LeafDraft(kind=Kind.HEARTBEAT.value, member="")
        write_leaves(work, [draft], ports.ports, ports.ports.now())
        work.commit()


def subject_line(line: SubjectLine) -> bytes:
    """Write a subject's line in the index: pseudonym, how many looks, index of the last."""
    return f"{line.subject} {line.leaves} {line.last_index}\n".encode()


def index_root(lines: Iterable[SubjectLine]) -> bytes:
    """Return the root over the lines of all subjects, sorted."""
    return root([leaf_hash(one) for one in sorted(map(subject_line, lines))])


def _usage(day: date, work: LogWork) -> list[LeafDraft]:
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    return [
        LeafDraft(
            kind=Kind.USAGE.value,
            member=used.member,
            subject_slot={
                "day": day.isoformat(),
                "evaluations": used.evaluations,
                "queries": used.queries,
                "rows": used.rows,
                "proofs": used.proofs,
            },
        )
        for used in work.daily.usage(start, start + _DAY_SECONDS)
    ]


def _index_root(day: date, work: LogWork, ports: Ports, now: int) -> list[LeafDraft]:
    log_id = work.log.find_log(ports.origin(now))
    state = work.tree.state(log_id) if log_id is not None else None
    if log_id is None or state is None or not state.size:
        return []
    lines = work.daily.subject_lines(log_id, size=state.size)
    said: dict[str, JsonValue] = {
        "day": day.isoformat(),
        "size": state.size,
        "subjects": len(lines),
        "root": standard_base64(index_root(lines)),
    }
    rule: dict[str, JsonValue] = {"rule": INDEX_ROOT_RULE}
    return [LeafDraft(kind=Kind.INDEX_ROOT.value, member="", subject_slot=said, audit_slot=rule)]


def _write(draft: LeafDraft, day: date, work: LogWork, ports: Ports, now: int) -> bool:
    """Write a leaf unless one of its kind, day and member stands; say whether it was written."""
    if not work.daily.claim(draft.kind, day.isoformat(), draft.member):
        return False
    (leaf,) = write_leaves(work, [draft], ports, now)
    work.daily.written(draft.kind, day.isoformat(), draft.member, leaf.leaf_hash)
    return True
