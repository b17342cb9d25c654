"""Every check of a policy file: its code, on its line, and all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange_client.policy import PolicyInvalid, load_policy
from exchange_client.policy.sheets import FILE_BYTES_MAX
from exchange_client.policy.values import FAULTS
from tests.client.policy.samples import (
    B2,
    CAP,
    HEAD,
    LATE_NOW,
    REVIEW,
    STOP,
    policy_of,
    rule,
    sample,
)


def when(conditions: str) -> str:
    """Write a policy whose one rule has these conditions, on line 6."""
    return HEAD + rule("r", conditions, STOP)


def then(effect: str, conditions: str = LATE_NOW) -> str:
    """Write a policy whose one rule has this effect, on line 8."""
    return HEAD + CAP + rule("r", conditions, effect) + B2


def top(line: str) -> str:
    """Write a policy with this line, its fourth."""
    return HEAD + line + "\n"


# What is wrong, the file, and each fault as (line, code).
CASES = {
    "no toml": ("version = \n", [(1, "policy.toml")]),
    "no utf-8": (b"\xff\xfe", [(1, "policy.toml")]),
    "no toml on its third line": ('a = 1\nb = 2\nc = "', [(3, "policy.toml")]),
    "nested without end": ("a = " + "[" * 5000, [(1, "policy.toml")]),
    "too long": ("#" * (FILE_BYTES_MAX + 1), [(1, "policy.toml")]),
    "nothing in it": (
        "",
        [(1, "policy.default"), (1, "policy.missing"), (1, "policy.missing")],
    ),
    "unknown at the top": (top("colour = 1"), [(4, "policy.unknown_field")]),
    "a version of another form": (HEAD.replace('"1"', '"a b"'), [(1, "policy.value")]),
    "a version that is a number": (HEAD.replace('"1"', "1"), [(1, "policy.value")]),
    "a grade of another model": (HEAD.replace("points_v1", "points_v9"), [(2, "policy.model")]),
    "a default is absent": (
        HEAD.replace('NO_ADVERSE = "PROCEED", ', ""),
        [(3, "policy.default")],
    ),
    "a default of an unknown outcome": (
        HEAD.replace("ADVERSE =", "BAD ="),  # both
        [(3, "policy.default"), (3, "policy.unknown_field"), (3, "policy.unknown_field")],
    ),
    "a default that is no decision": (HEAD.replace('"REVIEW"', '"WAIT"', 1), [(3, "policy.value")]),
    "a default without a factor": (
        HEAD.replace('"PROCEED"', '"REDUCE_LIMIT"', 1),
        [(3, "policy.effect")],
    ),
    "NO_DATA proceeds": (
        HEAD.replace('NO_DATA = "REVIEW"', 'NO_DATA = "PROCEED"'),
        [(3, "policy.no_data")],
    ),
    "NO_DATA proceeds by a text": (
        HEAD.replace('NO_DATA = "REVIEW"', 'NO_DATA = "PROCEED"') + 'allow_no_data = "true"',
        [(3, "policy.no_data"), (4, "policy.value")],
    ),
    "WITHHELD proceeds": (
        HEAD.replace('WITHHELD = "REVIEW"', 'WITHHELD = "PROCEED"') + "allow_no_data = true",
        [(3, "policy.withheld")],
    ),
    "a rule lets NO_DATA proceed": (
        then('decision = "PROCEED", price_band = "b2"', 'outcome = { eq = "NO_DATA" }'),
        [(8, "policy.no_data")],
    ),
    "a rule lets WITHHELD proceed": (
        then('decision = "PROCEED"', 'outcome = { in = ["WITHHELD", "ADVERSE"] }'),
        [(8, "policy.withheld")],
    ),
    "a rule that changes nothing": (then('decision = "PROCEED"'), [(8, "policy.idle")]),
    "a forbidden own input": (
        top('own_inputs = { userAge = "integer" }'),
        [(4, "policy.forbidden_input")],
    ),
    "a forbidden condition": (when('gender = { eq = "f" }'), [(6, "policy.forbidden_input")]),
    "an own input by a field's name": (
        top('own_inputs = { grade = "text" }'),
        [(4, "policy.own_input")],
    ),
    "an own input of two words": (
        top("own_inputs = { 'a b' = \"text\" }"),
        [(4, "policy.own_input")],
    ),
    "an own input of unknown type": (top('own_inputs = { x = "float" }'), [(4, "policy.value")]),
    "an own input that is no text": (top("own_inputs = { x = 1 }"), [(4, "policy.value")]),
    "own inputs that are no table": (top("own_inputs = 1"), [(4, "policy.value")]),
    "rules that are no tables": (top("rule = [1]"), [(4, "policy.value")]),
    "rules that are one table": (top("[rule]"), [(4, "policy.value")]),
    "too many rules": (
        HEAD + "".join(rule(f"r{n}", LATE_NOW, STOP) for n in range(501)),
        [(4, "policy.value")],
    ),
    "a rule that lacks everything": (
        HEAD + "[[rule]]\n",
        [(4, "policy.missing"), (4, "policy.missing"), (4, "policy.missing")],
    ),
    "a rule with more": (
        HEAD + rule("r", LATE_NOW, STOP) + "note = 1\n",
        [(8, "policy.unknown_field")],
    ),
    "an id of another form": (HEAD + rule("A b", LATE_NOW, STOP), [(5, "policy.value")]),
    "an id twice": (
        HEAD + rule("r", LATE_NOW, STOP) + rule("r", LATE_NOW, REVIEW),
        [(9, "policy.duplicate")],
    ),
    "no condition": (when(""), [(6, "policy.missing")]),
    "an unknown field": (when("bucket = { gte = 2 }"), [(6, "policy.unknown_field")]),
    "the statement itself": (when('statement = { eq = "x" }'), [(6, "policy.unknown_field")]),
    "a condition that is no table": (
        when("current_bucket = 2"),
        [(6, "policy.value"), (6, "policy.value")],
    ),
    "an unknown comparison": (when("current_bucket = { gt = 2 }"), [(6, "policy.unknown_field")]),
    "a comparison without an order": (
        when('outcome = { gte = "ADVERSE" }'),
        [(6, "policy.condition")],
    ),
    "U has no place in the order": (when('grade = { gte = "U" }'), [(6, "policy.value")]),
    "a number for a text": (when("late_months = { gte = 2 }"), [(6, "policy.value")]),
    "true for a number": (when("current_bucket = { eq = true }"), [(6, "policy.value")]),
    "a band that is none": (when('late_months = { eq = "4" }'), [(6, "policy.value")]),
    "a bucket that is none": (when("current_bucket = { gte = 8 }"), [(6, "policy.value")]),
    "a month that is none": (when('freshest_month = { lte = "2026-13" }'), [(6, "policy.value")]),
    "a number for a list": (when("current_bucket = { in = 5 }"), [(6, "policy.value")]),
    "an empty list": (when("grade = { in = [] }"), [(6, "policy.value")]),
    "a list without end": (
        when(f"grade = {{ in = {['A'] * 201} }}"),
        [(6, "policy.value")],
    ),
    "a text without end": (
        top('own_inputs = { x = "text" }') + rule("r", f'x = {{ eq = "{"x" * 201}" }}', STOP),
        [(7, "policy.value")],
    ),
    "one bad value in a list": (when('grade = { in = ["A", "G"] }'), [(6, "policy.value")]),
    "a band contradicted": (
        when("current_bucket = { gte = 5, lte = 2 }"),
        [(6, "policy.contradiction")],
    ),
    "a value outside its bound": (
        when('grade = { eq = "A", gte = "C" }'),
        [(6, "policy.contradiction")],
    ),
    "a list outside its value": (
        when('grade = { eq = "A", in = ["B"] }'),
        [(6, "policy.contradiction")],
    ),
    "an open bound contradicted": (
        when('freshest_month = { gte = "2026-05", lte = "2026-04" }'),
        [(6, "policy.contradiction")],
    ),
    "no finding under NO_DATA": (
        when(f'outcome = {{ eq = "NO_DATA" }}, {LATE_NOW}'),
        [(6, "policy.unreachable")],
    ),
    "no grade under WITHHELD": (
        when('outcome = { eq = "WITHHELD" }, grade = { lte = "B" }'),
        [(6, "policy.unreachable")],
    ),
    "U with a finding": (when(f'grade = {{ eq = "U" }}, {LATE_NOW}'), [(6, "policy.unreachable")]),
    "reasons of two outcomes": (
        when('reasons = { eq = "R07" }, outcome = { eq = "ADVERSE" }'),
        [(6, "policy.unreachable")],
    ),
    "no velocity under WITHHELD": (
        when('reasons = { eq = "R08" }, velocity_7 = { gte = "1" }'),
        [(6, "policy.unreachable")],
    ),
    "a grade too good for its bands": (
        when(f'grade = {{ eq = "A" }}, {LATE_NOW}'),
        [(6, "policy.unreachable")],
    ),
    "an unknown decision": (then('decision = "WAIT"'), [(8, "policy.value")]),
    "no decision": (then('price_band = "b2"'), [(8, "policy.missing")]),
    "an unknown effect": (then(f"{STOP}, colour = 1"), [(8, "policy.unknown_field")]),
    "a factor that is a float": (then(f"{REVIEW}, limit_factor = 0.5"), [(8, "policy.value")]),
    "a factor over 1": (then(f'{REVIEW}, limit_factor = "1.5"'), [(8, "policy.value")]),
    "a stop with a limit": (then(f'{STOP}, limit_factor = "0.5"'), [(8, "policy.effect")]),
    "a stop with a price": (then(f'{STOP}, price_band = "b2"'), [(8, "policy.effect")]),
    "a reduction by nothing": (then('decision = "REDUCE_LIMIT"'), [(8, "policy.effect")]),
    "a reduction to nothing": (
        then('decision = "REDUCE_LIMIT", limit_factor = "0"'),
        [(8, "policy.effect")],
    ),
    "a reduction under another name": (
        then('decision = "PROCEED", limit_factor = "0.5", price_band = "b2"'),
        [(8, "policy.effect")],
    ),
    "an undeclared price": (then(f'{REVIEW}, price_band = "b3"'), [(8, "policy.price_band")]),
    "a price without a cap": (HEAD + B2, [(5, "policy.apr_cap")]),
    "a price above its cap": (HEAD + CAP + B2.replace("1800", "2401"), [(6, "policy.apr_cap")]),
    "a cap without a source": (top("apr_cap = { bp = 2400 }"), [(4, "policy.missing")]),
    "a cap with an empty source": (top('apr_cap = { bp = 1, source = "" }'), [(4, "policy.value")]),
    "a price that is no price": (HEAD + CAP + B2.replace("1800", "-1"), [(6, "policy.value")]),
    "a price without a number": (HEAD + CAP + "[price_band.b2]\n", [(5, "policy.missing")]),
    "a price called none": (HEAD + CAP + B2.replace("b2", "none"), [(5, "policy.value")]),
    "a price with more": (HEAD + CAP + B2 + "x = 1\n", [(7, "policy.unknown_field")]),
    "extending what is not there": (top('extend = "absent.toml"'), [(4, "policy.extend")]),
    "extending a zero byte": (top('extend = "\\u0000"'), [(4, "policy.extend")]),
    "extending itself": (top('extend = "policy.toml"'), [(4, "policy.extend")]),
    "extending no text": (top("extend = 1"), [(4, "policy.value")]),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_each_fault_is_told_with_its_line(
    text: str | bytes, expected: list[tuple[int, str]], tmp_path: Path
) -> None:
    """A policy that is quietly read otherwise decides about people by a slip of the pen."""
    place = tmp_path / "policy.toml"
    place.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(PolicyInvalid) as refused:
        load_policy(place)

    assert expected == [(one.line, one.code) for one in refused.value.faults]
    assert {str(place)} == {one.file for one in refused.value.faults}


def test_every_code_has_a_case_and_all_faults_come_at_once(tmp_path: Path) -> None:
    """Who mends one fault an hour gives up; a code that no test knows may be dead."""
    place = tmp_path / "policy.toml"
    place.write_text(
        top('extend = "absent.toml"')
        + 'own_inputs = { age = "integer", grade = "text" }\n'
        + rule("a", "current_bucket = { gte = 5, lte = 2 }, x = { eq = 1 }", STOP)
        + rule("a", LATE_NOW, 'decision = "PROCEED", price_band = "b9"')
    )

    with pytest.raises(PolicyInvalid) as refused:
        load_policy(place)

    tried = {code for _, expected in CASES.values() for _, code in expected}
    assert FAULTS.keys() == tried
    expected = [
        (4, "policy.extend"),
        (5, "policy.forbidden_input"),
        (5, "policy.own_input"),
        (8, "policy.contradiction"),
        (8, "policy.unknown_field"),
        (11, "policy.duplicate"),
        (13, "policy.price_band"),
    ]
    assert expected == [(one.line, one.code) for one in refused.value.faults]
    assert str(refused.value).startswith(f"7 faults: {place}:4: policy.extend: ")


def test_the_policy_of_the_page_holds(tmp_path: Path) -> None:
    """Whoever starts from the page starts from a policy without faults."""
    policy = policy_of(tmp_path, head=sample())

    assert (4, {"b2": 1800}, 2400) == (
        len(policy.rules),
        dict(policy.price_bands),
        policy.apr_cap_bp,
    )
