"""The normal form of identifiers, against the golden vectors that every language can run."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TypedDict

import pytest
from stdnum.us import ssn as stdnum_ssn

from exchange_client.errors import InvalidIdentifier
from exchange_client.identifiers import Identifier, check_age, normalise, warnings

SAMPLE = "11010519491231002X"  # of GB 11643-1999


class Case(TypedDict, total=False):
    """One line of norm_v1.json: `number` if it is accepted, else `error`."""

    id: str
    id_type: str
    country: str
    text: str
    number: str
    error: str
    why: str


_VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "norm_v1.json").read_text())
TODAY = date.fromisoformat(_VECTORS["today"])
CASES: list[Case] = _VECTORS["cases"]
A53 = [case for case in CASES if case["why"].startswith("A53")]


def outcome(case: Case) -> str:
    """Normalise the text of a case; a refusal is told by its code."""
    try:
        return normalise(case["id_type"], case["country"], case["text"], TODAY)
    except InvalidIdentifier as refusal:
        return refusal.code


def expected(case: Case) -> str:
    """The number or the refusal that the case asks for."""
    return case["number"] if "number" in case else case["error"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_vector_of_norm_v1_gives_its_number_or_its_refusal(case: Case) -> None:
    """Two members who write one borrower differently would get two tokens, and find nothing."""
    assert expected(case) == outcome(case), case["why"]


def test_the_vectors_are_many_and_hold_both_kinds() -> None:
    """A file cut short would pass every test of its lines."""
    refused = [case["error"] for case in CASES if "error" in case]

    assert len(CASES) >= 200
    assert len(refused) >= 100
    assert len(CASES) - len(refused) >= 100
    rules = {"type", "country", "length", "characters", "format", "checksum", "date", "dummy"}
    assert {f"identifier.{rule}" for rule in rules} == set(refused)


@pytest.mark.parametrize("case", A53, ids=lambda case: case["id"])
def test_a53_look_alike_characters_are_mapped_or_refused_never_guessed(case: Case) -> None:
    """A look-alike taken for another character would name another borrower, or nobody."""
    assert expected(case) == outcome(case), case["why"]
    assert "number" in case or case["error"] in ("identifier.characters", "identifier.length")


@pytest.mark.parametrize(
    "form",
    ["\uff11", "\u0661", "\u0445", "\u200d", "e\u0301", "\u0130"],
    ids=["full-width", "arabic-digit", "cyrillic-ha", "zwj", "nfd", "dotted-i"],
)
def test_a53_every_form_of_the_corpus_has_a_vector(form: str) -> None:
    """A form without a vector would be read differently by the next SDK."""
    assert any(form in case["text"].lower() or form in case["text"] for case in CASES)


def test_a53_a_lone_surrogate_is_refused() -> None:
    """Broken text from a broken import must end as a refusal, not as a crash while hashing."""
    with pytest.raises(InvalidIdentifier, match="characters"):
        normalise("ric", "CN", "\ud800" + SAMPLE[1:], TODAY)


@pytest.mark.parametrize("case", [case for case in CASES if "error" in case], ids=lambda c: c["id"])
def test_a_refusal_never_repeats_the_value(case: Case) -> None:
    """Errors reach logs and tickets; a number in one of them is a leak."""
    with pytest.raises(InvalidIdentifier) as caught:
        normalise(case["id_type"], case["country"], case["text"], TODAY)

    text = case["text"].strip()
    assert len(text) < 5 or text not in f"{caught.value} {caught.value!r} {caught.value.args}"
    assert caught.value.__cause__ is None


def test_an_identifier_does_not_show_its_number() -> None:
    """A member that logs its objects would write identifiers to disk."""
    identifier = Identifier.parse("ric", "CN", SAMPLE, TODAY)

    shown = f"{identifier} {identifier!r} {[identifier]}"

    assert SAMPLE not in shown
    assert SAMPLE[6:14] not in shown


def test_an_identifier_cannot_exist_in_another_form() -> None:
    """An object built by hand around `normalise` would be hashed as it is, and match nobody."""
    for number in ("110105491231002", SAMPLE.lower(), "110105-19491231-002X"):
        with pytest.raises(InvalidIdentifier):
            Identifier(id_type="ric", country="CN", number=number)

    assert SAMPLE == Identifier(id_type="ric", country="CN", number=SAMPLE).number


@pytest.mark.parametrize(
    ("id_type", "country", "text", "hashed", "scheme", "kind"),
    [
        ("ric", "CN", "110105491231002", f"ric\nCN\n{SAMPLE}", "cn.ric", "identity"),
        ("passport", "DE", "L898902C36", "passport\nDE\nL898902C3", "de.passport", "identity"),
        (
            "mobile",
            "ZZ",
            "0086 139-0000-0000",
            "mobile\nZZ\n+8613900000000",
            "zz.mobile",
            "contact",
        ),
        ("pan", "IN", "acupa7085r", "pan\nIN\nACUPA7085R", "in.pan", "identity"),
    ],
)
def test_the_hashed_text_holds_version_type_and_country(
    id_type: str, country: str, text: str, hashed: str, scheme: str, kind: str
) -> None:
    """One number under two types or countries must give two tokens, in every language alike."""
    identifier = Identifier.parse(id_type, country, text, TODAY)

    assert f"cx/subject/v1\n{hashed}".encode() == identifier.oprf_input()
    assert scheme == identifier.scheme
    assert kind == identifier.kind


def test_only_a_resident_id_tells_a_birth_date() -> None:
    """The age rule rests on this date, and must not be fed from a number that has none."""
    passport = Identifier.parse("passport", "DE", "199001011", TODAY)

    assert date(1949, 12, 31) == Identifier.parse("ric", "CN", SAMPLE, TODAY).birth_date
    assert passport.birth_date is None


def make_ric(day: str) -> Identifier:
    """A synthetic resident ID with this birth date; the check character by the standard's sum."""
    body = f"990001{day}017"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(weight * int(digit) for weight, digit in zip(weights, body, strict=True))
    return Identifier.parse("ric", "CN", body + "10X98765432"[total % 11], TODAY)


@pytest.mark.parametrize(
    ("born", "on", "accepted"),
    [
        ("20080301", date(2026, 3, 1), True),
        ("20080301", date(2026, 2, 28), False),
        ("20080229", date(2026, 2, 28), False),
        ("20080229", date(2026, 3, 1), True),
        ("20081231", date(2026, 12, 30), False),
        ("20081231", date(2027, 1, 1), True),
        ("20081231", date(2008, 12, 30), False),
    ],
)
def test_a_subject_comes_of_age_on_the_birthday(born: str, on: date, accepted: bool) -> None:
    """A child's debt in the exchange, or an adult turned away, both by one day."""
    identifier = make_ric(born)

    if accepted:
        check_age(identifier, on)
    else:
        with pytest.raises(InvalidIdentifier) as caught:
            check_age(identifier, on)
        assert caught.value.code == "identifier.minor"


def test_the_age_limit_is_the_profiles() -> None:
    """Another jurisdiction's age of majority must not need another SDK."""
    identifier = make_ric("20060615")

    check_age(identifier, date(2026, 6, 15), min_age_years=20)
    with pytest.raises(InvalidIdentifier, match="minor"):
        check_age(identifier, date(2026, 6, 15), min_age_years=21)


def test_a_number_without_a_birth_date_passes_the_age_check() -> None:
    """A foreigner's passport tells no age: the member's own file must."""
    passport = Identifier.parse("passport", "DE", "L898902C3", TODAY)

    check_age(passport, TODAY)

    assert passport.birth_date is None


@pytest.mark.parametrize(
    ("id_type", "country", "text", "expected_warnings"),
    [
        ("ric", "CN", SAMPLE, ()),
        ("ric", "CN", "990001850615001", ("region_unknown",)),
        ("uscc", "CN", "91350100M000100Y43", ()),
        ("uscc", "CN", "91999999MA0000011P", ("org_check",)),
        ("mobile", "ZZ", "+12025550123", ()),
        ("mobile", "ZZ", "+999999999999999", ("phone_implausible",)),
        ("mobile", "ZZ", "+12020000000", ("phone_implausible",)),
        ("passport", "DE", "L898902C3", ()),
        ("pan", "IN", "ZZZPZ0001Z", ()),
        ("ssn", "US", "001-01-0001", ()),
    ],
)
def test_what_looks_odd_is_a_warning_and_never_a_refusal(
    id_type: str, country: str, text: str, expected_warnings: tuple[str, ...]
) -> None:
    """Region and number plans change: refusing by them would shut out real borrowers."""
    identifier = Identifier.parse(id_type, country, text, TODAY)

    assert expected_warnings == warnings(identifier)


def test_the_frozen_dummies_are_those_that_python_stdnum_knows() -> None:
    """A dummy number shared by thousands of forms would merge their owners into one borrower."""
    for dummy in ("078-05-1120", "219-09-9999", "457-55-5462"):
        assert not stdnum_ssn.is_valid(dummy)
        with pytest.raises(InvalidIdentifier, match="dummy"):
            normalise("ssn", "US", dummy, TODAY)
