"""Read a form strictly, and only one that comes from a page of ours.

1 the browser says that it comes from this very site: `Origin`, and `Sec-Fetch-Site` if there
2 media type and length, before anything is read
3 each field once, none that the page does not have
4 the form's token is that of the session or start behind the page, compared in constant time
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from flask import Request

from exchange.crypto.page_tokens import LINK_BYTES, form_token
from exchange.domain.base64url import unb64url
from exchange.errors import (
    ForgedForm,
    FormError,
    LengthRequired,
    LinkError,
    TooLarge,
    WrongMediaType,
)

FORM_TYPE = "application/x-www-form-urlencoded"
FORM_BYTES_MAX = 64 * 1024
FIELDS_MAX = 16
TOKEN = "form"  # noqa: S105 - the name of a field


def read_form(
    request: Request, fields: frozenset[str], *, origin: str, secret: bytes
) -> Mapping[str, str]:
    """Return the fields of a form of ours; a field that was left out is empty.

    Args:
        fields: the names it may have, its token aside.
        origin: of this site.
        secret: of the session, or the start, for which the page was made.

    Raises:
        ForgedForm: it comes from elsewhere, or from another session.
        FormError, TransportError: it is no form of ours.
    """
    headers = request.headers
    if headers.get("Origin") != origin:  # 1
        raise ForgedForm("the form comes from another site")
    if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise ForgedForm("the form comes from another site")
    given = _fields(_body(request), fields | {TOKEN})
    if not hmac.compare_digest(given.pop(TOKEN, "").encode(), form_token(secret).encode()):  # 4
        raise ForgedForm("the form comes from another session; open the page anew")
    return {name: given.get(name, "") for name in fields}


def link_secret(code: str) -> bytes:
    """Read the code of a one-time link, 16 bytes; one that cannot be any is told like a used one.

    Raises:
        LinkError: it is none.
    """
    try:
        secret = unb64url(code.strip())
    except ValueError as error:
        raise LinkError from error
    if len(secret) != LINK_BYTES:
        raise LinkError
    return secret


def _body(request: Request) -> bytes:
    if request.content_length is None:  # 2
        raise LengthRequired
    if request.content_type != FORM_TYPE or "Content-Encoding" in request.headers:
        raise WrongMediaType(f"a form is sent as {FORM_TYPE}")
    if request.content_length > FORM_BYTES_MAX:
        raise TooLarge(f"a form may be at most {FORM_BYTES_MAX} bytes")
    return request.stream.read(request.content_length)


def _fields(body: bytes, known: frozenset[str]) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError as error:  # UnicodeDecodeError is one.
        raise FormError("the form is not written as one") from error
    fields = dict(pairs)
    if len(fields) != len(pairs) or not fields.keys() <= known:  # 3
        raise FormError("the form has a field twice, or one that the page does not have")
    return fields
