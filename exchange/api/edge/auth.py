"""Establish who sent a request, from its verified signature and from nothing else.

    1 the form: one signature with our tag over what this protocol asks for
    2 the time: inside the window
    3 the key: registered, of the algorithm named, live, its member active
    4 the signature holds
    5 the digest: the body is the one that was signed
    6 the nonce: never seen before (here, or in the route's own transaction)

`identify` takes steps 1 to 4 from the headers, before the body is read; `admit` takes step 5.
Unknown key, wrong signature and suspended member answer alike, in words and in work done.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from exchange.crypto.ed25519 import VerifyingKey
from exchange.crypto.messages import (
    RequestParts,
    SignedRequest,
    Window,
    check_digest,
    check_time,
    parse_request,
    verify,
)
from exchange.crypto.public_keys import (
    PublicKey,
    registered_key_of,
    signature_holds,
)
from exchange.domain.members import Algorithm, MemberKey, Role
from exchange.domain.queries import Asker
from exchange.errors import RoleError, SignatureError

# Of the right form, and for nothing: the base point, then 1 (RFC 8032, 5.1).
_UNFOUNDED = b"\x58" + b"\x66" * 31 + (1).to_bytes(32, "little")
_KEYS_KEPT = 4096  # loaded public keys, for each worker


class Caller(Struct, frozen=True, kw_only=True, gc=False):
    """Who sent a request and exactly what was signed; routes use nothing else of it."""

    member: str
    key: str
    roles: frozenset[Role]
    nonce: str
    created: int  # unix seconds
    body: bytes
    request: SignedRequest

    @property
    def asker(self) -> Asker:
        """The caller as the services know it."""
        return Asker(member=self.member, key=self.key, nonce=self.nonce, roles=self.roles)

    def require(self, roles: frozenset[Role]) -> None:
        """Refuse a caller that holds none of these roles; no roles asked for means anyone.

        Raises:
            RoleError: it holds none of them.
        """
        if roles and not roles & self.roles:
            raise RoleError(f"this route is for: {', '.join(sorted(roles))}")


class Identity(Struct, frozen=True, kw_only=True, gc=False):
    """A signature that holds under a live key; the body is not yet checked."""

    request: SignedRequest
    key: MemberKey


class Authenticator:
    """Verifies signed requests against the registered keys."""

    def __init__(
        self,
        *,
        find_key: Callable[[str, str], MemberKey | None],
        now: Callable[[], int],
        window: Window,
    ) -> None:
        self._find_key = find_key
        self._now = now
        self._window = window
        self._load = lru_cache(maxsize=_KEYS_KEPT)(registered_key_of)
        # Nobody holds the private halves: what is verified under these never passes.
        self._nobody: dict[Algorithm, PublicKey] = {
            Algorithm.ED25519: VerifyingKey(
                Ed25519PrivateKey.generate().public_key().public_bytes_raw()
            ),
            Algorithm.ECDSA_P256: generate_private_key(SECP256R1()).public_key(),
        }

    def identify(self, parts: RequestParts) -> Identity:
        """Verify a request's signature from its headers alone: steps 1 to 4.

        Raises:
            SignatureError: it does not establish who sent the request.
            DuplicateHeader: a header that may stand once stands twice.
        """
        if parts.signature_input is None or parts.signature is None:
            # As much work as for a signature that cannot hold.
            signature_holds(self._nobody[Algorithm.ED25519], _UNFOUNDED, b"")
            raise SignatureError
        now = self._now()
        signed = parse_request(parts)  # 1
        check_time(signed, now, self._window)  # 2
        key = self._find_key(signed.member, signed.key)
        suits = key is not None and key.algorithm is signed.algorithm
        public = (
            self._load(key.algorithm, key.public_key)
            if key is not None and suits
            else self._nobody[signed.algorithm]
        )
        holds = verify(signed, public)  # Always verify, then judge: the time tells nothing.
        if key is None or not suits or not holds or not key.live(now):  # 3, 4
            raise SignatureError
        return Identity(request=signed, key=key)


def admit(identity: Identity, body: bytes) -> Caller:
    """Check the body against the signed digest, before anything parses it: step 5.

    Raises:
        DigestMismatch: the body is not the one that was signed.
    """
    request = identity.request
    check_digest(request, body)
    return Caller(
        member=request.member,
        key=request.key,
        roles=identity.key.roles,
        nonce=request.nonce,
        created=request.created,
        body=body,
        request=request,
    )
