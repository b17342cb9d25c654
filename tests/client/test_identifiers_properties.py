"""What must hold for every text: the normal form is a fixed point, and nothing crashes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from exchange_client.errors import InvalidIdentifier
from exchange_client.identifiers import Identifier, normalise

_VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "norm_v1.json").read_text())
TODAY = date.fromisoformat(_VECTORS["today"])
ACCEPTED = [case for case in _VECTORS["cases"] if "number" in case]
TYPES = sorted({(case["id_type"], case["country"]) for case in ACCEPTED})
SEPARATORS = {"mobile": " -().\u3000\u00a0\u2010\u2212", "other": " -\u3000\u00a0\u2013\u2212"}


@st.composite
def dressed(draw: st.DrawFn) -> tuple[str, str, str, str]:
    """A number as people write it: type, country, text, and the number it stands for."""
    case = draw(st.sampled_from(ACCEPTED))
    number = case["number"]
    separators = SEPARATORS.get(case["id_type"], SEPARATORS["other"])
    pieces = []
    for character in number:
        form = draw(st.sampled_from(("plain", "lower", "wide")))
        shown = character.lower() if form == "lower" else character
        pieces.append(chr(ord(shown) + 0xFEE0) if form == "wide" else shown)
        pieces.append(draw(st.text(separators, max_size=2)))
    return case["id_type"], case["country"], "".join(pieces), number


@st.composite
def near_misses(draw: st.DrawFn) -> tuple[str, str, str]:
    """An accepted text with a few places changed, under some type: often refused, not always."""
    id_type, country = draw(st.sampled_from(TYPES))
    text = list(draw(st.sampled_from(ACCEPTED))["text"])
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        text[place : place + draw(st.integers(0, 1))] = draw(st.text(max_size=2))
    return id_type, country, "".join(text)


@given(dressed())
def test_the_dress_of_a_number_does_not_change_it(case: tuple[str, str, str, str]) -> None:
    """Members' forms differ in spaces, hyphens, width and case; the borrower is the same."""
    id_type, country, text, number = case

    assert number == normalise(id_type, country, text, TODAY)


@given(near_misses() | st.tuples(*(st.text(max_size=70) for _ in range(3))))
def test_the_normal_form_is_a_fixed_point(case: tuple[str, str, str]) -> None:
    """norm(norm(x)) = norm(x): a member that stores normal forms must find what it found before."""
    id_type, country, text = case
    try:
        number = normalise(id_type, country, text, TODAY)
    except InvalidIdentifier:
        return

    again = normalise(id_type, country, number, TODAY)

    assert number == again
    assert number == Identifier(id_type=id_type, country=country, number=number).number
    assert number.isascii()
    assert "\n" not in number


@given(st.sampled_from(TYPES), st.text("0123456789ABCPXZ+<- ", min_size=5, max_size=18))
def test_numbers_drawn_from_the_alphabet_of_documents_are_fixed_points_too(
    kind: tuple[str, str], text: str
) -> None:
    """Free text is nearly always refused early; this reaches the check digits and the content."""
    id_type, country = kind
    try:
        number = normalise(id_type, country, text, TODAY)
    except InvalidIdentifier:
        return

    assert number == normalise(id_type, country, number, TODAY)
