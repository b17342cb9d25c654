"""What the rules look at, and small sums they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exchange_client.audit.leaves import AuditLeaf
from exchange_client.core.encoding import JSON

HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400
BEFORE_SECONDS = 90 * DAY_SECONDS

Numbers = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Look:
    """An entry with its time, which never runs back."""

    leaf: AuditLeaf
    t: int
    at: int

    @property
    def index(self) -> int:
        """Its index."""
        return self.leaf.index

    @property
    def kind(self) -> str:
        """What it is about."""
        return self.leaf.kind

    def word(self, name: str) -> str:
        """Return what it says under a name, as text; empty where it says nothing."""
        said = self.leaf.said(name)
        return said if isinstance(said, str) else ""

    def number(self, name: str) -> int:
        """Return a number it says; 0 where it says none."""
        said = self.leaf.said(name)
        return said if type(said) is int else 0


@dataclass(frozen=True, slots=True, order=True)
class Raised:
    """A flag: rule, member, times of its earliest and latest hit, hits."""

    rule: str
    member: str
    start: int
    end: int
    hits: tuple[int, ...]


def looks_of(leaves: Iterable[AuditLeaf]) -> list[Look]:
    """Give each entry its time: the largest `t` so far."""
    looks, latest = [], 0
    for leaf in leaves:
        said: JSON = leaf.said("t")
        t = said if type(said) is int else latest
        latest = max(latest, t)
        looks.append(Look(leaf, t, latest))
    return looks


def raised(rule: str, member: str, hits: Iterable[Look]) -> Raised:
    """Raise a flag over entries."""
    times = [(look.index, look.t) for look in hits]
    seconds = [t for _, t in times]
    return Raised(rule, member, min(seconds), max(seconds), tuple(sorted(i for i, _ in times)))


def queries_of(looks: Sequence[Look]) -> dict[str, list[Look]]:
    """Return the queries of each member, by index."""
    found: dict[str, list[Look]] = {}
    for look in looks:
        if look.kind == "query":
            found.setdefault(look.word("member"), []).append(look)
    return found


def day(look: Look) -> int:
    """Return the UTC day of an entry."""
    return look.at // DAY_SECONDS


def once_about_each(looks: Iterable[Look]) -> list[Look]:
    """Return the first entry about each subject."""
    firsts: dict[str, Look] = {}
    for look in looks:
        if look.word("subject") not in firsts:
            firsts[look.word("subject")] = look
    return list(firsts.values())
