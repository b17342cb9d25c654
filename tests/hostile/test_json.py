"""Hostile JSON under right signatures (A34 to A40), over raw sockets."""

from __future__ import annotations

import pytest

from tests.hostile.target import Target


@pytest.mark.parametrize(
    "more",
    [
        ',"{name}":"other"',
        ',"\\u{first:04x}{rest}":"other"',
        ',"items":[{{"name":"a","name":"b"}}]',
    ],
)
def test_a34_a_member_named_twice_is_refused(target: Target, more: str) -> None:
    """Two readers of one signed message would act on two values."""
    name = target.text_name
    twice = more.format(name=name, first=ord(name[0]), rest=name[1:])

    reply = target.post(target.body(more=twice))

    assert (400, "request.duplicate_field") == (reply.status, reply.code)


@pytest.mark.parametrize(
    "number",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-0",
        "-0.0",
        str(2**53 + 1),
        str(2**63),
        "9" * 4000,
        "1_000",
        "0x5",
        "05",
    ],
)
def test_a35_a_number_without_one_exact_reading_is_refused(target: Target, number: str) -> None:
    """What was signed must be what every language reads."""
    reply = target.post(target.body(integer=number))

    assert (400, "request.form") == (reply.status, reply.code)


@pytest.mark.parametrize(
    "text",
    ['"\\ud800"', '"\\u0000"', '"\ufffe"', '"\ufdd0"', '"\\uffff"', '"a\u202eb"', '"\\u2067"'],
    ids=ascii,
)
def test_a37_a_character_that_deceives_or_breaks_is_refused(target: Target, text: str) -> None:
    """Names that show reversed, and text that no database holds, end at the edge."""
    reply = target.post(target.body(text=text))

    assert (422, [target.text_pointer]) == (reply.status, reply.pointers)


def test_a37_bytes_that_are_no_utf8_are_refused(target: Target) -> None:
    """An encoded surrogate or a cut letter is no text."""
    for text in ('"\ud800"', '"\udcff"'):
        raw = f'{{"text":{text}}}'.encode("utf-8", "surrogatepass")
        assert target.post(raw).status == 400
    assert target.post(b'{"text":"\xff"}').status == 400
    assert target.post(b"\xef\xbb\xbf" + target.body()).status == 400


@pytest.mark.parametrize("value", ["true", '"5"', "5.0", "5e0", "null", "[5]", "{}"])
def test_a39_a_number_of_another_type_is_refused(target: Target, value: str) -> None:
    """`true` is no 1, "5" is no 5, 5.0 is no 5, and null is not absent."""
    reply = target.post(target.body(integer=value))

    assert (422, "request.field") == (reply.status, reply.code)
    assert [target.integer_pointer] == reply.pointers


def test_a39_a_number_beyond_its_range_is_refused(target: Target) -> None:
    """A limit that is one too wide is found by whoever looks for it."""
    for value in target.integers_beyond:
        reply = target.post(target.body(integer=value))
        assert (422, [target.integer_pointer]) == (reply.status, reply.pointers)


@pytest.mark.parametrize("value", ["0", "1", '"true"', "null", '"yes"'])
def test_a39_a_flag_of_another_type_is_refused(edge_target: Target, value: str) -> None:
    """Truth has two spellings. (No route of the exchange takes a flag in this body.)"""
    assert edge_target.post(edge_target.body(flag=value)).status == 422


@pytest.mark.parametrize("name", ["member_id", "dispute_state", "__proto__", "", "a.b", "Text"])
def test_a40_a_member_nobody_asked_for_is_refused(target: Target, name: str) -> None:
    """A field that is silently ignored here may be obeyed in the next version."""
    reply = target.post(target.body(more=f',"{name}":"canary-7"'))

    assert (422, "request.field") == (reply.status, reply.code)
    assert b"canary-7" not in reply.body


def test_depth_and_width_are_refused_as_form(target: Target) -> None:
    """16 levels and 200 members are what any message needs."""
    deep = ',"items":' + "[" * 16 + "]" * 16
    wide = "".join(f',"m{number}":1' for number in range(200))

    assert target.post(target.body(more=deep)).status == 400
    assert target.post(target.body(more=wide)).status == 400
    assert target.post(b"[" * 60_000).status == 400


def test_a_string_over_its_limit_is_refused(target: Target) -> None:
    """One KiB of text, wherever it stands."""
    reply = target.post(target.body(text='"' + "a" * 1025 + '"'))

    assert (422, [target.text_pointer]) == (reply.status, reply.pointers)
