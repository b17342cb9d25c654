"""Make the signed receipt of an answer.

The payload is padded to one length for every outcome, so that whoever sees only sizes learns
nothing. Signing is deterministic (Ed25519): the same claims give the same receipt again.
Source: protocol.md, 4.
"""

from __future__ import annotations

import hashlib

import msgspec

from exchange.crypto.keyring import Use
from exchange.crypto.signing import sign_jws
from exchange.domain.base64url import b64url
from exchange.domain.findings import Answer
from exchange.domain.ids import show
from exchange.domain.queries import Asker, Query
from exchange.services.ports import MMD_SECONDS, Ports

RECEIPT_TYPE = "cx-receipt+jwt"
PAYLOAD_BYTES = 2048
_SUBJECT = b"cx/receipt-subject/v1\n"
_PAD = b',"pad":""}'
_ENCODE = msgspec.json.Encoder().encode


def receipt_claims(  # noqa: PLR0913 - a receipt says this much, each once
    query: Query, answer: Answer, leaf_hash: bytes, asker: Asker, ports: Ports, now: int
) -> bytes:
    """Write the claims of a receipt, not yet padded.

    `sub` is 16 random bytes and SHA-256(label, them, token): whoever holds the token can check
    that the receipt speaks of it, nobody else can tell two receipts of one subject together.
    """
    salt = ports.random_bytes(16)
    subject = hashlib.sha256(_SUBJECT + salt + query.tokens[0].value).digest()
    terms = ports.terms
    claims = {
        "iss": terms.issuer,
        "aud": asker.member,
        "iat": now,
        "exp": now + terms.profile.policy[query.purpose].answer_days * 86_400,
        "jti": show("qry", query.query_id),
        "req": b64url(query.digest),
        "sub": b64url(salt + subject),
        "purpose": query.purpose.value,
        "grant": show("gnt", query.grant_id) if query.grant_id else None,
        **answer.members(),
        "policy": terms.profile.ref,
        "profile": terms.profile.ref,
        "epoch": query.epoch,
        "leaf": b64url(leaf_hash),
        "log": ports.origin(now),
        "mmd": MMD_SECONDS,
    }
    return _ENCODE(claims)


def sign_receipt(claims: bytes, ports: Ports) -> str:
    """Pad the claims to 2,048 bytes and sign them.

    Raises:
        ValueError: the claims are longer than that; nothing may leave at another length.
    """
    room = PAYLOAD_BYTES - len(claims) - len(_PAD) + 1
    if room < 0:
        raise ValueError("the claims of a receipt exceed its fixed length")
    padded = claims[:-1] + _PAD[:-2] + b"0" * room + _PAD[-2:]
    keyring = ports.keyring
    return sign_jws(padded, RECEIPT_TYPE, keyring.kid(Use.RECEIPT), keyring.signer(Use.RECEIPT))
