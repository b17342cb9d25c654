"""Read the rules of one file: what must hold, and what follows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from exchange_client.answers import Outcome
from exchange_client.policy import places
from exchange_client.policy.conditions import possible_outcomes, read_when
from exchange_client.policy.fields import Condition
from exchange_client.policy.sheets import Sheet, shown
from exchange_client.policy.values import NO_PRICE, WHOLE, Action, Rule

RULES_MAX: Final = 500  # of one file
ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
FACTOR: Final = re.compile(r"0(\.[0-9]{1,4})?|1(\.0{1,4})?")
NONE_LEFT: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the rules of a file may name: its own, and what it inherits."""

    own_inputs: Mapping[str, str]
    price_bands: frozenset[str]
    rule_ids: frozenset[str]  # inherited ones
    allow_no_data: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effect:
    decision: Action
    factor: Decimal | None
    band: str | None


def read_rules(sheet: Sheet, known: Known) -> tuple[Rule, ...]:
    """Read every rule of a file. Where there is a fault, nobody decides by them."""
    listed = sheet.table.get("rule", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        sheet.fault(("rule",), "policy.value", "rules are tables: [[rule]]")
        return ()
    if len(listed) > RULES_MAX:
        sheet.fault(("rule",), "policy.value", f"a file holds at most {RULES_MAX} rules")
        return ()
    seen = set(known.rule_ids)
    rules = []
    for number, table in enumerate(listed):
        rule = _rule(sheet, ("rule", number), table, known)
        if rule is None:
            continue
        if rule.id in seen:
            at = ("rule", number, "id")
            sheet.fault(at, "policy.duplicate", f"another rule is called {rule.id}")
        seen.add(rule.id)
        rules.append(rule)
    return tuple(rules)


def _rule(sheet: Sheet, at: places.Path, table: Mapping[str, object], known: Known) -> Rule | None:
    names = ("id", "when", "then")
    sheet.check_names(table, at, names, names)
    name = sheet.take(table, (*at, "id"), str) if "id" in table else None
    if name is not None and not ID.fullmatch(name):
        detail = "id must be 1 to 64 of a-z, 0-9, - and _"
        sheet.fault((*at, "id"), "policy.value", detail)
    when = then = None
    if "when" in table:
        asked = sheet.table_of(table, (*at, "when"))
        when = read_when(sheet, (*at, "when"), asked, known.own_inputs)
    if "then" in table:
        then = _effect(sheet, (*at, "then"), sheet.table_of(table, (*at, "then")), known)
    if name is None or when is None or then is None:
        return None
    _check_proceeding(sheet, (*at, "then"), when, then, known)
    factor = NONE_LEFT if then.decision is Action.STOP_NEW_CREDIT else then.factor or WHOLE
    return Rule(
        id=name, when=when, decision=then.decision, limit_factor=factor, price_band=then.band
    )


def _effect(
    sheet: Sheet, at: places.Path, table: Mapping[str, object], known: Known
) -> _Effect | None:
    sheet.check_names(table, at, ("decision", "limit_factor", "price_band"), ("decision",))
    decision = read_action(sheet, table, (*at, "decision")) if "decision" in table else None
    factor = band = None
    if "limit_factor" in table:
        factor = _factor(sheet, table, (*at, "limit_factor"))
    if "price_band" in table:
        band = sheet.take(table, (*at, "price_band"), str)
        band = None if band == NO_PRICE else band
        if band is not None and band not in known.price_bands:
            detail = f"{shown(band)}: declare it as [price_band.…]"
            sheet.fault((*at, "price_band"), "policy.price_band", detail)
    if decision is None:
        return None
    effect = _Effect(decision=decision, factor=factor, band=band)
    if contradiction := _contradiction(effect):
        sheet.fault(at, "policy.effect", contradiction)
    return effect


def read_action(sheet: Sheet, table: Mapping[str, object], at: places.Path) -> Action | None:
    """Read a decision."""
    written = sheet.take(table, at, str)
    if written in list(Action):
        return Action(written)
    if written is not None:
        sheet.fault(at, "policy.value", f"must be one of {', '.join(Action)}")
    return None


def _factor(sheet: Sheet, table: Mapping[str, object], at: places.Path) -> Decimal | None:
    """Read a factor. It is a text: a TOML float would already be another number."""
    written = table.get("limit_factor")
    if isinstance(written, str) and FACTOR.fullmatch(written):
        return Decimal(written)
    detail = 'limit_factor must be a text from "0" to "1", with at most 4 decimals'
    sheet.fault(at, "policy.value", detail)
    return None


def _contradiction(effect: _Effect) -> str | None:
    factor, band = effect.factor, effect.band
    if effect.decision is Action.STOP_NEW_CREDIT:
        if factor or band:
            return "where no credit is offered there is neither a limit nor a price"
        return None
    if factor == NONE_LEFT:
        return "no limit at all is STOP_NEW_CREDIT"
    if effect.decision is Action.REDUCE_LIMIT and factor in (None, WHOLE):
        return "REDUCE_LIMIT needs a limit_factor under 1"
    if effect.decision is Action.PROCEED and factor not in (None, WHOLE):
        return "a smaller limit is REDUCE_LIMIT"
    return None


def _check_proceeding(
    sheet: Sheet, at: places.Path, when: tuple[Condition, ...], then: _Effect, known: Known
) -> None:
    """A rule that says PROCEED lowers no floor; one that seems to is a mistake in reading."""
    if then.decision is not Action.PROCEED:
        return
    named = possible_outcomes(when) if any(one.field == "outcome" for one in when) else frozenset()
    if Outcome.WITHHELD in named:
        sheet.fault(at, "policy.withheld", "the exchange looked nothing up: decide otherwise")
    elif Outcome.NO_DATA in named and not known.allow_no_data:
        sheet.fault(at, "policy.no_data", "no data is no clean record")
    elif then.band is None:
        sheet.fault(at, "policy.idle", "PROCEED without a price changes nothing")
