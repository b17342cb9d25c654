"""Strict JSON: one reading of every text, or none. Ids are those of the hostile corpus."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.domain.strict_json import JsonLimits, loads
from exchange.errors import DuplicateField, FormError, InvalidField

SAFE_TEXT = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=("Cs", "Cc", "Cn"),
        exclude_characters="\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    ),
    max_size=20,
)
LEAVES = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | SAFE_TEXT
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SAFE_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_what_is_plain_json_is_read_as_the_standard_library_reads_it(
    value: object, ascii_only: bool
) -> None:
    """A member's well-formed message must never be refused, in either spelling of its text."""
    raw = json.dumps(value, ensure_ascii=ascii_only).encode()

    read = loads(raw)

    assert json.loads(raw) == read


@given(st.binary(max_size=60))
def test_no_bytes_make_the_reader_fail_otherwise_than_by_refusing(raw: bytes) -> None:
    """A crash here would be a 500 that anyone could cause."""
    with contextlib.suppress(FormError, InvalidField):
        read = loads(raw)
        assert json.loads(raw) == read


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'[{"x":{"purpose":"A","purpose":"B"}}]',
    ],
)
def test_a34_a_member_named_twice_is_refused(raw: bytes) -> None:
    """Two readers could otherwise act on two different values of one signed message."""
    with pytest.raises(DuplicateField) as refused:
        loads(raw)

    assert refused.value.code == "request.duplicate_field"


@pytest.mark.parametrize(
    "number",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e400",
        b"-1e400",
        b"-0",
        b"-0.0",
        b"-0e5",
        b"9007199254740993",
        b"9223372036854775808",
        b"1000000000000001",
        b"-1000000000000001",
        b"1" * 4000,
        b"01",
        b"+1",
        b"1.",
        b".5",
        b"0x10",
    ],
)
def test_a35_numbers_without_one_exact_reading_are_refused_as_form(number: bytes) -> None:
    """Such numbers differ between languages: what was signed would not be what is stored."""
    with pytest.raises(FormError):
        loads(b'{"size":' + number + b"}")


@pytest.mark.parametrize("number", [10**15, -(10**15), 0, 7])
def test_a35_numbers_up_to_the_limit_are_read(number: int) -> None:
    """The limit itself is still a legal amount."""
    read = loads(b'{"size":%d}' % number)

    assert {"size": number} == read


@pytest.mark.parametrize("number", [b"5.0", b"5.5", b"5e0", b"1E2", b"0.0", b"1e-30"])
def test_a39_a_fraction_is_refused_and_its_place_is_named(number: bytes) -> None:
    """5.0 for 5 is not converted: a caller learns which field to mend."""
    with pytest.raises(InvalidField) as refused:
        loads(b'{"tokens":[1,{"size":' + number + b"}]}")

    assert ["/tokens/1/size"] == [fault.pointer for fault in refused.value.faults]
    assert number.decode() not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        '"\\ud800"',
        '"a\\udfffb"',
        '"\\udc00\\ud800"',
        '"\\u0000"',
        '"\\ufffe"',
        '"\uffff"',
        '"\ufdd0"',
        '"\U0001fffe"',
        '"\U0010ffff"',
        '"\u202eabc"',
        '"\u2066"',
        '"\\u200f"',
        '"\u061c"',
    ],
)
def test_a37_characters_that_deceive_or_break_are_refused(text: str) -> None:
    """A name that shows reversed, or a text a database cannot hold, must not be stored."""
    for raw in (f'{{"operator":{text}}}', f'{{{text}:"x"}}', f"[{text}]"):
        with pytest.raises(InvalidField):
            loads(raw.encode("utf-8", "surrogatepass"))


def test_a37_a_surrogate_pair_and_a_joiner_are_text() -> None:
    """Emoji and Indic joiners are what people write; they are not in the refused set."""
    read = loads(b'["\\ud83d\\ude00", "\xe0\xa4\x95\xe2\x80\x8d"]')

    assert ["\U0001f600", "\u0915\u200d"] == read


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"{}\x00",
        b"{'a':1}",
        b'{"a":1,}',
        b"[1,]",
        b'{"a"}',
        b"// c\n{}",
        b'"\x07"',
        b'"\xed\xa0\x80"',
        b'"\xc0\xaf"',
        b"\xff\xfe{\x00}\x00",
        b'"\\x41"',
        b"True",
        b'{"a":1',
    ],
)
def test_what_is_not_json_in_utf8_is_refused_as_form(raw: bytes) -> None:
    """Each of these is taken by some lax reader: a signature over it would mean two things."""
    with pytest.raises(FormError):
        loads(raw)


def test_depth_is_taken_up_to_its_limit_and_no_deeper() -> None:
    """Deep nesting is refused before anything recurses into it."""
    assert loads(b"[" * 16 + b"]" * 16) is not None

    with pytest.raises(FormError):
        loads(b"[" * 17 + b"]" * 17)
    with pytest.raises(FormError):
        loads(b'{"a":' * 200_000)


def test_brackets_inside_strings_are_not_depth() -> None:
    """A text may hold as many brackets as it likes."""
    read = loads(b'{"text":"' + b"[{" * 200 + b'\\"[[["}')

    assert {"text": "[{" * 200 + '"[[['} == read


def test_members_of_an_object_are_counted() -> None:
    """200 members pass, 201 are refused: memory is bounded before any schema sees them."""
    assert len(json.loads(_members(200))) == 200
    assert loads(_members(200)) == json.loads(_members(200))

    with pytest.raises(FormError):
        loads(_members(201))


@pytest.mark.parametrize("letter", ["a", "é", '\\"'])
def test_a_string_is_taken_up_to_its_bytes_and_no_longer(letter: str) -> None:
    """The limit is one of bytes as stored, however the string is spelled."""
    size = len(json.loads(f'"{letter}"').encode())
    fits = letter * (1024 // size)

    assert loads(f'{{"operator":"{fits}"}}'.encode()) == {"operator": json.loads(f'"{fits}"')}
    with pytest.raises(InvalidField) as refused:
        loads(f'{{"operator":"{fits}{letter}"}}'.encode())
    assert ["/operator"] == [fault.pointer for fault in refused.value.faults]


def test_limits_are_the_callers() -> None:
    """A route with longer texts says so, and no other route is loosened by it."""
    raw = b'"' + b"a" * 2000 + b'"'

    assert loads(raw, JsonLimits(string_bytes=4096)) == "a" * 2000
    with pytest.raises(InvalidField):
        loads(raw)


def test_a_refusal_names_no_value_and_no_odd_member() -> None:
    """Somebody's number used as a member's name must not come back in an error."""
    with pytest.raises(InvalidField) as refused:
        loads(b'{"11010519491231002X":{"size":1.5}}')

    assert ["/size"] == [fault.pointer for fault in refused.value.faults]
    assert "1101" not in repr(refused.value) + repr(refused.value.faults)


def _members(count: int) -> bytes:
    return json.dumps({f"m{number}": number for number in range(count)}).encode()
