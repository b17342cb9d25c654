"""Where a book goes if it rolls on: a matrix, made worse by a severity, and steps along it.

    x(t+1) = x(t) P

In:  a matrix of the member's own months, or one that it writes down itself.
Out: balances by state, month by month, in whole minor units that always add up to the same sum.
Source: records.md, section 15.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

from exchange_client.book.loans import STATES
from exchange_client.book.provisions import read_toml, share_of
from exchange_client.book.rolling import Matrix
from exchange_client.errors import RowSumInvalid, UsageError

ROW_SUM_TOLERANCE: Final = Fraction(1, 10**9)
WORST: Final = STATES.index("B")  # settled and not re-reported, after it, are not worse


def checked(matrix: Sequence[Sequence[Fraction]]) -> Matrix:
    """Return a matrix whose rows add up to 1 exactly.

    Raises:
        RowSumInvalid: a row is further from 1 than 1e-9.
    """
    rows = []
    for state, row in zip(STATES, matrix, strict=True):
        whole = sum(row, Fraction())
        if abs(whole - 1) > ROW_SUM_TOLERANCE:
            raise RowSumInvalid(f"row {state} adds up to {float(whole):.9f}, not to 1")
        rows.append(tuple(share / whole for share in row))
    return tuple(rows)


def worsened(matrix: Matrix, severity: Fraction) -> Matrix:
    """Make every step for the worse likelier: u' = min(1, u (1 + severity)).

    Worse is a later bucket, or charged off. A row without a worse cell, or with nothing else,
    stays as it is, and so does every row where severity is 0.

    Raises:
        UsageError: the severity is below 0.
    """
    if severity < 0:
        raise UsageError("severity: must be 0 or more")
    return tuple(_worsened(at, row, severity) for at, row in enumerate(matrix))


def _worsened(at: int, row: Sequence[Fraction], severity: Fraction) -> tuple[Fraction, ...]:
    up = sum(row[at + 1 : WORST + 1], Fraction())
    if up in (0, 1):
        return tuple(row)
    raised = min(Fraction(1), up * (1 + severity))
    worse, others = raised / up, (1 - raised) / (1 - up)
    return tuple(share * (worse if at < now <= WORST else others) for now, share in enumerate(row))


def projected(start: Sequence[int], matrix: Matrix, months: int) -> list[tuple[int, ...]]:
    """Return the balances by state after 0, 1, … months, in minor units.

    What a state passes on is cut into whole minor units, the largest remainders first, so that
    nothing is lost or made by rounding.
    """
    steps = [tuple(start)]
    for _ in range(months):
        parts = [_cut(amount, row) for amount, row in zip(steps[-1], matrix, strict=True)]
        steps.append(tuple(map(sum, zip(*parts, strict=True))))
    return steps


def _cut(amount: int, shares: Sequence[Fraction]) -> list[int]:
    exact = [amount * share for share in shares]
    parts = [int(one) for one in exact]
    order = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in order[: amount - sum(parts)]:
        parts[at] += 1
    return parts


def read_matrix(path: Path) -> Matrix:
    """Read a matrix of the member's own; a state that it leaves out stays as it is.

        [row.0]
        0 = "0.95"
        1 = "0.05"

    Raises:
        UsageError: the file is not so; its field is named.
        RowSumInvalid: a row does not add up to 1.
    """
    content = read_toml(path)
    told = content.get("row")
    if not isinstance(told, dict) or content.keys() != {"row"}:
        raise UsageError(f"{path}: must hold [row.0] and so on, and nothing else")
    if strange := sorted(told.keys() - set(STATES)):
        raise UsageError(f"{path}: row.{strange[0]}: no such state; they are {' '.join(STATES)}")
    return checked([_row(path, state, told.get(state, {state: 1})) for state in STATES])


def _row(path: Path, state: str, told: object) -> list[Fraction]:
    if not isinstance(told, dict) or not told.keys() <= set(STATES):
        raise UsageError(f"{path}: row.{state}: must hold states and shares")
    return [share_of(path, f"row.{state}.{now}", told.get(now, 0)) for now in STATES]
