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
from exchange.domain.base64url import b64url_bytes
from exchange.domain.findings import Answer
from exchange.domain.log.query_leaf import digits
from exchange.domain.queries import Asker, Query
from exchange.services.ports import MMD_SECONDS, Ports

RECEIPT_TYPE = "cx-receipt+jwt"
PAYLOAD_BYTES = 2048
SUBJECT_SALT_BYTES = 16
_SUBJECT = b"cx/receipt-subject/v1\n"
_PAD = b',"pad":""}'
_ENCODE = msgspec.json.Encoder().encode


class Receipts:
    """The claims of one asker's receipts at one time: what they share is written once."""

    def __init__(self, asker: Asker, ports: Ports, now: int) -> None:
        self._issued = b'{"iss":%b,"aud":%b,"iat":%d,"exp":%%d,"jti":"qry_%%b","req":"%%b"' % (
            _ENCODE(ports.terms.issuer),
            _ENCODE(asker.member),
            now,
        )
        profile = _ENCODE(ports.terms.profile.ref)
        self._judged = b',"policy":%b,"profile":%b,"epoch":%%b,"leaf":"%%b"' % (profile, profile)
        self._logged = b',"log":%b,"mmd":%d}' % (_ENCODE(ports.origin(now)), MMD_SECONDS)
        self._policy = ports.terms.profile.policy
        self._now = now

    def claims(self, query: Query, answer: Answer, leaf_hash: bytes, salt: bytes) -> bytes:
        """Write the claims of a receipt, not yet padded.

        `sub` is the salt and SHA-256(label, salt, token): whoever holds the token can check that
        the receipt speaks of it, nobody else can tell two receipts of one subject together.

        Args:
            salt: 16 random bytes, used for nothing else.
        """
        subject = hashlib.sha256(_SUBJECT + salt + query.tokens[0].value).digest()
        expires = self._now + self._policy[query.purpose].answer_days * 86_400
        grant = b'"gnt_%b"' % digits(query.grant_id) if query.grant_id else b"null"
        return b"%b%b%b%b" % (
            self._issued % (expires, digits(query.query_id), b64url_bytes(query.digest)),
            b',"sub":"%b","purpose":"%b","grant":%b,%b'
            % (b64url_bytes(salt + subject), query.purpose.encode(), grant, answer.told()),
            self._judged % (_ENCODE(query.epoch), b64url_bytes(leaf_hash)),
            self._logged,
        )


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
