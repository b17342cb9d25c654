"""Sign what became of a batch, or of a record sent alone.

In:  what is claimed, and the leaf that testifies it.
Out: a compact JWS, `typ: cx-batch+jwt`. It names no record and nothing of other members.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from exchange.crypto.keyring import Use
from exchange.crypto.signing import sign_jws
from exchange.domain.base64url import b64url
from exchange.services.ports import MMD_SECONDS, Ports

BATCH_TYPE = "cx-batch+jwt"


def sign_record_claims(
    claims: Mapping[str, object], member: str, leaf_hash: bytes | None, now: int, ports: Ports
) -> str:
    """Sign what became of rows; without a leaf nothing was changed."""
    terms = ports.terms
    whole = {
        "iss": terms.issuer,
        "aud": member,
        "iat": now,
        **claims,
        "profile": terms.profile.ref,
        "leaf": None if leaf_hash is None else b64url(leaf_hash),
        "log": ports.origin(now),
        "mmd": MMD_SECONDS,
    }
    keyring = ports.keyring
    payload = json.dumps(whole, separators=(",", ":")).encode()
    return sign_jws(payload, BATCH_TYPE, keyring.kid(Use.BATCH), keyring.signer(Use.BATCH))
