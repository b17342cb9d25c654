"""The vectors of signed messages as the server sees them."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from exchange.crypto.ed25519 import VerifyingKey
from exchange.crypto.messages import RequestParts
from exchange.crypto.public_keys import PublicKey, public_key_of
from exchange.domain.members import Algorithm
from tests.support.signature_vectors import KEYS, RequestVector

PUBLIC_KEYS = {
    name: public_key_of(Algorithm(key["algorithm"]), bytes.fromhex(key["public"]))
    for name, key in KEYS.items()
}


def loaded(key: Ed25519PublicKey | EllipticCurvePublicKey) -> PublicKey:
    """Return a key of the stock library as the server holds it."""
    return key if isinstance(key, EllipticCurvePublicKey) else VerifyingKey(key.public_bytes_raw())


def parts_of(vector: RequestVector) -> RequestParts:
    """Return what the server sees of a request of the vectors."""
    return RequestParts(
        method=vector["method"],
        target_uri=vector["target_uri"],
        content_digest=vector["content_digest"],
        content_type=vector["content_type"],
        signature_input=vector["signature_input"],
        signature=vector["signature"],
        has_body=bool(vector["body"]),
    )
