"""What the pages give out to browsers: starts, session secrets, and the tokens of their forms.

A *start* is handed to whoever opens a page without a session: 8 bytes of time, 16 random ones and
a MAC, so that a stranger costs no row. Its digest is the challenge that a passkey signs; what is
opened with it is stored once, so no answer counts twice.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256

from exchange.domain.base64url import b64url
from exchange.errors import SessionError

SECRET_BYTES = 32  # of a session; only its SHA-256 is stored
LINK_BYTES = 16  # 128 bits, in the fragment of a one-time link
_TIME_BYTES = 8
_RANDOM_BYTES = 16
_MAC_BYTES = 32
_START_LABEL = b"credit-exchange/page-start/v1\n"
_CHALLENGE_LABEL = b"credit-exchange/sign-in/v1\n"
_CREATION_LABEL = b"credit-exchange/passkey-creation/v1\n"
_FORM_LABEL = b"credit-exchange/page-form/v1\n"
_Mac = Callable[[bytes], bytes]


def new_start(mac: _Mac, now: int, random_bytes: Callable[[int], bytes]) -> bytes:
    """Make a start of this moment: 56 bytes."""
    body = now.to_bytes(_TIME_BYTES, "big") + random_bytes(_RANDOM_BYTES)
    return body + mac(_START_LABEL + body)


def check_start(start: bytes, mac: _Mac, now: int, seconds_max: int) -> None:
    """Check that we gave this start out, and lately.

    Raises:
        SessionError: we did not, or too long ago.
    """
    body, given = start[:-_MAC_BYTES], start[-_MAC_BYTES:]
    if len(body) != _TIME_BYTES + _RANDOM_BYTES or not hmac.compare_digest(
        mac(_START_LABEL + body), given
    ):
        raise SessionError("open the page anew")
    if not 0 <= now - int.from_bytes(body[:_TIME_BYTES], "big") <= seconds_max:
        raise SessionError("the page stood open for too long; open it anew")


def sign_in_challenge(start: bytes) -> bytes:
    """Return the 32 bytes that a passkey signs to sign in from this start."""
    return sha256(_CHALLENGE_LABEL + start).digest()


def creation_challenge(secret: bytes) -> bytes:
    """Return the 32 bytes under which a key is made in this session."""
    return sha256(_CREATION_LABEL + secret).digest()


def form_token(secret: bytes) -> str:
    """Return what every form of a page carries, from the start or session secret behind it."""
    return b64url(hmac.digest(secret, _FORM_LABEL, "sha256"))


def digest(secret: bytes) -> bytes:
    """Return what is stored of a secret."""
    return sha256(secret).digest()
