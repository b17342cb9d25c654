"""The SDK opens receipts by code of its own, and signs artefacts that the exchange takes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.crypto.signing import parse_jws, verify_jws
from exchange.crypto.signing import sign_jws as exchange_signs
from exchange.domain.members import Algorithm as MemberAlgorithm
from exchange.domain.members import MemberKey, MemberStatus
from exchange_client.errors import ReceiptInvalid
from exchange_client.keys import Algorithm, KeyFile
from exchange_client.signing import open_jws, sign_jws
from tests.support.jws_texts import GOOD_HEADER, KEY, KID, TYPE, make, segment

PINNED = {KID: KEY.public_key().public_bytes_raw()}


@given(st.binary(min_size=1, max_size=300))
def test_the_sdk_opens_what_the_exchange_signs(payload: bytes) -> None:
    """A receipt is worth what a member can check without the exchange's own code."""
    text = exchange_signs(payload, TYPE, KID, KEY.sign)

    assert payload == open_jws(text, TYPE, PINNED)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_exchange_takes_what_the_sdk_signs(algorithm: Algorithm) -> None:
    """An artefact made by the SDK must register."""
    key = KeyFile.generate("member-a", algorithm=algorithm)

    parsed = parse_jws(sign_jws(b'{"ver":"1"}', "cx-grant+jws", key), typ="cx-grant+jws")

    registered = MemberKey(
        member="member-a",
        key="k1",
        algorithm=MemberAlgorithm(algorithm.value),
        public_key=key.public_key,
        not_before=0,
        not_after=1,
        revoked_at=None,
        status=MemberStatus.ACTIVE,
        roles=frozenset(),
    )
    verify_jws(parsed, registered)
    assert (b'{"ver":"1"}', "member-a/k1") == (parsed.payload, parsed.kid)


@pytest.mark.parametrize(
    "header",
    [
        {**GOOD_HEADER, "alg": "none"},
        {**GOOD_HEADER, "alg": "ES256"},
        {**GOOD_HEADER, "alg": "HS256"},
        {**GOOD_HEADER, "typ": "cx-grant+jws"},
        {**GOOD_HEADER, "typ": "JWT"},
        {**GOOD_HEADER, "kid": "another"},
        {**GOOD_HEADER, "kid": 1},
        {**GOOD_HEADER, "jku": "https://evil.example"},
        {**GOOD_HEADER, "crit": ["b64"], "b64": False},
        {"alg": "EdDSA", "kid": KID},
        {},
    ],
    ids=json.dumps,
)
def test_a26_a28_a30_a_receipt_of_another_kind_or_key_is_refused(
    header: dict[str, object],
) -> None:
    """Pins say whose signature counts; the message itself says nothing about that."""
    with pytest.raises(ReceiptInvalid):
        open_jws(make(header), TYPE, PINNED)


def test_a29_a32_other_forms_of_a_receipt_are_refused() -> None:
    """One spelling only: else one receipt would have many hashes."""
    good = make(GOOD_HEADER)
    header, payload, signature = good.split(".")
    spare = signature[:-1] + chr(ord(signature[-1]) + 1)

    assert b"{}" == open_jws(good, TYPE, PINNED)
    for text in (
        "",
        f"{good}.{signature}",
        f"{header}..{signature}",
        f"{header}.{payload}.",
        f"{good}=",
        f"{good}\n",
        f"{header}.{payload}.{spare}",
        f"{header}.{segment(b'[]')}.{signature}",
        make(b'{"alg":"none","alg":"EdDSA","kid":"member-a/k1","typ":"cx-receipt+jwt"}'),
        make(b"[" * 150),
        make(b"[]"),
        make(b"not json"),
        "A" * 2**20,
    ):
        with pytest.raises(ReceiptInvalid):
            open_jws(text, TYPE, PINNED)


def test_a_receipt_longer_than_its_limit_is_refused() -> None:
    """Nothing is decoded that could not be a receipt."""
    good = make(GOOD_HEADER, b"x" * 5000)

    assert b"x" * 5000 == open_jws(good, TYPE, PINNED, bytes_max=len(good))
    with pytest.raises(ReceiptInvalid):
        open_jws(good, TYPE, PINNED, bytes_max=len(good) - 1)


def test_a27_a_receipt_under_a_key_that_is_pinned_for_something_else_is_refused() -> None:
    """Each use has keys of its own."""
    with pytest.raises(ReceiptInvalid):
        open_jws(make(GOOD_HEADER), TYPE, {})
