"""Check what a borrower's authenticator signed (WebAuthn level 2).

In:  the texts that a browser sends when a passkey is made or used, the challenge that was given
     out, and the site for which it must have been signed.
Out: the new key, or the new count of a known one; PasskeyRefused names the rule that failed.
Numbers are the steps that this module takes before and after the library's own:

    1 strict JSON of exactly the members we read, each in its one spelling and within its size
    2 the page was not framed by another site (`crossOrigin`)
    3 challenge, origin, site, presence AND verification of the user, signature, count

The attestation is not asked for: it would tell the make of the borrower's device.
Source: WebAuthn level 2, sections 7.1 and 7.2.
"""

from __future__ import annotations

from typing import TypeAlias

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    RegistrationCredential,
)

from exchange.domain.base64url import b64url, unb64url
from exchange.domain.borrowers.passkeys import (
    CREDENTIAL_ID_BYTES_MAX,
    Assertion,
    Creation,
    Passkey,
    RelyingParty,
)
from exchange.domain.strict_json import JsonLimits, loads
from exchange.errors import ExchangeError, PasskeyRefused

RESPONSE_BYTES_MAX = 16 * 1024  # of one response, as JSON
# What today's authenticators offer; RS256 is that of older Windows Hello.
ALGORITHMS = (
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
_FORMATS = {AttestationFormat.NONE, AttestationFormat.PACKED}
_LIMITS = JsonLimits(depth=4, members=16, string_bytes=RESPONSE_BYTES_MAX)
# What the library and its parsers raise on bytes that are none of theirs.
_MALFORMED = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, IndexError)
_Response: TypeAlias = dict[str, bytes]


def parse_creation(text: str) -> Creation:
    """Read a browser's answer to `navigator.credentials.create()`.

    Raises:
        PasskeyRefused: it is not of the form that our page sends.
    """
    read = _read(text, ("id", "clientDataJSON", "attestationObject"))  # 1
    return Creation(
        credential_id=read["id"],
        client_data=read["clientDataJSON"],
        attestation=read["attestationObject"],
    )


def parse_assertion(text: str) -> Assertion:
    """Read a browser's answer to `navigator.credentials.get()`.

    Raises:
        PasskeyRefused: it is not of the form that our page sends.
    """
    read = _read(text, ("id", "clientDataJSON", "authenticatorData", "signature"))  # 1
    return Assertion(
        credential_id=read["id"],
        client_data=read["clientDataJSON"],
        authenticator_data=read["authenticatorData"],
        signature=read["signature"],
    )


def verify_creation(creation: Creation, challenge: bytes, party: RelyingParty, now: int) -> Passkey:
    """Return the new key that an authenticator made for this site.

    Raises:
        PasskeyRefused: it was made for another site or challenge, without the user's
            verification, or under an algorithm that we do not take.
    """
    _refuse_framed(creation.client_data)  # 2
    credential = RegistrationCredential(
        id=b64url(creation.credential_id),
        raw_id=creation.credential_id,
        response=AuthenticatorAttestationResponse(
            client_data_json=creation.client_data, attestation_object=creation.attestation
        ),
    )
    try:
        made = verify_registration_response(  # 3
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
    except _MALFORMED as error:
        raise PasskeyRefused(_rule(error)) from error
    if made.fmt not in _FORMATS or made.credential_id != creation.credential_id:
        raise PasskeyRefused("the new key is not the one that the authenticator speaks of")
    return Passkey(
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        made_at=now,
    )


def verify_assertion(
    assertion: Assertion, challenge: bytes, passkey: Passkey, party: RelyingParty
) -> int:
    """Return the key's new count, once its signature over this challenge is found good.

    Raises:
        PasskeyRefused: another key, site or challenge, no verification of the user, a wrong
            signature, or a count that went back: then two devices hold one key.
    """
    if not passkey.live or assertion.credential_id != passkey.credential_id:
        raise PasskeyRefused("this is no live key of this exchange")
    _refuse_framed(assertion.client_data)  # 2
    credential = AuthenticationCredential(
        id=b64url(assertion.credential_id),
        raw_id=assertion.credential_id,
        response=AuthenticatorAssertionResponse(
            client_data_json=assertion.client_data,
            authenticator_data=assertion.authenticator_data,
            signature=assertion.signature,
        ),
    )
    try:
        verified = verify_authentication_response(  # 3
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except _MALFORMED as error:
        raise PasskeyRefused(_rule(error)) from error
    return verified.new_sign_count


def _read(text: str, names: tuple[str, ...]) -> _Response:
    if len(text) > RESPONSE_BYTES_MAX:
        raise PasskeyRefused(f"a passkey's answer is at most {RESPONSE_BYTES_MAX} bytes")
    try:
        value = loads(text.encode(), _LIMITS)
    except (ExchangeError, UnicodeEncodeError) as error:
        raise PasskeyRefused("a passkey's answer must be strict JSON") from error
    if not isinstance(value, dict) or value.keys() != set(names):
        raise PasskeyRefused(f"a passkey's answer holds exactly {', '.join(names)}")
    try:
        read = {name: unb64url(part) for name, part in value.items() if isinstance(part, str)}
    except ValueError as error:
        raise PasskeyRefused("a passkey's answer is written in unpadded base64url") from error
    if len(read) != len(names) or not 0 < len(read["id"]) <= CREDENTIAL_ID_BYTES_MAX:
        raise PasskeyRefused("a passkey's answer names its key and holds texts alone")
    return read


def _refuse_framed(client_data: bytes) -> None:
    try:
        told = loads(client_data, _LIMITS)
    except ExchangeError as error:
        raise PasskeyRefused("the browser's own part must be strict JSON") from error
    if not isinstance(told, dict) or told.get("crossOrigin", False) is not False:
        raise PasskeyRefused("the page was framed by another site")


def _rule(error: Exception) -> str:
    """Say which rule was broken; the library's own words may repeat what was sent."""
    said = str(error).lower()
    for word, rule in _RULES.items():
        if word in said:
            return rule
    return "the passkey's answer does not verify"


_RULES = {
    "challenge": "another challenge than the one given out was signed",
    "origin": "it was signed for another site",
    "rp id": "it was signed for another site",
    "verification is required": "the authenticator did not verify its user",
    "sign count": "the key's count went back: two devices may hold it",
}
