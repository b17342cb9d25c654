"""The quick reader of the usual signature beside the one of any signature."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exchange.crypto import messages
from exchange.crypto.messages import RequestParts, SignedRequest, parse_any_request, parse_request
from exchange.errors import ExchangeError
from tests.support.message_parts import parts_of
from tests.support.signature_vectors import REQUESTS

USUAL = parts_of(REQUESTS["query"])
FIELDS = ("content_digest", "content_type", "signature_input", "signature")
CUTS = st.tuples(
    st.sampled_from(FIELDS),
    st.integers(0, 200),
    st.integers(0, 3),
    st.sampled_from(
        ["", '"', ";", ":", ",", "=", " ", "0", "a", "A", "é", "\n", ";expires=9", "//"]
    ),
)


def read(parts: RequestParts, *, usual: bool) -> SignedRequest | type[ExchangeError]:
    """Return what comes of these parts: a request, or the kind of its refusal."""
    try:
        return parse_request(parts) if usual else parse_any_request(parts)
    except ExchangeError as error:
        return type(error)


@given(cuts=st.lists(CUTS, max_size=2), has_body=st.booleans())
def test_the_usual_signature_is_read_as_any_other(
    cuts: list[tuple[str, int, int, str]], has_body: bool
) -> None:
    """A reader that takes more than the other would let somebody sign less than is acted on."""
    parts = replace(USUAL, has_body=has_body)
    for name, at, length, put in cuts:
        text = getattr(parts, name)
        parts = replace(parts, **{name: text[:at] + put + text[at + length :]})

    assert read(parts, usual=False) == read(parts, usual=True)


def test_what_the_sdk_signs_is_usual() -> None:
    """A query costs more where its signature goes the long way."""
    assert messages._USUAL.fullmatch(USUAL.signature_input or "")
