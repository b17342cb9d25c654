"""Compact JWS: every other spelling, algorithm, key or kind is refused (A26 to A32)."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from exchange.crypto.signing import (
    claims_of,
    parse_jws,
    verify_jws,
)
from exchange.domain.members import Algorithm
from exchange.errors import SignatureError
from tests.support.jws_texts import (
    GOOD_HEADER,
    KEY,
    TYPE,
    make,
    member_key,
    segment,
)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", None, 1, "HS256", "RS256", "ES384"])
def test_a26_an_algorithm_outside_the_two_is_refused(alg: object) -> None:
    """`none` and shared secrets would let anyone sign."""
    with pytest.raises(SignatureError):
        parse_jws(make({**GOOD_HEADER, "alg": alg}), typ=TYPE)


def test_a26_es256_under_an_ed25519_key_is_refused() -> None:
    """The algorithm is the key's; the message cannot choose another."""
    parsed = parse_jws(make({**GOOD_HEADER, "alg": "ES256"}), typ=TYPE)

    with pytest.raises(SignatureError):
        verify_jws(parsed, member_key(Algorithm.ED25519))
    with pytest.raises(SignatureError):
        verify_jws(parse_jws(make(GOOD_HEADER), typ=TYPE), member_key(Algorithm.ECDSA_P256))


def test_a27_a_shared_secret_made_of_our_public_bytes_is_refused() -> None:
    """The old confusion of public key and secret must not open anything."""

    header = segment(json.dumps({**GOOD_HEADER, "alg": "HS256"}).encode())
    signing_input = f"{header}.{segment(b'{}')}"
    mac = hmac.digest(KEY.public_key().public_bytes_raw(), signing_input.encode(), hashlib.sha256)

    with pytest.raises(SignatureError):
        parse_jws(f"{signing_input}.{segment(mac)}", typ=TYPE)
    with pytest.raises(SignatureError):
        parse_jws(f"{signing_input}.{segment(mac + mac)}", typ=TYPE)


@pytest.mark.parametrize(
    "extra",
    [
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": {"kty": "OKP"}},
        {"x5c": []},
        {"crit": ["exp"], "exp": 1},
        {"b64": False, "crit": ["b64"]},
        {"cty": "JWT"},
        {"zip": "DEF"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_a28_a_header_that_brings_its_own_key_or_rules_is_refused(
    extra: dict[str, object],
) -> None:
    """Keys come from the registry by their exact id, never from the message."""
    with pytest.raises(SignatureError):
        parse_jws(make({**GOOD_HEADER, **extra}), typ=TYPE)


@pytest.mark.parametrize(
    "kid",
    [
        1,
        None,
        "",
        ["k1"],
        "../../etc/passwd",
        "/dev/null",
        "a/b/c",
        "x' OR '1'='1",
        "k" * 65,
        "k" * 10_240,
        "k\n",
        "ключ",
    ],
)
def test_a28_a_key_id_that_is_no_safe_name_is_refused(kid: object) -> None:
    """A key id goes into look-ups and logs."""
    with pytest.raises(SignatureError):
        parse_jws(make({**GOOD_HEADER, "kid": kid}), typ=TYPE, max_bytes=64 * 1024)


def test_a28_a_key_id_of_64_characters_is_taken() -> None:
    """The limit itself is a legal name."""
    assert parse_jws(make({**GOOD_HEADER, "kid": "k" * 64}), typ=TYPE).kid == "k" * 64


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none","alg":"EdDSA","kid":"k","typ":"cx-receipt+jwt"}',
        b'{"alg":"EdDSA","kid":"k","kid":"k2","typ":"cx-receipt+jwt"}',
        b'{"alg":"EdDSA","kid":"k","typ":"cx-receipt+jwt","typ":"cx-receipt+jwt"}',
    ],
)
def test_a29_a_name_twice_in_the_header_is_refused(header: bytes) -> None:
    """Two readers would verify two different headers."""
    with pytest.raises(SignatureError):
        parse_jws(make(header), typ=TYPE)


def test_a29_a_name_twice_in_the_claims_is_refused() -> None:
    """Two readers would act on two different claims."""
    parsed = parse_jws(make(GOOD_HEADER, b'{"aud":"a","aud":"b"}'), typ=TYPE)

    with pytest.raises(SignatureError):
        claims_of(parsed)


@pytest.mark.parametrize(
    "header", [b"{}", b"[]", b'"EdDSA"', b'{"alg":"EdDSA","kid":"k"}', b'{"alg":"EdDSA","typ":"x"}']
)
def test_a28_a_header_that_lacks_a_member_is_refused(header: bytes) -> None:
    """Without a kind or a key id the same bytes could serve for anything."""
    with pytest.raises(SignatureError):
        parse_jws(make(header), typ=TYPE)


@pytest.mark.parametrize("payload", [b"[]", b"5", b"not json", b'{"iat":1.5}'])
def test_a29_claims_that_are_no_object_are_refused(payload: bytes) -> None:
    """A signed payload is not yet a set of claims."""
    with pytest.raises(SignatureError):
        claims_of(parse_jws(make(GOOD_HEADER, payload), typ=TYPE))


@pytest.mark.parametrize("typ", ["cx-grant+jws", "JWT", "CX-RECEIPT+JWT", "", None, 5])
def test_a30_another_kind_is_refused(typ: object) -> None:
    """A grant must never pass as a receipt, nor the reverse."""
    with pytest.raises(SignatureError):
        parse_jws(make({**GOOD_HEADER, "typ": typ}), typ=TYPE)


def test_a32_other_serialisations_are_refused() -> None:
    """One form only: JWE, JSON, detached and padded ones are other formats."""
    good = make(GOOD_HEADER)
    header, payload, signature = good.split(".")

    parse_jws(good, typ=TYPE)
    for text in (
        "",
        ".",
        "..",
        f"{good}.{payload}.{signature}",
        f"{header}..{signature}",
        f"{header}.{payload}",
        f"{header}.{payload}.",
        f"{good}=",
        f"{header}=.{payload}.{signature}",
        f" {good}",
        f"{good}\n",
        good.replace(".", ". "),
        json.dumps({"payload": payload, "protected": header, "signature": signature}),
        f"{header}.{payload}.{signature[:-1]}",
        f"{header}.{payload}.{signature}A",
        good + "é",
    ):
        with pytest.raises(SignatureError):
            parse_jws(text, typ=TYPE)


def test_a32_a_second_spelling_of_the_same_bytes_is_refused() -> None:
    """Spare bits would give one receipt many texts, and so many hashes."""
    header, payload, signature = make(GOOD_HEADER).split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = signature[:-1] + last[last.index(signature[-1]) + 1]

    with pytest.raises(SignatureError):
        parse_jws(f"{header}.{payload}.{other}", typ=TYPE)


@pytest.mark.parametrize(
    "text",
    [
        f"{'A' * 2**20}.e30.{'A' * 86}",
        f"{segment(b'[' * 20_000)}.e30.{'A' * 86}",
        f"{segment(b'[' * 150)}.e30.{'A' * 86}",
        f"{segment(b'{' + b' ' * 150)}.e30.{'A' * 86}",
        "A" * 2**20,
    ],
    ids=["1 MiB header", "20,000 deep", "150 deep", "not JSON", "no dots"],
)
def test_a32_an_endless_or_deep_header_is_refused_cheaply(text: str) -> None:
    """Nothing recurses into what is not yet verified."""
    with pytest.raises(SignatureError):
        parse_jws(text, typ=TYPE)
    with pytest.raises(SignatureError):
        parse_jws(text, typ=TYPE, max_bytes=4 * 2**20)
