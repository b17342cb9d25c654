"""Show a refusal as a page: what happened, and what the person can do now.

A page says less than a problem document: its reader cannot act on a code. The code is there in
small print for whoever is asked for help.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response, request

from exchange.console.web.site import Site
from exchange.errors import (
    AbsentError,
    ConflictError,
    ExchangeError,
    ForgedForm,
    FormError,
    IntegrityError,
    InvalidField,
    LinkError,
    PasskeyRefused,
    QuotaError,
    RoleError,
    RuleError,
    SessionError,
    SignatureError,
    TransportError,
    UnavailableError,
)

# The first class of an error's ancestry that stands here decides: status, and key of the words.
# 403 and not 401: browsers have no scheme by which they could answer.
_SHOWN: dict[type[ExchangeError], tuple[int, str]] = {
    LinkError: (404, "link"),
    AbsentError: (404, "absent"),
    ForgedForm: (403, "form"),
    SessionError: (403, "session"),
    PasskeyRefused: (403, "passkey"),
    SignatureError: (403, "session"),
    ConflictError: (409, "conflict"),
    FormError: (400, "form"),
    TransportError: (400, "form"),
    RuleError: (422, "form"),
    QuotaError: (429, "quota"),
    UnavailableError: (503, "unavailable"),
    IntegrityError: (503, "unavailable"),
    ExchangeError: (500, "unavailable"),
}


@dataclass(frozen=True, slots=True)
class Room:
    """Whose pages they are: where they begin, and how they word a refusal."""

    home: str
    words: str
    shown: Mapping[type[ExchangeError], tuple[int, str]]


BORROWERS = Room("/borrower", "refusal", _SHOWN)
# Who asks by fields, and by a role, is told which one it is.
STAFF = Room(
    "/console",
    "console_refusal",
    {**_SHOWN, InvalidField: (422, "field"), RoleError: (403, "role")},
)


def refusal_page(error: ExchangeError, site: Site, room: Room = BORROWERS) -> Response:
    """Answer with the page of an error, and report it."""
    site.report(error)
    shown = room.shown
    status, key = next(shown[base] for base in type(error).__mro__ if base in shown)
    response = site.page(
        "refusal.html",
        site.language(request),
        status=status,
        key=f"{room.words}.{key}",
        room=room,
        code=error.code,
        faults=error.faults if key == "field" else (),
        path=request.path,
    )
    if isinstance(error, QuotaError):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response
