"""The cookies of the pages: a session's secret, a start before there is one, a language.

`__Host-` binds a cookie to this host alone, to HTTPS and to the whole site; nothing set by another
host or by a neighbouring one is ever read as ours. Scripts see none of them.
"""

from __future__ import annotations

from flask import Request, Response

from exchange.crypto.page_tokens import SECRET_BYTES
from exchange.domain.base64url import b64url, unb64url

SESSION = "__Host-cx-session"  # a borrower's
CONSOLE = "__Host-cx-console"  # that of a member's or regulator's person
START = "__Host-cx-start"
LANGUAGE = "__Host-cx-language"
_LANGUAGE_SECONDS = 365 * 24 * 3600


def session_secret(request: Request, cookie: str = SESSION) -> bytes | None:
    """Return the session's secret that the browser holds, if it has the form of one."""
    secret = _bytes(request, cookie)
    return secret if secret is not None and len(secret) == SECRET_BYTES else None


def start_of(request: Request) -> bytes | None:
    """Return the start that the browser was given; whether it is ours is not yet checked."""
    return _bytes(request, START)


def give_session(response: Response, secret: bytes, cookie: str = SESSION) -> None:
    """Give the browser a session's secret; the start is of no more use."""
    _set(response, cookie, b64url(secret), same_site="Lax")
    response.delete_cookie(START, secure=True, httponly=True)


def give_start(response: Response, start: bytes) -> None:
    """Give the browser a start."""
    _set(response, START, b64url(start), same_site="Strict")


def give_language(response: Response, language: str) -> None:
    """Let the browser remember which language its person chose."""
    _set(response, LANGUAGE, language, same_site="Lax", seconds=_LANGUAGE_SECONDS)


def take_session(response: Response, cookie: str = SESSION) -> None:
    """Take the session's secret from the browser."""
    response.delete_cookie(cookie, secure=True, httponly=True)


def _set(
    response: Response, name: str, value: str, *, same_site: str, seconds: int | None = None
) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite=same_site
    )


def _bytes(request: Request, name: str) -> bytes | None:
    try:
        return unb64url(request.cookies[name])
    except (KeyError, ValueError):
        return None
