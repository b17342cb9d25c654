"""Cursors: bound to reader, list, filter and a day; anything else is refused alike."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.domain.base64url import b64url, unb64url
from exchange.domain.lists.cursors import POSITION_BYTES_MAX, Reading, read_cursor, write_cursor
from exchange.errors import InvalidCursor

NOW, LIFE = 1_790_000_000, 86_400
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
READINGS = st.builds(
    Reading,
    member=TEXTS,
    listing=TEXTS,
    filter=st.dictionaries(TEXTS, TEXTS, max_size=3),
)


def mac(body: bytes) -> bytes:
    """Bind under the key of these tests."""
    return hmac.digest(b"the exchange's", body, "sha256")


@given(READINGS, st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_cursor_brings_its_own_reader_back_to_its_place(reading: Reading, position: str) -> None:
    """Whoever reads on must go on where they stopped, to the last second of the cursor's life."""
    cursor = write_cursor(position, reading, mac, NOW)

    read = read_cursor(cursor, reading, mac, NOW + LIFE - 1, LIFE)

    assert position == read


@given(READINGS, READINGS)
def test_a_cursor_of_one_reading_opens_no_other(reading: Reading, other: Reading) -> None:
    """A cursor lent to another member, list or filter would show rows that were not asked for."""
    if reading.parts() == other.parts():
        return
    cursor = write_cursor("7", reading, mac, NOW)

    with pytest.raises(InvalidCursor):
        read_cursor(cursor, other, mac, NOW, LIFE)


def test_names_and_values_of_a_filter_do_not_run_into_each_other() -> None:
    """`a=bc` and `ab=c` are two filters, though their letters are the same."""
    one = Reading(member="m", listing="l", filter={"a": "bc"})
    other = Reading(member="m", listing="l", filter={"ab": "c"})

    with pytest.raises(InvalidCursor):
        read_cursor(write_cursor("7", one, mac, NOW), other, mac, NOW, LIFE)


def test_a_cursor_lives_for_its_day_and_no_second_longer() -> None:
    """A cursor found in an old log must be worth nothing."""
    reading = Reading(member="m", listing="l")
    cursor = write_cursor("7", reading, mac, NOW)

    with pytest.raises(InvalidCursor):
        read_cursor(cursor, reading, mac, NOW + LIFE, LIFE)


def test_every_changed_bit_of_a_cursor_is_noticed() -> None:
    """A cursor that a client edits would choose its own place, or a longer life."""
    reading = Reading(member="m", listing="l")
    raw = unb64url(write_cursor("7", reading, mac, NOW))
    edited = [
        b64url(bytes(byte ^ (1 << bit) if at == place else byte for at, byte in enumerate(raw)))
        for place in range(len(raw))
        for bit in range(8)
    ]

    for text in edited:
        with pytest.raises(InvalidCursor):
            read_cursor(text, reading, mac, NOW, LIFE)


@pytest.mark.parametrize("text", ["", "A", "=", "AAAA", "é", "A" * 601, "A" * 28, "\n"])
def test_what_never_was_a_cursor_is_refused_like_a_forged_one(text: str) -> None:
    """Two answers would tell a forger how far it came."""
    with pytest.raises(InvalidCursor):
        read_cursor(text, Reading(member="m", listing="l"), mac, NOW, LIFE)


def test_a_position_has_a_limit() -> None:
    """A cursor that outgrows a request line would break the reading in its middle."""
    reading = Reading(member="m", listing="l")

    write_cursor("p" * POSITION_BYTES_MAX, reading, mac, NOW)

    with pytest.raises(ValueError, match="256"):
        write_cursor("p" * (POSITION_BYTES_MAX + 1), reading, mac, NOW)
