"""Read the conditions of a rule: each for itself, then all of them together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import reduce
from typing import Final

from exchange_client.answers import Outcome
from exchange_client.grades import LOWEST, POINTS, SCORE_MAX
from exchange_client.policy import places
from exchange_client.policy.fields import (
    BANDS,
    DOMAINS,
    OWN,
    Condition,
    Domain,
    Value,
    months_of,
    outcomes_of,
)
from exchange_client.policy.forbidden import forbidden_word
from exchange_client.policy.sheets import Sheet, shown

TESTS: Final = ("eq", "in", "gte", "lte")
TEXT_CHARACTERS_MAX: Final = 200
LIST_ITEMS_MAX: Final = 200

_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def read_when(
    sheet: Sheet, at: places.Path, table: Mapping[str, object], own_inputs: Mapping[str, str]
) -> tuple[Condition, ...]:
    """Read the conditions of one rule; what is at fault is left out."""
    conditions = []
    for name in table:
        domain = _domain(sheet, (*at, name), own_inputs)
        tests = sheet.table_of(table, (*at, name))
        if domain is not None and (found := _condition(sheet, (*at, name), domain, tests)):
            conditions.append(found)
    if not table:
        sheet.fault(
            at, "policy.missing", "a rule needs a condition: what always holds is a default"
        )
    if len(conditions) == len(table):
        _check_together(sheet, at, conditions)
    return tuple(conditions)


def possible_outcomes(conditions: tuple[Condition, ...] | list[Condition]) -> frozenset[Outcome]:
    """Return the outcomes under which all of these conditions can hold."""
    return reduce(lambda found, one: found & outcomes_of(one), conditions, frozenset(Outcome))


def _domain(sheet: Sheet, at: places.Path, own_inputs: Mapping[str, str]) -> Domain | None:
    name = str(at[-1])
    if name in own_inputs:
        return OWN[own_inputs[name]]
    if name in DOMAINS:
        return DOMAINS[name]
    if word := forbidden_word(name):
        sheet.fault(at, "policy.forbidden_input", f"{shown(name)} speaks of {word}")
    else:
        detail = f"{shown(name)}: neither a field of answers nor a declared own input"
        sheet.fault(at, "policy.unknown_field", detail)
    return None


def _condition(
    sheet: Sheet, at: places.Path, domain: Domain, tests: Mapping[str, object]
) -> Condition | None:
    before = len(sheet.faults)
    sheet.check_names(tests, at, TESTS)
    if not tests:
        sheet.fault(at, "policy.value", f"{shown(at[-1])} needs one of {', '.join(TESTS)}")
    for test in tests:
        if test in TESTS:
            _check_test(sheet, (*at, test), domain, tests[test])
    if len(sheet.faults) > before:
        return None
    found = _closed(str(at[-1]), domain, tests) if domain.closed else _open(str(at[-1]), tests)
    if not found.possible:
        sheet.fault(at, "policy.contradiction", f"no {shown(at[-1])} fulfils all of it")
        return None
    return found


def _check_test(sheet: Sheet, at: places.Path, domain: Domain, given: object) -> None:
    if at[-1] in ("gte", "lte") and not domain.compares:
        sheet.fault(at, "policy.condition", f"{shown(at[-2])} has no order to compare by")
        return
    if at[-1] != "in":
        _check_value(sheet, at, domain, given)
        return
    if not isinstance(given, list) or not 0 < len(given) <= LIST_ITEMS_MAX:
        detail = f"in must be a list of 1 to {LIST_ITEMS_MAX} values"
        sheet.fault(at, "policy.value", detail)
        return
    for number, one in enumerate(given):
        _check_value(sheet, (*at, number), domain, one)


def _check_value(sheet: Sheet, at: places.Path, domain: Domain, given: object) -> None:
    bounds = at[-1] in ("gte", "lte")
    allowed = frozenset(domain.order) if bounds else domain.closed
    fits = type(given) is domain.kind and (given in allowed or not domain.closed)
    if domain.form == "month":
        fits = fits and _MONTH.fullmatch(str(given)) is not None
    if domain.form == "text":
        fits = fits and len(str(given)) <= TEXT_CHARACTERS_MAX
    if not fits:
        sheet.fault(at, "policy.value", f"must be {_expected(domain, bounds=bounds)}")


def _expected(domain: Domain, *, bounds: bool) -> str:
    if not domain.closed:
        return {"month": "a month, YYYY-MM", "integer": "an integer"}.get(domain.form, "a text")
    named: list[Value] = [*domain.order, *(() if bounds else sorted(domain.words, key=str))]
    return f"one of {', '.join(map(str, named)).replace('True', 'true').replace('False', 'false')}"


def _closed(name: str, domain: Domain, tests: Mapping[str, object]) -> Condition:
    """Return what is left of a closed list after every test."""
    left = domain.closed
    if "gte" in tests or "lte" in tests:
        low = domain.order.index(tests["gte"]) if "gte" in tests else 0
        high = domain.order.index(tests["lte"]) if "lte" in tests else len(domain.order)
        left = frozenset(domain.order[low : high + 1])
    among = _among(tests)
    return Condition(field=name, among=left if among is None else left & among)


def _open(name: str, tests: Mapping[str, object]) -> Condition:
    return Condition(
        field=name,
        among=_among(tests),
        low=_number(tests.get("gte")),
        high=_number(tests.get("lte")),
    )


def _among(tests: Mapping[str, object]) -> frozenset[Value] | None:
    """Return what eq and in leave; None where neither stands. An empty set is a contradiction."""
    sets = []
    if "eq" in tests:
        sets.append(frozenset([tests["eq"]]))
    if isinstance(listed := tests.get("in"), list):
        sets.append(frozenset(listed))
    left = reduce(frozenset.intersection, sets) if sets else None
    return None if left is None else frozenset(one for one in left if isinstance(one, int | str))


def _number(given: object) -> int | None:
    return months_of(given) if isinstance(given, str) else given if isinstance(given, int) else None


def _check_together(sheet: Sheet, at: places.Path, conditions: list[Condition]) -> None:
    if not possible_outcomes(conditions):
        sheet.fault(at, "policy.unreachable", "no outcome shows what these conditions ask for")
    elif not _letters_left(conditions):
        sheet.fault(at, "policy.unreachable", "no finding with these bands has such a grade")


def _letters_left(conditions: list[Condition]) -> bool:
    """Tell whether the score can reach a wanted letter while each band is as wanted.

    Least and most points are added up band by band, so what is refused is surely unreachable.
    """
    wanted = {one.field: one.among for one in conditions if one.among is not None}
    letters = wanted.get("grade")
    if letters is None or "U" in letters or not wanted.keys() & set(BANDS):
        return True
    least = most = 0
    for band, points in POINTS.items():
        field = "velocity_30" if band == "velocity" else band
        gained = [points.get(str(one), 0) for one in wanted.get(field, DOMAINS[field].order)]
        least, most = least + min(gained), most + max(gained)
    least, most = (max(0, min(SCORE_MAX, one)) for one in (least, most))
    highest = SCORE_MAX
    for letter, lowest in LOWEST:
        if letter in letters and least <= highest and lowest <= most:
            return True
        highest = lowest - 1
    return False
