"""The four answers, as four types, so that none can be taken for another.

`Adverse` and `NoAdverse` hold a finding. `NoData` and `Withheld` hold none: reading one is an
error for the type checker, and raises `AnswerMisread` when it runs. No answer is true or false:
`if answer:` raises. Branch on the type:

    match exchange.query(identifier, purpose="credit_application", grant=grant):
        case Adverse(finding=finding): ...
        case NoAdverse(): ...
        case NoData(): ...      # nobody reports this borrower: neither clean nor bad
        case Withheld(reason=reason): ...  # not permitted: nothing was looked up
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Never, TypeAlias, final

from exchange_client.answers.explaining import explain
from exchange_client.answers.findings import Finding, Velocity
from exchange_client.errors import AnswerMisread

if TYPE_CHECKING:
    from exchange_client.receipts import Receipt


class Outcome(StrEnum):
    """What kind of answer it is."""

    NO_DATA = "NO_DATA"
    NO_ADVERSE = "NO_ADVERSE"
    ADVERSE = "ADVERSE"
    WITHHELD = "WITHHELD"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What every answer holds."""

    outcome: ClassVar[Outcome]

    receipt: Receipt  # the signed evidence; keep it

    @property
    def query_id(self) -> str:
        """The id under which the same question gets the same answer again."""
        return self.receipt.claims.jti

    @property
    def purpose(self) -> str:
        """The purpose that was asked under."""
        return self.receipt.claims.purpose

    @property
    def reason(self) -> str:
        """Why it was permitted or withheld: one code."""
        return self.receipt.claims.reason

    @property
    def grade(self) -> str | None:
        """A (best) to F by the receipt's `model`, U for no data; None where none is shown."""
        return self.receipt.claims.grade

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reason codes of the grade, weightiest first."""
        return self.receipt.claims.reasons

    @property
    def limits(self) -> tuple[str, ...]:
        """Why the answer is shallower than what was asked for."""
        return self.receipt.claims.limits

    def explain(self) -> str:
        """Say in plain words what the answer means and what it does not."""
        return explain(self.receipt.claims)

    def __bool__(self) -> Never:
        raise AnswerMisread("an answer is neither true nor false: branch on its type or outcome")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Adverse(_Answer):
    """Other members report something adverse about this borrower."""

    outcome: ClassVar[Outcome] = Outcome.ADVERSE

    finding: Finding


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NoAdverse(_Answer):
    """Other members report this borrower, and nothing adverse."""

    outcome: ClassVar[Outcome] = Outcome.NO_ADVERSE

    finding: Finding


class _WithoutFinding(_Answer):
    """An answer that says nothing about how the borrower pays."""

    __slots__ = ()

    # Hidden from the type checker: there, `answer.finding` stays the error that it is.
    if not TYPE_CHECKING:

        @property
        def finding(self) -> Never:
            raise AnswerMisread(f"{self.outcome} holds no finding: it is neither clean nor bad")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NoData(_WithoutFinding):
    """No other member reports this borrower: neither clean nor bad."""

    outcome: ClassVar[Outcome] = Outcome.NO_DATA

    velocity: Velocity | None  # None where the purpose or `detail` shows none
    dispute: bool  # a record that is kept out of the answer is under dispute


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld(_WithoutFinding):
    """The question was not permitted, for `reason`: nothing was looked up."""

    outcome: ClassVar[Outcome] = Outcome.WITHHELD


Answer: TypeAlias = Adverse | NoAdverse | NoData | Withheld


def answer_of(receipt: Receipt) -> Answer:
    """Return the typed answer of a verified receipt."""
    claims = receipt.claims
    finding = claims.finding if claims.finding is not None else Finding({})
    if claims.outcome == Outcome.ADVERSE:
        return Adverse(receipt=receipt, finding=finding)
    if claims.outcome == Outcome.NO_ADVERSE:
        return NoAdverse(receipt=receipt, finding=finding)
    if claims.outcome == Outcome.NO_DATA:
        return NoData(
            receipt=receipt,
            velocity=finding.velocity_if_shown,
            dispute="dispute" in finding.shown and finding.dispute,
        )
    return Withheld(receipt=receipt)
