"""Describe the exchange: what a member pins before its first question.

The description is signed with the statement key; the log's vkey and the OPRF keys stand in it, so
that a key served to one member alone would contradict what the others pinned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from consent.profiles import Profile
from consent.purposes import PURPOSES, Act
from exchange.crypto.keyring import Use
from exchange.crypto.signing import sign_jws
from exchange.domain.base64url import b64url
from exchange.services.log.ports import log_key
from exchange.services.ports import Ports

DESCRIPTION_TYPE = "cx-description+jwt"
VERSIONS = ("2026-12-01",)
_LIFE_SECONDS = 86_400


def describe_exchange(ports: Ports, limits: Mapping[str, int]) -> str:
    """Return the signed description, a compact JWS."""
    now = ports.now()
    keyring, terms = ports.keyring, ports.terms
    origin = ports.origin(now)
    claims = {
        "iss": terms.issuer,
        "iat": now,
        "exp": now + _LIFE_SECONDS,
        "name": terms.name,
        "environment": keyring.environment,
        "public_base": terms.public_base,
        "keys": [
            {
                "kid": key.kid,
                "use": key.use.value,
                "kty": "OKP",
                "crv": "Ed25519",
                "x": b64url(key.public_key),
            }
            for key in keyring.public_keys()
        ],
        "oprf": [
            {
                "epoch": epoch,
                "suite": "ristretto255-SHA512",
                "public_key": b64url(ports.evaluators(epoch).public_key),
                "open": True,
            }
            for epoch in keyring.epochs
        ],
        "log": {"origin": origin, "vkey": log_key(origin, keyring.checkpoint_public_key).vkey()},
        "purposes": _purposes(terms.profile),
        "profiles": [terms.profile.ref],
        "limits": dict(limits),
        "versions": list(VERSIONS),
    }
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
    return sign_jws(
        payload, DESCRIPTION_TYPE, keyring.kid(Use.STATEMENT), keyring.signer(Use.STATEMENT)
    )


def _purposes(profile: Profile) -> list[str]:
    return [
        purpose.value
        for purpose, rule in PURPOSES.items()
        if rule.act is Act.LOOK and profile.policy[purpose].on
    ]
