"""Signed requests: what is taken and what is refused, at each boundary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exchange.crypto.messages import (
    Window,
    check_digest,
    check_time,
    digest_of,
    parse_request,
    verify,
)
from exchange.errors import (
    DigestMismatch,
    FormError,
    SignatureError,
    StaleRequest,
    UncoveredRequest,
)
from tests.support.message_parts import PUBLIC_KEYS, parts_of
from tests.support.signature_vectors import REQUESTS

NOW = 1_790_000_000


@pytest.mark.parametrize(("age", "accepted"), [(59, True), (60, True), (61, False), (3600, False)])
def test_a20_a_request_is_taken_up_to_sixty_seconds_old(age: int, accepted: bool) -> None:
    """A slow line must not lock a member out, and a captured request must not live on."""
    signed = parse_request(parts_of(REQUESTS["query"]))

    assert accepted == _in_time(signed.created + age)


@pytest.mark.parametrize(("ahead", "accepted"), [(5, True), (29, True), (30, True), (31, False)])
def test_a20_a_request_is_taken_up_to_thirty_seconds_ahead(ahead: int, accepted: bool) -> None:
    """A client clock a little fast is common; one far ahead would stretch the replay window."""
    signed = parse_request(parts_of(REQUESTS["query"]))

    assert accepted == _in_time(signed.created - ahead)


def test_a20_a_request_past_its_own_expiry_is_refused() -> None:
    """A client that says when its request dies must be believed."""
    name = "components in another order, with expires"
    signed = replace(parse_request(parts_of(REQUESTS[name])), expires=NOW + 10)

    check_time(replace(signed, created=NOW), NOW + 9, Window())
    with pytest.raises(StaleRequest):
        check_time(replace(signed, created=NOW), NOW + 10, Window())


def test_a22_another_body_under_the_same_signature_is_refused() -> None:
    """What is parsed must be what was signed."""
    vector = REQUESTS["query"]
    signed = parse_request(parts_of(vector))

    with pytest.raises(DigestMismatch):
        check_digest(signed, vector["body"].encode() + b" ")
    with pytest.raises(DigestMismatch):
        check_digest(parse_request(parts_of(REQUESTS["fetch"])), b"x")


def test_a24_a_signature_for_one_target_does_not_hold_for_another() -> None:
    """A request captured at one route must be worth nothing at any other."""
    parts = parts_of(REQUESTS["query"])
    key = PUBLIC_KEYS["member-a/k1"]

    for changed in (
        replace(parts, target_uri=parts.target_uri.replace("queries", "batches")),
        replace(parts, target_uri=parts.target_uri + "?a=1"),
        replace(parts, method="PUT"),
        replace(parts, content_type="application/x-ndjson"),
        replace(parts, content_digest=digest_of(b"other")),
    ):
        assert not verify(parse_request(changed), key)


def test_a24_the_order_of_a_query_string_is_signed() -> None:
    """Two orders of the same arguments are two requests."""
    parts = parts_of(REQUESTS["fetch"])
    swapped = parts.target_uri.replace("after=17&x=%2F", "x=%2F&after=17")

    assert swapped != parts.target_uri
    assert not verify(parse_request(replace(parts, target_uri=swapped)), PUBLIC_KEYS["member-a/k1"])


def test_a_body_asks_for_both_content_fields_and_no_body_for_neither() -> None:
    """A request without a body cannot sign what it does not send."""
    without = parts_of(REQUESTS["fetch"])

    assert parse_request(without).content_digest is None
    with pytest.raises(UncoveredRequest):
        parse_request(replace(without, has_body=True, content_digest=digest_of(b"x")))


@pytest.mark.parametrize("value", ["application/json\nx", "application/json\r", "é"])
def test_a_header_value_cannot_add_a_line_to_what_is_signed(value: str) -> None:
    """A value that spans lines could make one signature mean two requests."""
    parts = replace(parts_of(REQUESTS["query"]), content_type=value)

    try:
        signed = parse_request(parts)
    except SignatureError:
        return
    assert not verify(signed, PUBLIC_KEYS["member-a/k1"])


def test_other_signatures_beside_ours_are_stepped_over() -> None:
    """A member's own proxy may sign as well; only the one with our tag counts."""
    vector = REQUESTS["query"]
    other = 'proxy=("date" "@query-param";name="a, b");created=1;keyid="p";x=?1;y=tok/en;z=:AA==:'

    signed = parse_request(
        replace(
            parts_of(vector),
            signature_input=f"{other}, {vector['signature_input']}",
            signature=f"proxy=:AA==:, {vector['signature']}",
        )
    )

    assert vector["base"].encode() == signed.base


def test_five_signatures_are_more_than_anyone_needs() -> None:
    """Work done before the signature is checked is bounded."""
    vector = REQUESTS["query"]
    others = ", ".join(f'p{number}=("date");created=1' for number in range(4))

    with pytest.raises(SignatureError):
        parse_request(
            replace(parts_of(vector), signature_input=f"{others}, {vector['signature_input']}")
        )


@given(st.text(max_size=80) | st.from_regex(r'sig=\("@method"[ -~]{0,60}', fullmatch=True))
def test_no_signature_field_makes_the_reader_fail_otherwise_than_by_refusing(text: str) -> None:
    """A crash on a header that anyone may send would be a 500."""
    parts = parts_of(REQUESTS["query"])

    with pytest.raises((SignatureError, FormError)):
        parse_request(replace(parts, signature_input=text))
    with pytest.raises((SignatureError, FormError)):
        parse_request(replace(parts, signature=text))


def test_a_long_field_is_refused_before_it_is_read() -> None:
    """A header near its limit must not buy seconds of matching."""
    parts = parts_of(REQUESTS["query"])

    for text in ("sig=" + '("a"' * 2000, "a" * 4097, 'sig=("' + "\\\\" * 2040):
        with pytest.raises(SignatureError):
            parse_request(replace(parts, signature_input=text))


def _in_time(now: int) -> bool:
    signed = parse_request(parts_of(REQUESTS["query"]))
    try:
        check_time(signed, now, Window())
    except StaleRequest:
        return False
    return True
