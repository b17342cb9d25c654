"""Sign what a flow asks for, and let through only what the exchange signed in return.

In:  Calls of a flow, and responses as the network gave them.
Out: signed requests, and Replies. Not here: connections, retries.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from exchange_client.core.calls import Call, Reply
from exchange_client.core.encoding import JSON, loads_object, printable
from exchange_client.errors import (
    FieldFault,
    Problem,
    Refused,
    Unrecognised,
    UnverifiedResponse,
)
from exchange_client.keys import KeyFile
from exchange_client.pins import Pins
from exchange_client.signing import (
    Request,
    Response,
    SignedRequest,
    sign_request,
    verify_response,
)

NONCE_BYTES = 24
PROBLEM_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS_MAX = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One signed try of a call."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = field(repr=False)
    signed: SignedRequest = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One member's key in front of one pinned exchange."""

    key: KeyFile
    pins: Pins
    base_url: str  # where to connect; signatures always cover the pinned public base
    now: Callable[[], int]  # unix seconds

    def sign(self, call: Call) -> Outgoing:
        """Sign one try: fresh time, fresh nonce, and a body that may be made afresh."""
        body = call.body()
        signed = sign_request(
            Request(
                method=call.method,
                target_uri=self.pins.public_base + call.path,
                body=body,
                content_type=call.content_type,
            ),
            self.key,
            created=self.now(),
            nonce=secrets.token_urlsafe(NONCE_BYTES),
        )
        headers = dict(signed.headers)
        if call.prefer is not None:
            headers["Prefer"] = call.prefer
        return Outgoing(
            method=call.method,
            url=self.base_url + call.path,
            headers=headers,
            body=body,
            signed=signed,
        )

    def accept(self, call: Call, outgoing: Outgoing, response: Response) -> Reply:
        """Verify that the exchange gave this response to this try, and read it.

        Raises:
            UnverifiedResponse: unsigned, wrongly signed, or bound to another request.
            Refused: a problem document that the exchange signed.
        """
        try:
            verify_response(
                response, outgoing.signed, self.pins.keys_of("response"), now=self.now()
            )
        except UnverifiedResponse as error:
            if response.status == 401:  # Nobody's key, so nobody's signed request to answer.
                raise Unrecognised(f"HTTP 401{_hint(response)}") from error
            raise UnverifiedResponse(f"HTTP {response.status}: {error}") from error
        retry_after = _seconds(response.headers.get("retry-after"))
        if response.status not in call.accepted:
            raise Refused(_problem(response, retry_after))
        return Reply(
            status=response.status,
            content_type=response.headers.get("content-type", ""),
            body=response.body,
            replayed=response.headers.get("cx-replayed") == "true",
            retry_after_seconds=retry_after,
        )


def _problem(response: Response, retry_after_seconds: int | None) -> Problem:
    """Read a problem document (RFC 9457); what is not one is told by its status alone."""
    try:
        document = loads_object(response.body)
    except ValueError:
        document = {}
    if response.headers.get("content-type") != PROBLEM_TYPE:
        document = {}
    listed = document.get("errors")
    return Problem(
        code=_word(document.get("code"), f"http.{response.status}"),
        status=response.status,
        title=_word(document.get("detail") or document.get("title"), "refused without a reason"),
        errors=tuple(map(_fault, listed)) if isinstance(listed, list) else (),
        request_id=_word(document.get("request_id"), ""),
        retryable=document.get("retryable") is True or response.status in (429, 503),
        retry_after_seconds=retry_after_seconds,
    )


def _fault(listed: JSON) -> FieldFault:
    one = listed if isinstance(listed, dict) else {}
    return FieldFault(
        pointer=_word(one.get("pointer"), ""),
        code=_word(one.get("code"), ""),
        detail=_word(one.get("detail"), ""),
    )


def _hint(response: Response) -> str:
    """What an unsigned 401 says of itself: a hint for people, never a fact."""
    try:
        code = loads_object(response.body).get("code")
    except ValueError:
        return ""
    if not isinstance(code, str):
        return ""
    asks = "; is the clock of this machine right?" if code == "auth.stale" else ""
    return f", unsigned, says {printable(code, characters_max=40)}{asks}"


def _word(value: JSON, default: str) -> str:
    return printable(value) if isinstance(value, str) and value else default


def _seconds(text: str | None) -> int | None:
    if text is None or not text.isdecimal():
        return None
    return min(int(text), RETRY_AFTER_SECONDS_MAX)
