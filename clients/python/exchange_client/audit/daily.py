"""Recompute what a log says of itself once a day: each member's usage, and the root of the index.

In:  the leaves of an export that starts at index 0; what it does not reach cannot be recounted.
Out: how many daily leaves were recounted, and how many could not be.
What is erased is closed: it can have filled a difference in usage, and an index root over it can
be recomputed by nobody. Source: log.md, 3, 11 and 12.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from exchange_client.audit.leaves import AuditLeaf
from exchange_client.core.encoding import JSON
from exchange_client.errors import LogInvalid
from exchange_client.merkle import root_of_leaves

DAY_SECONDS: Final = 86_400
INDEX_RULE: Final = "index_root/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recounted:
    """What was recounted."""

    usages: int = 0
    index_roots: int = 0
    not_recounted: int = 0  # daily leaves about what is erased, or lies outside of the export


def recount(leaves: Sequence[AuditLeaf]) -> Recounted:
    """Hold the daily leaves of a log against its other leaves.

    Args:
        leaves: one for each index, in order.

    Raises:
        LogInvalid: an index root or a usage says other than the leaves.
    """
    daily = [leaf for leaf in leaves if leaf.kind in ("usage", "index_root")]
    if not leaves or leaves[0].index != 0:
        return Recounted(not_recounted=len(daily))
    usages = _usages([leaf for leaf in daily if leaf.kind == "usage"], leaves)
    roots = _index_roots([leaf for leaf in daily if leaf.kind == "index_root"], leaves)
    return Recounted(usages=usages, index_roots=roots, not_recounted=len(daily) - usages - roots)


def _usages(said: list[AuditLeaf], leaves: Sequence[AuditLeaf]) -> int:
    """Recount questions and rows. Evaluations and proofs are no leaves: nobody can."""
    queries: Counter[tuple[JSON, JSON]] = Counter()
    rows: Counter[tuple[JSON, JSON]] = Counter()
    for leaf in leaves:
        at, count = leaf.said("t"), leaf.said("rows")
        place = leaf.said("member"), at // DAY_SECONDS if isinstance(at, int) else None
        queries[place] += leaf.kind == "query"
        rows[place] += count if leaf.kind == "batch" and isinstance(count, int) else 0
    closed = any(leaf.subject is None for leaf in leaves)
    opened = leaves[0].said("t")
    recounted = 0
    for leaf in said:
        day = _day(leaf)
        if isinstance(opened, int) and _of_an_earlier_log(day, opened):
            continue
        place = leaf.said("member"), day
        for name, counted in (("queries", queries[place]), ("rows", rows[place])):
            told = leaf.said(name)
            if type(told) is not int or told < counted or (told > counted and not closed):
                raise LogInvalid(
                    f"(7) index {leaf.index}: says {told} {name} of {place[0]}, the log {counted}"
                )
        recounted += 1
    return recounted


def _day(leaf: AuditLeaf) -> int:
    """Return the day of a daily leaf, counted from 1970."""
    try:
        day = datetime.strptime(str(leaf.said("day")), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise LogInvalid(f"(7) index {leaf.index}: says no day") from error
    return int(day.timestamp()) // DAY_SECONDS


def _of_an_earlier_log(day: int, opened_at: int) -> bool:
    """Tell whether the leaves of a day stand in the log of the year before."""
    ended = datetime.fromtimestamp(day * DAY_SECONDS, UTC).year
    return ended < datetime.fromtimestamp(opened_at, UTC).year


def _index_roots(said: list[AuditLeaf], leaves: Sequence[AuditLeaf]) -> int:
    """Recompute the roots over one line a subject: pseudonym, number of leaves, last index."""
    lines: dict[str, tuple[int, int]] = {}
    taken = recounted = 0
    for leaf in said:
        size = leaf.said("size")
        if type(size) is not int or not taken <= size <= leaf.index:
            raise LogInvalid(f"(7) index {leaf.index}: an index of a size that cannot be")
        for one in leaves[taken:size]:
            subject = one.subject.get("subject") if one.subject is not None else None
            if isinstance(subject, str):
                lines[subject] = (lines.get(subject, (0, 0))[0] + 1, one.index)
        taken = size
        if leaf.said("rule") != INDEX_RULE or any(one.subject is None for one in leaves[:size]):
            continue
        written = sorted(f"{one} {count} {last}\n".encode() for one, (count, last) in lines.items())
        root = b64encode(root_of_leaves(written)).decode()
        if (leaf.said("subjects"), leaf.said("root")) != (len(written), root):
            raise LogInvalid(f"(7) index {leaf.index}: the index hides a leaf, or invents one")
        recounted += 1
    return recounted
