"""Show a refusal as a page: what happened, and what the person can do now.

A page says less than a problem document: its reader cannot act on a code. The code is there in
small print for whoever is asked for help.
"""

from __future__ import annotations

from flask import Response, request

from exchange.console.web.site import Site
from exchange.errors import (
    AbsentError,
    ConflictError,
    ExchangeError,
    ForgedForm,
    FormError,
    IntegrityError,
    LinkError,
    PasskeyRefused,
    QuotaError,
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


def refusal_page(error: ExchangeError, site: Site) -> Response:
    """Answer with the page of an error, and report it."""
    site.report(error)
    status, key = next(_SHOWN[base] for base in type(error).__mro__ if base in _SHOWN)
    words = site.language(request)
    response = site.page(
        "refusal.html", words, status=status, key=key, code=error.code, path=request.path
    )
    if isinstance(error, QuotaError):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response
