"""What a passkey signed: taken when all of it holds, refused for each part that does not."""

from __future__ import annotations

import base64
import hashlib
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.crypto.page_tokens import check_start, form_token, new_start, sign_in_challenge
from exchange.crypto.passkeys import (
    parse_assertion,
    parse_creation,
    verify_assertion,
    verify_creation,
)
from exchange.domain.borrowers.passkeys import Passkey, RelyingParty
from exchange.domain.borrowers.reach import OPERATOR, reach_of
from exchange.errors import PasskeyRefused, SessionError
from tests.support.authenticator import PAGES, Authenticator

PARTY = RelyingParty(id="localhost", origin=PAGES)
CHALLENGE = bytes(range(32))
TEXT = base64.urlsafe_b64encode(CHALLENGE).rstrip(b"=").decode()
NOW = 1_790_000_000


def made(device: Authenticator) -> Passkey:
    """Return the device's key as it is stored."""
    return verify_creation(parse_creation(device.create(TEXT)), CHALLENGE, PARTY, NOW)


def test_a_key_that_was_made_here_signs_here_and_counts_up() -> None:
    """The borrower's own signature must be taken, each time."""
    device = Authenticator()
    passkey = made(device)

    counts = [
        verify_assertion(parse_assertion(device.sign(TEXT)), CHALLENGE, passkey, PARTY)
        for _ in range(2)
    ]

    assert [1, 2] == counts


def test_a_count_that_goes_back_is_refused() -> None:
    """Two devices that hold one key are a key that was copied."""
    device = Authenticator()
    first = made(device)
    kept = Passkey(
        credential_id=first.credential_id, public_key=first.public_key, sign_count=9, made_at=NOW
    )

    with pytest.raises(PasskeyRefused, match="went back"):
        verify_assertion(parse_assertion(device.sign(TEXT)), CHALLENGE, kept, PARTY)


def test_a_key_that_has_ended_signs_nothing() -> None:
    """A key that was reported lost must stay lost."""
    device = Authenticator()
    first = made(device)
    ended = Passkey(
        credential_id=first.credential_id,
        public_key=first.public_key,
        sign_count=0,
        made_at=NOW,
        ended_at=NOW,
    )

    with pytest.raises(PasskeyRefused):
        verify_assertion(parse_assertion(device.sign(TEXT)), CHALLENGE, ended, PARTY)


@given(position=st.integers(0, 10_000), flip=st.integers(1, 255), part=st.integers(0, 3))
def test_one_changed_byte_anywhere_is_refused_and_never_breaks_us(
    position: int, flip: int, part: int
) -> None:
    """An answer that was tampered with must end as a refusal, whatever it says."""
    device = Authenticator()
    passkey = made(device)
    answer = json.loads(device.sign(TEXT))
    name = ("id", "clientDataJSON", "authenticatorData", "signature")[part]
    raw = bytearray(base64.urlsafe_b64decode(answer[name] + "=="))
    raw[position % len(raw)] ^= flip
    answer[name] = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    with pytest.raises(PasskeyRefused):
        verify_assertion(parse_assertion(json.dumps(answer)), CHALLENGE, passkey, PARTY)


@given(st.binary(max_size=400))
def test_a_new_key_of_random_bytes_is_refused_and_never_breaks_us(noise: bytes) -> None:
    """What no authenticator says must not reach the database, nor stop the page."""
    answer = json.loads(Authenticator().create(TEXT))
    answer["attestationObject"] = base64.urlsafe_b64encode(noise).rstrip(b"=").decode()

    with pytest.raises(PasskeyRefused):
        verify_creation(parse_creation(json.dumps(answer)), CHALLENGE, PARTY, NOW)


@given(st.text(max_size=200))
def test_any_text_in_place_of_an_answer_is_refused(text: str) -> None:
    """The field is the outside world's to fill."""
    with pytest.raises(PasskeyRefused):
        parse_assertion(text)


def mac(body: bytes) -> bytes:
    """Stand in for the keyring's own MAC."""
    return hashlib.sha256(b"a test's key" + body).digest()


def test_a_start_is_good_for_ten_minutes_and_only_ours() -> None:
    """A challenge that never ends, or that anyone can make, is no challenge."""
    start = new_start(mac, NOW, os.urandom)
    forged = new_start(lambda body: bytes(32), NOW, os.urandom)

    check_start(start, mac, NOW + 600, 600)

    late, early, cut = (start, NOW + 601), (start, NOW - 1), (start[1:], NOW)
    for odd, now in (late, early, cut, (forged, NOW), (b"", NOW)):
        with pytest.raises(SessionError):
            check_start(odd, mac, now, 600)
    assert sign_in_challenge(start) != sign_in_challenge(forged)
    assert form_token(start) != form_token(forged)


def test_a_second_voucher_or_the_operator_opens_the_whole_file() -> None:
    """One lender's word opens that lender's part, and nothing more."""
    one, other = b"1" * 32, b"2" * 32

    part, pair, proofed = (
        reach_of([(one, "member-a")]),
        reach_of([(one, "member-a"), (one, "member-b"), (one, "member-b")]),
        reach_of([(one, OPERATOR)]),
    )
    apart = reach_of([(one, "member-a"), (other, "member-b")])

    assert [("member-a",)] == [reach.members for reach in part]
    assert [(None,), (None,)] == [pair[0].members, proofed[0].members]
    assert [False, False] == [reach.whole for reach in apart]
    assert (True, False) == (part[0].covers("member-a"), part[0].covers("member-b"))
