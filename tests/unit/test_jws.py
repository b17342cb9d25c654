"""Compact JWS: what is taken, held against PyJWT both ways, and the claims at their edges."""

from __future__ import annotations

import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.crypto.signing import (
    ExpectedClaims,
    check_claims,
    claims_of,
    parse_jws,
    sign_jws,
    verify_jws,
)
from exchange.domain.members import Algorithm
from exchange.errors import SignatureError
from tests.support.jws_texts import (
    GOOD_HEADER,
    KEY,
    KID,
    NOW,
    P256,
    TYPE,
    make,
    member_key,
    segment,
)

CLAIMS = {"iss": "exchange", "aud": "member-a", "iat": NOW, "exp": NOW + 60, "jti": "qry_1"}
EXPECTED = ExpectedClaims(issuer="exchange", audience="member-a")


@given(st.binary(min_size=1, max_size=300))
def test_what_we_sign_we_verify_and_give_back_byte_for_byte(payload: bytes) -> None:
    """The payload of a receipt is evidence: not one byte of it may change on the way."""
    parsed = parse_jws(sign_jws(payload, TYPE, KID, KEY.sign), typ=TYPE)

    verify_jws(parsed, KEY.public_key().public_bytes_raw())
    verify_jws(parsed, member_key(Algorithm.ED25519))
    assert payload == parsed.payload
    assert (KID, TYPE, Algorithm.ED25519) == (parsed.kid, parsed.typ, parsed.algorithm)


def test_pyjwt_reads_what_we_sign() -> None:
    """A member with nothing of ours must be able to check a receipt."""
    text = sign_jws(json.dumps(CLAIMS).encode(), TYPE, KID, KEY.sign)

    claims = jwt.decode(
        text,
        KEY.public_key(),
        algorithms=["EdDSA"],
        audience="member-a",
        options={"verify_exp": False, "verify_iat": False},
    )

    assert claims == CLAIMS
    assert jwt.get_unverified_header(text) == GOOD_HEADER


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_we_read_what_pyjwt_signs(algorithm: Algorithm) -> None:
    """A member may sign its artefacts with a stock library, with either kind of key."""
    ed25519 = algorithm is Algorithm.ED25519
    text = jwt.encode(
        CLAIMS,
        KEY if ed25519 else P256,
        algorithm="EdDSA" if ed25519 else "ES256",
        headers={"kid": KID, "typ": TYPE},
    )

    parsed = parse_jws(text, typ=TYPE)

    verify_jws(parsed, member_key(algorithm))
    check_claims(claims_of(parsed), EXPECTED, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"iat": None},
        {"jti": None},
        {"iss": None},
        {"aud": None},
        {"exp": str(NOW + 60)},
        {"iat": True},
        {"exp": True},
        {"jti": 7},
        {"jti": ""},
        {"aud": ["member-a"]},
        {"aud": "member-b"},
        {"iss": "another"},
        {"exp": NOW},
        {"iat": NOW + 31, "exp": NOW + 90},
        {"iat": NOW + 20, "exp": NOW + 20},
    ],
    ids=str,
)
def test_a29_a30_claims_absent_or_of_another_type_are_refused(changes: dict[str, object]) -> None:
    """A receipt without an end, or for somebody else, must never count."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}

    with pytest.raises(SignatureError):
        check_claims(claims, EXPECTED, NOW)


@pytest.mark.parametrize("changes", [{}, {"exp": NOW + 1}, {"iat": NOW + 30, "exp": NOW + 40}])
def test_a29_claims_at_their_boundary_are_taken(changes: dict[str, object]) -> None:
    """The last second of validity is still valid, and clocks may differ a little."""
    check_claims({**CLAIMS, **changes}, EXPECTED, NOW)


def test_the_size_limit_is_taken_and_no_byte_more() -> None:
    """A limit that is off by one is two limits."""
    good = make(GOOD_HEADER)

    parse_jws(good, typ=TYPE, max_bytes=len(good))
    with pytest.raises(SignatureError):
        parse_jws(good, typ=TYPE, max_bytes=len(good) - 1)


def test_a_changed_payload_does_not_verify() -> None:
    """One bit of the evidence changed, and it is none."""
    header, _, signature = make(GOOD_HEADER).split(".")
    parsed = parse_jws(f"{header}.{segment(b'{ }')}.{signature}", typ=TYPE)

    with pytest.raises(SignatureError):
        verify_jws(parsed, KEY.public_key().public_bytes_raw())


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail_otherwise_than_by_refusing(text: str) -> None:
    """A crash here would be a 500 that anyone could cause."""
    with pytest.raises(SignatureError):
        parse_jws(text, typ=TYPE)
