"""Turn errors into problem documents, the only form in which this API refuses (RFC 9457).

In:  any exception that leaves a route or the edge.
Out: a response with `type`, `title`, `status`, `code`, `request_id`, `retryable` and `errors`, and
     one Refusal for the log. What has no type of ours becomes an opaque 500 and an alarm.
Kept out: values, traces and library messages; they never reach the document.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from flask import Response
from werkzeug.exceptions import HTTPException

from exchange.crypto.messages import ACCEPT_SIGNATURE
from exchange.errors import (
    AbsentError,
    ConflictError,
    ExchangeError,
    FormError,
    IntegrityError,
    InternalError,
    LengthRequired,
    MethodNotAllowed,
    QuotaError,
    RequestTimeout,
    RoleError,
    RuleError,
    SignatureError,
    TooLarge,
    TransportError,
    UnavailableError,
    WrongMediaType,
)

PROBLEM_TYPE = "application/problem+json"
# By category; the first class of an error's ancestry that stands here decides.
STATUS_BY_CATEGORY: dict[type[ExchangeError], int] = {
    FormError: 400,
    SignatureError: 401,
    RoleError: 403,
    AbsentError: 404,
    MethodNotAllowed: 405,
    ConflictError: 409,
    RequestTimeout: 408,
    LengthRequired: 411,
    TooLarge: 413,
    WrongMediaType: 415,
    TransportError: 400,
    RuleError: 422,
    QuotaError: 429,
    UnavailableError: 503,
    IntegrityError: 503,
    ExchangeError: 500,
}
# What the framework raises by itself, before any route of ours runs.
_BY_HTTP_STATUS: dict[int, type[ExchangeError]] = {
    400: FormError,
    404: AbsentError,
    405: MethodNotAllowed,
    411: LengthRequired,
    413: TooLarge,
    415: WrongMediaType,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refused request, as it may be logged: no value, no body, no signature."""

    code: str
    status: int
    request_id: str
    request_id_given: bool  # the client wrote it
    route: str  # the rule as it is written in the code, or "" where none matched
    method: str
    member: str | None
    key: str | None
    peer: str
    body_bytes: int  # as announced
    alarm: bool  # a fault of ours, to be looked at by a person
    trace: tuple[str, ...]  # file:line function, innermost last; only with an alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class Problems:
    """Writes problem documents that name the catalogue of this exchange."""

    public_base: str

    def response(self, error: ExchangeError, request_id: str) -> Response:
        """Return the document of an error."""
        kind = type(error)
        status = status_of(kind)
        title = title_of(kind)
        document: dict[str, object] = {
            "type": f"{self.public_base}/docs/errors#{kind.code}",
            "title": title,
            "status": status,
            "code": kind.code,
            "request_id": request_id,
            "retryable": kind.retryable,
        }
        if str(error) != (kind.__doc__ or kind.code):  # What it says when it says nothing more.
            document["detail"] = str(error)
        if error.faults:
            document["errors"] = [
                {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
                for fault in error.faults
            ]
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        response = Response(body, status=status, content_type=PROBLEM_TYPE)
        response.headers.extend(_headers(error, status))
        return response


def status_of(kind: type[ExchangeError]) -> int:
    """Return the HTTP status of an error's category."""
    return next(STATUS_BY_CATEGORY[base] for base in kind.__mro__ if base in STATUS_BY_CATEGORY)


def title_of(kind: type[ExchangeError]) -> str:
    """Return the public title of an error: the first line of its docstring."""
    return (kind.__doc__ or kind.code).partition("\n")[0]


def typed(error: Exception) -> ExchangeError:
    """Return the error of ours that an exception is shown as.

    What the framework raises keeps its status where that says something; anything else is told
    as InternalError, which tells nothing.
    """
    if isinstance(error, ExchangeError):
        return error
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        return _BY_HTTP_STATUS.get(error.code, FormError)()
    return InternalError()


def needs_alarm(error: ExchangeError) -> bool:
    """Tell whether a person must look at this: our own fault, or damaged evidence."""
    return isinstance(error, IntegrityError) or status_of(type(error)) == 500


def allowed_methods(error: Exception, methods: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the API's methods that the resource takes, as far as is known."""
    valid = getattr(error, "valid_methods", None) or methods
    return tuple(method for method in methods if method in valid)


def _headers(error: ExchangeError, status: int) -> list[tuple[str, str]]:
    if status == 401:
        return [("WWW-Authenticate", "Signature"), ("Accept-Signature", ACCEPT_SIGNATURE)]
    if isinstance(error, QuotaError | UnavailableError):
        return [("Retry-After", str(error.retry_after_seconds))]
    if status == 503:
        return [("Retry-After", str(UnavailableError.retry_after_seconds))]
    return []
