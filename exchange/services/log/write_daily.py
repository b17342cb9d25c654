"""Write what the log says once a day of the day before: each member's usage, and the index's root.

In:  the day, over for long enough that all of its leaves have their index.
Out: a `usage` leaf a member, and an `index_root` leaf: the root over one line a subject. The lines
     are kept beside it, so that a borrower is shown that nobody else looked.
Each is written once, however often this runs.
Source: log.md, 3 and 12; RFC 6962 for the root.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from exchange.domain.leaves import JsonValue
from exchange.domain.log.index import INDEX_ROOT_RULE, cut_index, root_of_parts
from exchange.domain.log.kinds import Kind
from exchange.services.log.ports import LogPorts, LogWork
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import MMD_SECONDS, Ports

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
        day = yesterday.isoformat()
        drafts = [
            one for one in _usage(yesterday, work) if work.daily.claim(one.kind, day, one.member)
        ]
        drafts += _index_root(yesterday, work, ports.ports, now)
        for draft in drafts:
            (leaf,) = write_leaves(work, [draft], ports.ports, now)
            work.daily.written(draft.kind, day, draft.member, leaf.leaf_hash)
        work.commit()
    return len(drafts)


def heartbeat(ports: LogPorts) -> None:
    """Write a leaf that says nothing: at a fixed rate it hides how much is asked."""
    with ports.begin() as work:
        draft = LeafDraft(kind=Kind.HEARTBEAT.value, member="")
        write_leaves(work, [draft], ports.ports, ports.ports.now())
        work.commit()


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
    """Draft the day's root and keep its lines, unless that was done: lines stay those of a leaf."""
    log_id = work.log.find_log(ports.origin(now))
    size = work.tree.state(log_id).size if log_id is not None else 0
    kind = Kind.INDEX_ROOT.value
    if log_id is None or not size or not work.daily.claim(kind, day.isoformat(), ""):
        return []
    lines = work.daily.subject_lines(log_id, size=size)
    parts = cut_index(lines)
    work.daily.keep_index(log_id, day.isoformat(), parts)
    said: dict[str, JsonValue] = {
        "day": day.isoformat(),
        "size": size,
        "subjects": len(lines),
        "root": standard_base64(root_of_parts([part.root for part in parts])),
    }
    rule: dict[str, JsonValue] = {"rule": INDEX_ROOT_RULE}
    return [LeafDraft(kind=kind, member="", subject_slot=said, audit_slot=rule)]
