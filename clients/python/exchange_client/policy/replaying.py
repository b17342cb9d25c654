"""Replay stored receipts under two policies, and tell what would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exchange_client.errors import UsageError
from exchange_client.policy.deciding import Decision, decide
from exchange_client.policy.fields import Value
from exchange_client.policy.values import Action, Policy
from exchange_client.receipts import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A look of the past, with what the member knew by itself."""

    receipt: Receipt
    own_inputs: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What both policies make of one look."""

    old: Decision
    new: Decision

    @property
    def differs(self) -> bool:
        """Tell whether the borrower would fare otherwise."""
        return _felt(self.old) != _felt(self.new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a new policy changes."""

    pairs: tuple[Pair, ...]

    @property
    def counts(self) -> Mapping[tuple[Action, Action], int]:
        """Return how many looks went from which decision to which."""
        return Counter((one.old.decision, one.new.decision) for one in self.pairs)

    @property
    def changed(self) -> tuple[Pair, ...]:
        """Return the looks on which the two differ, in their order."""
        return tuple(one for one in self.pairs if one.differs)


def replay(old: Policy, new: Policy, cases: Iterable[Case]) -> Replay:
    """Decide every case under both policies; each is given the own inputs that it declares.

    Raises:
        UsageError: a case lacks an own input, or its grade is of another model.
    """
    return Replay(
        pairs=tuple(Pair(old=_decide(old, case), new=_decide(new, case)) for case in cases)
    )


def _decide(policy: Policy, case: Case) -> Decision:
    if lacking := sorted(policy.own_inputs.keys() - case.own_inputs.keys()):
        where = case.receipt.claims.jti
        raise UsageError(f"{where}: the own inputs {', '.join(lacking)} are not known")
    given = {name: case.own_inputs[name] for name in policy.own_inputs}
    return decide(policy, case.receipt, given)


def _felt(decision: Decision) -> tuple[object, ...]:
    """Return what a borrower feels of a decision."""
    return (decision.decision, decision.limit_factor, decision.price_band, decision.apr_bp)
