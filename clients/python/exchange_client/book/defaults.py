"""Draw how much a book loses where loans of one borrower fall together.

Loan i of a subject defaults when sqrt(rho) Z_subject + sqrt(1 - rho) e_i < Phi^-1(PD_i). With rho 0
each falls for itself, with rho 1 all loans of a subject with one PD fall at once.

Drawing every loan in every draw would take minutes. Since most draws spare most loans, the draws
in which a loan falls are found by leaping from one to the next: the gaps between the hits of
independent trials are geometric, so this is the same distribution and no approximation.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import ceil, log, log1p, sqrt
from statistics import NormalDist
from typing import Final

from exchange_client.errors import UsageError

DRAWS: Final = 10_000
DRAWS_MAX: Final = 1_000_000
_NORMAL: Final = NormalDist()
_LEAST: Final = 2.0**-53


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one loan may lose."""

    subject: int
    pd: Fraction  # 0 to 1
    loss_minor: int  # if it defaults


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What was lost in the draws, minor units."""

    expected: Fraction  # sum of PD times loss: what the mean comes near to
    mean: Fraction
    p95: int  # nearest rank: 95 % of the draws lost no more
    p99: int


def draw_losses(
    exposures: Sequence[Exposure], *, correlation: float, seed: int, draws: int = DRAWS
) -> Losses:
    """Draw losses; the same seed gives the same.

    Raises:
        UsageError: a correlation outside of 0 to 1, or too many draws.
    """
    lost = drawn(exposures, correlation=correlation, seed=seed, draws=draws)
    return Losses(
        expected=sum((one.pd * one.loss_minor for one in exposures), Fraction()),
        mean=Fraction(sum(lost), draws),
        p95=lost[ceil(draws * 0.95) - 1],
        p99=lost[ceil(draws * 0.99) - 1],
    )


def drawn(exposures: Sequence[Exposure], *, correlation: float, seed: int, draws: int) -> list[int]:
    """Return what was lost in each draw, minor units, the least first.

    Raises:
        UsageError: a correlation outside of 0 to 1, or too many draws.
    """
    if not 0 <= correlation <= 1:
        raise UsageError("correlation: must be 0 to 1")
    if not 1 <= draws <= DRAWS_MAX:
        raise UsageError(f"draws: must be 1 to {DRAWS_MAX}")
    chance = random.Random(seed)  # noqa: S311 - a scenario is repeated, and guards nothing
    lost = [0] * draws
    certain = sum(one.loss_minor for one in exposures if one.pd >= 1)
    for group in _groups(exposures):
        if len(group) == 1 or correlation == 0:
            certain += sum(_alone(one, chance, lost) for one in group)
        else:
            _together(group, correlation, chance, lost)
    return sorted(certain + one for one in lost)


def _groups(exposures: Sequence[Exposure]) -> list[list[Exposure]]:
    """Return the loans whose fate is open, by subject."""
    groups: dict[int, list[Exposure]] = {}
    for one in exposures:
        if 0 < one.pd < 1 and one.loss_minor:
            groups.setdefault(one.subject, []).append(one)
    return list(groups.values())


def _alone(one: Exposure, chance: random.Random, lost: list[int]) -> int:
    """Draw one loan for itself, and return what every draw loses.

    One that falls more often than not is lost everywhere, and given back where it stands.
    """
    likely = one.pd > Fraction(1, 2)
    rate = float(1 - one.pd if likely else one.pd)
    change = -one.loss_minor if likely else one.loss_minor
    for at in _hits(rate, chance, len(lost)):
        lost[at] += change
    return one.loss_minor if likely else 0


def _hits(rate: float, chance: random.Random, draws: int) -> Iterator[int]:
    """Yield the draws that are hit, each with this probability and for itself."""
    if rate >= 1:
        yield from range(draws)
        return
    scale, uniform, at = log1p(-rate), chance.random, -1
    while True:
        leap = log(1.0 - uniform()) / scale
        if leap >= draws:  # also where a rate is so small that a leap knows no number
            return
        at += int(leap) + 1
        if at >= draws:
            return
        yield at


def _together(
    group: Sequence[Exposure], correlation: float, chance: random.Random, lost: list[int]
) -> None:
    rates = [float(one.pd) for one in group]
    if sum(rates) > 1:
        _each_draw(group, correlation, chance, lost)
        return
    edges, ends = [_NORMAL.inv_cdf(rate) for rate in rates], list(accumulate(rates))
    others = [[n for n in range(len(group)) if n != first] for first in range(len(group))]
    shared, own = sqrt(correlation), sqrt(1 - correlation)
    uniform, level_at = chance.random, _NORMAL.inv_cdf
    for at in _hits(ends[-1], chance, len(lost)):
        # A loan is taken with its own chance, then its subject, then the others. Several ways lead
        # to a set of n loans, one for each of them, so it stands in one of n times.
        place = uniform() * ends[-1]
        first = min(bisect(ends, place), len(ends) - 1)
        level = level_at(max(_LEAST, ends[first] - place))  # even below the loan's own PD
        z = shared * (shared * level + own * level_at(uniform() or _LEAST))
        fallen = [n for n in others[first] if z + own * level_at(uniform() or _LEAST) < edges[n]]
        if uniform() * (len(fallen) + 1) < 1:
            lost[at] += group[first].loss_minor + sum(group[n].loss_minor for n in fallen)


def _each_draw(
    group: Sequence[Exposure], correlation: float, chance: random.Random, lost: list[int]
) -> None:
    edges = [_NORMAL.inv_cdf(float(one.pd)) for one in group]
    shared, own = sqrt(correlation), sqrt(1 - correlation)
    for at in range(len(lost)):
        z = shared * _normal(chance)
        for one, edge in zip(group, edges, strict=True):
            if z + own * _normal(chance) < edge:
                lost[at] += one.loss_minor


def _normal(chance: random.Random) -> float:
    return _NORMAL.inv_cdf(chance.random() or _LEAST)
