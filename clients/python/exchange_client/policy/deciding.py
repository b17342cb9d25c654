"""Decide by a policy what an answer leads to. Pure: the same receipt gives the same decision.

Steps: (1) what the answer shows becomes facts; (2) each rule holds, fails, or cannot be told,
where a band is not shown; (3) the strictest of the outcome's default and of all rules that hold;
(4) a rule that cannot be told asks for a person: not shown is not clean; (5) smallest limit,
dearest price, reasons.
Rules have no order, and none lowers the default: adding one never loosens.
Source: records.md 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final, Never, TypeAlias, assert_never

from exchange_client.answers import Adverse, Answer, NoAdverse, NoData, Outcome, Withheld, answer_of
from exchange_client.answers.findings import Finding, Velocity
from exchange_client.errors import AnswerMisread, UsageError
from exchange_client.policy.fields import BANDS, OWN, SPEAKS_OF, Condition, Value
from exchange_client.policy.values import WHOLE, Action, Policy, Rule, strictest
from exchange_client.receipts import Receipt

REASONS_MAX: Final = 4  # US Reg B practice, to be confirmed
WEIGHING: Final = frozenset({f"R0{number}" for number in range(1, 9)})  # R09, R10 inform alone
OWN_ASSESSMENT: Final = "P01"  # what the member knows by itself
SHOWN_ADVERSE: Final = "P02"  # an adverse answer whose bands are not shown


class _NotShown(Enum):
    """A fact that exists and that this answer does not show: not zero, and not clean."""

    NOT_SHOWN = "not shown"


NOT_SHOWN: Final = _NotShown.NOT_SHOWN
# Absent: under this outcome there is no such thing, so a condition on it fails.
Facts: TypeAlias = Mapping[str, "frozenset[str] | Value | _NotShown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the member does, and everything that it follows from. Log it beside the receipt."""

    decision: Action
    limit_factor: Decimal  # of the limit that the member would give, 0 to 1
    price_band: str | None  # None: the policy changes no price
    apr_bp: int | None  # of that band, basis points a year
    matched: tuple[str, ...]  # ids of the rules that hold, sorted
    untold: tuple[str, ...]  # ids of rules on bands that the answer does not show, sorted
    reasons: tuple[str, ...]  # at most four codes, the weightiest first
    human_review: bool  # a person must look before it acts; 个人信息保护法 art. 24
    outcome: Outcome
    query_id: str  # of the receipt
    policy_version: str
    policy_sha256: str  # of all files of the policy, in hex
    own_inputs: tuple[tuple[str, Value], ...]  # sorted by name

    def as_json(self) -> dict[str, object]:
        """Return it as JSON holds it: the line for the member's own log."""
        return {
            "decision": self.decision.value,
            "limit_factor": str(self.limit_factor),
            "price_band": self.price_band,
            "apr_bp": self.apr_bp,
            "matched": list(self.matched),
            "untold": list(self.untold),
            "reasons": list(self.reasons),
            "human_review": self.human_review,
            "outcome": self.outcome.value,
            "query_id": self.query_id,
            "policy_version": self.policy_version,
            "policy_sha256": self.policy_sha256,
            "own_inputs": dict(self.own_inputs),
        }

    def __bool__(self) -> Never:
        raise AnswerMisread("a decision is neither true nor false: compare `decision`")


def decide(
    policy: Policy, answer: Answer | Receipt, own_inputs: Mapping[str, Value] | None = None
) -> Decision:
    """Decide what an answer leads to under a policy.

    Args:
        answer: or its verified receipt; stored, it gives the same decision again.
        own_inputs: a value for each own input that the policy declares, and no other.

    Raises:
        UsageError: the grade is of another model, or the own inputs are not those declared.
    """
    answered = answer_of(answer) if isinstance(answer, Receipt) else answer
    given = dict(own_inputs or {})
    _check_inputs(policy, given)
    claims = answered.receipt.claims
    if claims.model != policy.model:
        raise UsageError("the receipt's grade is of another model than the policy speaks of")
    facts: Facts = {**_facts(answered), **given}  # 1
    told = {rule.id: _told(rule, facts) for rule in policy.rules}  # 2
    matched = [rule for rule in policy.rules if told[rule.id] is True]
    untold = [rule for rule in policy.rules if told[rule.id] is NOT_SHOWN]
    action = strictest(
        [
            policy.defaults[answered.outcome],
            *(rule.decision for rule in matched),  # 3
            *(Action.REVIEW for _ in untold),  # 4
        ]
    )
    factor, band = _limit_and_price(policy, matched, action)  # 5
    decisive = _decisive(matched, action, factor, band)
    return Decision(
        decision=action,
        limit_factor=factor,
        price_band=band,
        apr_bp=None if band is None else policy.price_bands[band],
        matched=tuple(sorted(rule.id for rule in matched)),
        untold=tuple(sorted(rule.id for rule in untold)),
        reasons=_reasons(policy, answered, decisive),
        human_review=action is Action.STOP_NEW_CREDIT or band is not None,
        outcome=answered.outcome,
        query_id=answered.query_id,
        policy_version=policy.version,
        policy_sha256=policy.sha256,
        own_inputs=tuple(sorted(given.items())),
    )


def _check_inputs(policy: Policy, given: Mapping[str, Value]) -> None:
    if given.keys() != policy.own_inputs.keys():
        names = ", ".join(sorted(policy.own_inputs)) or "none"
        raise UsageError(f"the policy needs exactly these own inputs: {names}")
    for name, value in given.items():
        if type(value) is not OWN[policy.own_inputs[name]].kind:
            raise UsageError(f"the own input {name} must be of type {policy.own_inputs[name]}")


def _facts(answer: Answer) -> Facts:
    """Return what an answer shows. Each outcome has a branch: none can be read as another."""
    common: Facts = {"outcome": answer.outcome.value, "reasons": frozenset(answer.reasons)}
    match answer:
        case Adverse(finding=finding) | NoAdverse(finding=finding):
            grade = NOT_SHOWN if answer.grade is None else answer.grade
            return {
                **common,
                "grade": grade,
                **_bands(finding),
                **_looks(finding.velocity_if_shown),
            }
        case NoData(velocity=velocity, dispute=dispute):
            return {**common, "grade": "U", "dispute": dispute, **_looks(velocity)}
        case Withheld():
            return common
    assert_never(answer)


def _bands(finding: Finding) -> Facts:
    shown = finding.shown
    facts: dict[str, Value | _NotShown] = {
        name: getattr(finding, name) if name in shown else NOT_SHOWN
        for name in [*BANDS.keys() - {"has_statement"}, "dispute"]
    }
    if "overdue_amount_band" in shown:  # Without an amount nothing was counted.
        facts["other_currency"] = finding.other_currency
    said = finding.statement is not None if "statement" in shown else NOT_SHOWN
    return {**facts, "has_statement": said}


def _looks(velocity: Velocity | None) -> Facts:
    return {
        f"velocity_{days}": NOT_SHOWN if velocity is None else getattr(velocity, f"days_{days}")
        for days in (7, 30, 90)
    }


def _told(rule: Rule, facts: Facts) -> bool | _NotShown:
    """Tell whether every condition holds; one that fails decides, whatever is not shown."""
    results = {_holds(one, facts) for one in rule.when}
    if False in results:
        return False
    return NOT_SHOWN if NOT_SHOWN in results else True


def _holds(condition: Condition, facts: Facts) -> bool | _NotShown:
    fact = facts.get(condition.field)
    if fact is None:
        return False
    if isinstance(fact, _NotShown):
        return NOT_SHOWN
    if not isinstance(fact, frozenset):
        return condition.holds(fact)
    if fact & (condition.among or frozenset()):
        return True
    ungraded = facts.get("grade") is NOT_SHOWN and bool(WEIGHING & (condition.among or frozenset()))
    return NOT_SHOWN if ungraded else False


def _limit_and_price(
    policy: Policy, matched: list[Rule], action: Action
) -> tuple[Decimal, str | None]:
    """Return the smallest limit and the dearest price; where no credit is offered, neither."""
    if action is Action.STOP_NEW_CREDIT:
        return Decimal(0), None
    named = {rule.price_band for rule in matched if rule.price_band is not None}
    dearest = max(named, key=lambda band: (policy.price_bands[band], band), default=None)
    return min((rule.limit_factor for rule in matched), default=WHOLE), dearest


def _decisive(matched: list[Rule], action: Action, factor: Decimal, band: str | None) -> list[Rule]:
    """Return the rules that made the decision, its limit or its price."""
    return [
        rule
        for rule in matched
        if rule.decision is action is not Action.PROCEED
        or rule.limit_factor == factor < WHOLE
        or rule.price_band == band is not None
    ]


def _reasons(policy: Policy, answer: Answer, decisive: list[Rule]) -> tuple[str, ...]:
    """Return what weighed: reasons that a decisive rule speaks of first, then by the grade."""
    graded = [code for code in answer.reasons if code in WEIGHING]
    fields = {one.field for rule in decisive for one in rule.when}
    named = {SPEAKS_OF[field] for field in fields if field in SPEAKS_OF}
    if fields & policy.own_inputs.keys():
        named.add(OWN_ASSESSMENT)
    weights = {code: place for place, code in enumerate(graded)}
    codes = sorted(
        named | set(graded), key=lambda code: (code not in named, weights.get(code, 99), code)
    )
    if not codes and answer.outcome is Outcome.ADVERSE:
        codes = [SHOWN_ADVERSE]
    return tuple(codes[:REASONS_MAX])
