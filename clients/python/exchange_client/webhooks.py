"""Check a webhook that arrived: it rang from the exchange, just now, about this event.

    ring = verify(request.body, request.headers, [secret])
    for event in exchange.events(after=bookmark): …    # what happened stands in the feed alone

In:  the body's exact bytes, the headers, and the live secrets of the endpoint.
Out: a Ring, or WebhookInvalid. Numbers are the steps of Standard Webhooks 1.0, with ours beside:

    1 the three headers are there          3 a signature holds under a live secret
    2 the time is within five minutes      4 the body is a CloudEvent of the id that was signed

A webhook is a doorbell. It may ring twice for one event: what was handled is known by `event_id`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exchange_client.core.encoding import loads_object
from exchange_client.errors import WebhookInvalid

TOLERANCE_SECONDS = 300
BODY_BYTES_MAX = 65_536
SIGNATURES_MAX = 16  # of one message; more is an attack on our time

_PREFIX = "whsec_"
_SECRET_BYTES = range(24, 65)  # as Standard Webhooks asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One verified webhook."""

    event_id: str  # `evt_…`, the same at every ring for one event
    type: str  # `cx.grant.withdrawn` …
    watch_id: str | None
    rung_at: int  # unix seconds


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secrets: Iterable[str],
    *,
    now: int | None = None,
) -> Ring:
    """Verify a webhook.

    Args:
        body: as it came, not parsed and written again.
        headers: names in any case.
        secrets: the endpoint's live ones, `whsec_…`.
        now: unix seconds; the clock's, where it is not given.

    Raises:
        WebhookInvalid: it did not ring from this exchange, or not just now. Answer 401.
    """
    named = {name.lower(): value for name, value in headers.items()}
    event_id, stamp, listed = (
        named.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not (event_id and stamp and listed) or len(body) > BODY_BYTES_MAX:  # 1
        raise WebhookInvalid("a header is missing, or the body is too long")
    rung_at = _seconds(stamp)
    if abs((int(time.time()) if now is None else now) - rung_at) > TOLERANCE_SECONDS:  # 2
        raise WebhookInvalid("it rang more than five minutes ago, or lies ahead")
    content = f"{event_id}.{stamp}.".encode() + body
    if not _signed(content, listed, secrets):  # 3
        raise WebhookInvalid("no signature holds under a live secret")
    return _ring(body, event_id, rung_at)


def _seconds(stamp: str) -> int:
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        raise WebhookInvalid("the time is no whole number of seconds")
    return int(stamp)


def _signed(content: bytes, listed: str, secrets: Iterable[str]) -> bool:
    given = listed.split(" ")
    if len(given) > SIGNATURES_MAX:
        return False
    expected = [
        "v1," + base64.b64encode(hmac.digest(_key(secret), content, "sha256")).decode()
        for secret in secrets
    ]
    # Every pair is compared, each in constant time: how long it takes tells nothing.
    held = [
        hmac.compare_digest(one.encode(), signature.encode())
        for one in expected
        for signature in given
    ]
    return any(held)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or len(key) not in _SECRET_BYTES:
        raise WebhookInvalid("the secret is not of the form whsec_…")
    return key


def _ring(body: bytes, event_id: str, rung_at: int) -> Ring:
    try:
        event = loads_object(body)
    except ValueError as error:
        raise WebhookInvalid("the body is no JSON object") from error
    kind, subject = event.get("type"), event.get("subject")
    if event.get("specversion") != "1.0" or event.get("id") != event_id:  # 4
        raise WebhookInvalid("the body is no CloudEvent of the id that was signed")
    if not isinstance(kind, str) or not kind.startswith("cx."):
        raise WebhookInvalid("the body is no event of an exchange")
    return Ring(
        event_id=event_id,
        type=kind,
        watch_id=subject if isinstance(subject, str) else None,
        rung_at=rung_at,
    )
