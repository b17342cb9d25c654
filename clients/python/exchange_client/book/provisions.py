"""What a book is expected to lose, and what is kept for it.

    provision = sum of balance * PD_s * LGD_s over the stages s of IFRS 9

In:  the loans, and the member's own rates: a TOML file, for nobody else can know them.
Out: sums by stage, minor units; 拨备覆盖率 = stock / non-performing, 贷款拨备率 = stock / balance.
Source: records.md, section 15; IFRS 9 5.5 (to be confirmed).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

from exchange_client.book.classifying import classes
from exchange_client.book.loans import Loan, ratio
from exchange_client.book.suppressing import TOTAL
from exchange_client.book.tallies import Table, tabulate
from exchange_client.errors import UsageError

STAGES: Final = ("1", "2", "3")
FILE_BYTES_MAX: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What is thought of a loan in one stage."""

    pd: Fraction  # probability of default, 0 to 1: 12 months in stage 1, its life in 2 and 3
    lgd: Fraction  # share of the balance that is lost then, 0 to 1

    @property
    def loss(self) -> Fraction:
        """The expected loss, as a share of the balance."""
        return self.pd * self.lgd


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The member's rates by stage, and what it has put aside."""

    by_stage: Mapping[str, Rate]
    stock_minor: int | None = None  # as booked; None: what the rates ask for

    def of(self, loan: Loan) -> Rate:
        """Return the rate of a loan."""
        return self.by_stage[str(loan.stage)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionReport:
    """Balances by stage, and the provision for them."""

    table: Table  # stage by "loans"
    rates: Rates
    non_performing_minor: int

    def needed(self, stage: str) -> Fraction:
        """Return what one stage asks for, in minor units, unrounded."""
        return self.table.at(stage).balance_minor * self.rates.by_stage[stage].loss

    @property
    def needed_minor(self) -> int:
        """What all stages ask for, rounded once, half to even."""
        return round(sum((self.needed(stage) for stage in STAGES), Fraction()))

    @property
    def stock_minor(self) -> int:
        """What is put aside."""
        return self.needed_minor if self.rates.stock_minor is None else self.rates.stock_minor

    @property
    def coverage(self) -> Fraction | None:
        """拨备覆盖率: stock by non-performing balance; None where there is none."""
        return ratio(self.stock_minor, self.non_performing_minor)

    @property
    def loan_ratio(self) -> Fraction | None:
        """贷款拨备率: stock by balance; None where there is none."""
        return ratio(self.stock_minor, self.table.total.balance_minor)

    @property
    def whole(self) -> bool:
        """Whether no stage is withheld: else a sum over all would give it away."""
        return not any((stage, TOTAL) in self.table.hidden for stage in (*STAGES, TOTAL))


def provision(loans: Iterable[Loan], rates: Rates, *, outward: bool = False) -> ProvisionReport:
    """Sum loans by stage."""
    taken = list(loans)
    table = tabulate(
        taken,
        (STAGES, lambda loan: str(loan.stage)),
        (("loans",), lambda _: "loans"),
        outward=outward,
    )
    return ProvisionReport(
        table=table, rates=rates, non_performing_minor=classes(taken).non_performing_minor
    )


def read_toml(path: Path) -> dict[str, object]:
    """Read a TOML file, its decimals exactly as they stand.

    Raises:
        UsageError: it is none, or longer than 64 KiB.
    """
    with path.open("rb") as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise UsageError(f"{path}: longer than {FILE_BYTES_MAX} bytes")
    try:
        return tomllib.loads(content.decode(), parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        told = str(error).splitlines()[0] if isinstance(error, tomllib.TOMLDecodeError) else ""
        raise UsageError(f"{path}: no TOML: {told}") from None


def share_of(path: Path, name: str, value: object) -> Fraction:
    """Read a share, 0 to 1: a decimal, or one in quotes.

    Raises:
        UsageError: it is none.
    """
    try:
        share = Fraction(value) if isinstance(value, Decimal | str | int) else Fraction(-1)
    except (ValueError, ZeroDivisionError, OverflowError):
        share = Fraction(-1)
    if isinstance(value, bool) or not 0 <= share <= 1:
        raise UsageError(f"{path}: {name}: must be 0 to 1")
    return share


def read_rates(path: Path) -> Rates:
    """Read the member's rates.

        stock_minor = 1_250_000      # as booked; leave it out for what the rates ask for
        [stage.1]
        pd = "0.02"
        lgd = "0.45"

    Raises:
        UsageError: the file is not so; its field is named.
    """
    content = read_toml(path)
    if strange := sorted(content.keys() - {"stock_minor", "stage"}):
        raise UsageError(f"{path}: {strange[0]}: no such field")
    stock, stages = content.get("stock_minor"), content.get("stage")
    if stock is not None and (type(stock) is not int or stock < 0):
        raise UsageError(f"{path}: stock_minor: must be minor units, 0 or more")
    if not isinstance(stages, dict) or stages.keys() != set(STAGES):
        raise UsageError(f"{path}: stage: must hold [stage.1], [stage.2] and [stage.3]")
    return Rates(
        by_stage={stage: _rate(path, stage, stages[stage]) for stage in STAGES},
        stock_minor=stock,
    )


def _rate(path: Path, stage: str, told: object) -> Rate:
    if not isinstance(told, dict) or told.keys() != {"pd", "lgd"}:
        raise UsageError(f"{path}: stage.{stage}: must hold pd and lgd")
    pd, lgd = (share_of(path, f"stage.{stage}.{name}", told[name]) for name in ("pd", "lgd"))
    return Rate(pd=pd, lgd=lgd)
