"""A policy as frozen values: what decides, what it needs, and how two files become one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

from exchange_client.answers import Outcome
from exchange_client.errors import UsageError
from exchange_client.policy.fields import Condition

T = TypeVar("T")

NO_PRICE: Final = "none"  # the price band that is none
WHOLE: Final = Decimal(1)  # a limit that is not reduced
FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "policy.toml": "it is no TOML file of at most 256 KiB",
        "policy.unknown_field": "no field of that name exists there",
        "policy.missing": "a field that is needed is absent",
        "policy.value": "the value is of another type or form, or none of the closed list",
        "policy.condition": "that comparison means nothing for this field",
        "policy.contradiction": "no value fulfils the condition",
        "policy.unreachable": "no answer fulfils the conditions of the rule together",
        "policy.idle": "the rule changes nothing: defaults are a floor that no rule lowers",
        "policy.default": "an outcome has no default",
        "policy.no_data": "NO_DATA may PROCEED only where the file says allow_no_data = true",
        "policy.withheld": "WITHHELD may never PROCEED",
        "policy.model": "the grade is of a model that is unknown here",
        "policy.forbidden_input": "nobody's credit may depend on it",
        "policy.own_input": "own inputs are declared once, and under a name that is free",
        "policy.duplicate": "the id or name stands twice",
        "policy.price_band": "the price band is not declared",
        "policy.apr_cap": "a price needs a cap with its source, and stays under it",
        "policy.effect": "decision, limit and price contradict each other",
        "policy.extend": "the extended file is absent, its own ancestor, or one too many",
    }
)


class Action(StrEnum):
    """What a member does about an application, the mildest first."""

    PROCEED = "PROCEED"
    REVIEW = "REVIEW"
    REDUCE_LIMIT = "REDUCE_LIMIT"
    STOP_NEW_CREDIT = "STOP_NEW_CREDIT"

    @property
    def strictness(self) -> int:
        """Return its place, 0 for the mildest."""
        return list(Action).index(self)


def strictest(actions: Iterable[Action]) -> Action:
    """Return the strictest of some actions; of none, PROCEED."""
    return max(actions, key=lambda one: one.strictness, default=Action.PROCEED)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PolicyFault:
    """One thing that is wrong with a policy, and where."""

    file: str
    line: int
    code: str  # one of FAULTS
    detail: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.code}: {self.detail}"


class PolicyInvalid(UsageError):
    """The policy has faults; nothing is decided by it."""

    code = "usage.policy"

    def __init__(self, faults: Iterable[PolicyFault]) -> None:
        self.faults = tuple(faults)
        count = f"{len(self.faults)} fault{'s' if len(self.faults) > 1 else ''}: "
        super().__init__(count + "; ".join(map(str, self.faults)))

    def __reduce__(self) -> tuple[type[PolicyInvalid], tuple[tuple[PolicyFault, ...]]]:
        return type(self), (self.faults,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What follows where all of its conditions hold."""

    id: str
    when: tuple[Condition, ...]
    decision: Action
    limit_factor: Decimal = WHOLE  # of the limit that the member would give, 0 to 1
    price_band: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules, defaults and prices of one file, or of a file and those that it extends."""

    versions: tuple[str, ...]  # of each file, the extending one first
    digests: tuple[str, ...]  # SHA-256 of each file in hex, in the same order
    model: str  # whose grades it speaks of
    defaults: Mapping[Outcome, Action]  # the floor under every rule
    own_inputs: Mapping[str, str]  # name -> integer, boolean or text
    rules: tuple[Rule, ...]
    price_bands: Mapping[str, int] = field(default_factory=dict)  # name -> basis points a year
    apr_cap_bp: int | None = None  # basis points a year

    @property
    def version(self) -> str:
        """The version of the file that was loaded."""
        return self.versions[0]

    @property
    def sha256(self) -> str:
        """Name the whole policy: SHA-256 over a line of each file's own SHA-256 in hex.

        `sha256sum policy.toml base.toml | cut -c1-64 | sha256sum` says the same.
        """
        return hashlib.sha256("".join(f"{one}\n" for one in self.digests).encode()).hexdigest()


def merge(over: Policy, base: Policy) -> Policy:
    """Return what a policy and the one that it extends say together. It is associative.

    Nothing is loosened: rules add up, of two defaults the stricter holds, of two caps the lower.
    That no rule, price or input stands twice is for whoever loads them to see.
    """
    outcomes = [one for one in Outcome if one in over.defaults or one in base.defaults]
    caps = [one for one in (over.apr_cap_bp, base.apr_cap_bp) if one is not None]
    return Policy(
        versions=over.versions + base.versions,
        digests=over.digests + base.digests,
        model=over.model,
        defaults=MappingProxyType(
            {
                one: strictest(
                    policy.defaults[one] for policy in (over, base) if one in policy.defaults
                )
                for one in outcomes
            }
        ),
        own_inputs=_both(over.own_inputs, base.own_inputs),
        rules=over.rules + base.rules,
        price_bands=_both(over.price_bands, base.price_bands),
        apr_cap_bp=min(caps, default=None),
    )


def _both(over: Mapping[str, T], base: Mapping[str, T]) -> Mapping[str, T]:
    return MappingProxyType({**base, **over})
