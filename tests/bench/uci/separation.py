"""How well answers separate those who defaulted from those who did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence

GRADES = "ABCDEF"


def auc(scores: Sequence[float], defaulted: Sequence[bool]) -> float:
    """Return the chance that a defaulter scores above another, ties as half (Mann-Whitney)."""
    bad = Counter(score for score, late in zip(scores, defaulted, strict=True) if late)
    good = Counter(score for score, late in zip(scores, defaulted, strict=True) if not late)
    below, won = 0, 0.0
    for score in sorted(set(bad) | set(good)):
        won += bad[score] * (below + good[score] / 2)
        below += good[score]
    pairs = bad.total() * good.total()
    return won / pairs if pairs else 0.5


def default_rates(
    kinds: Iterable[Hashable], defaulted: Iterable[bool]
) -> Mapping[str, dict[str, float]]:
    """Return, by kind of answer, how many there were and which share of them defaulted."""
    asked: Counter[str] = Counter()
    late: Counter[str] = Counter()
    for kind, fell in zip(map(str, kinds), defaulted, strict=True):
        asked[kind] += 1
        late[kind] += fell
    return {
        kind: {"clients": count, "default_rate": round(late[kind] / count, 4)}
        for kind, count in sorted(asked.items())
    }
