"""Webhooks as a lender receives them: what rang from the exchange, and what did not."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from exchange.domain.outward.doorbells import Ring, body_of, headers_of, secret_text
from exchange.domain.outward.events import EventKind
from exchange_client.errors import WebhookInvalid
from exchange_client.webhooks import TOLERANCE_SECONDS, verify

NOW = 1_800_000_000
EVENT = UUID("0192f3a0-0000-7000-8000-000000000001")
WATCH = UUID("0192f3a0-0000-7000-8000-0000000000aa")
SECRET, OTHER = b"s" * 32, b"o" * 32
BODY = body_of(Ring(EVENT, EventKind.GRANT_WITHDRAWN, None, NOW), "https://exchange.example")
HEADERS = headers_of(f"evt_{EVENT.hex}", BODY, [SECRET], NOW)


def signed(body: bytes, event_id: str = f"evt_{EVENT.hex}", now: int = NOW) -> dict[str, str]:
    """Sign a body as the exchange would."""
    return headers_of(event_id, body, [SECRET], now)


def test_a_webhook_of_the_exchange_is_taken() -> None:
    """The event's id is all that a receiver needs: it fetches the rest from the feed."""
    ring = verify(BODY, HEADERS, [secret_text(SECRET)], now=NOW)

    assert (f"evt_{EVENT.hex}", "cx.grant.withdrawn", None) == (
        ring.event_id,
        ring.type,
        ring.watch_id,
    )


def test_a_stock_standard_webhooks_verifier_takes_it() -> None:
    """A lender without our SDK uses what it has, in whatever language."""
    now = int(time.time())  # the stock verifier reads the clock by itself
    both = headers_of(f"evt_{EVENT.hex}", BODY, [OTHER, SECRET], now)

    event = Webhook(secret_text(SECRET)).verify(BODY, both)

    assert f"evt_{EVENT.hex}" == event["id"]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_text(b"x" * 32)).verify(BODY, both)


def test_the_sdk_takes_what_a_stock_signer_signs() -> None:
    """Two implementations of one scheme, held against each other in both directions."""
    stamp = datetime.fromtimestamp(NOW, UTC)
    signature = Webhook(secret_text(SECRET)).sign(f"evt_{EVENT.hex}", stamp, BODY.decode())

    ring = verify(BODY, {**HEADERS, "webhook-signature": signature}, [secret_text(SECRET)], now=NOW)

    assert NOW == ring.rung_at


def test_either_live_secret_verifies_while_they_change() -> None:
    """A receiver may change over at any moment of the rotation."""
    both = headers_of(f"evt_{EVENT.hex}", BODY, [OTHER, SECRET], NOW)

    rings = [verify(BODY, both, [secret_text(secret)], now=NOW) for secret in (SECRET, OTHER)]

    assert rings[0] == rings[1]


def test_the_event_of_a_watch_names_the_watch() -> None:
    """A lender with a million watches looks up one."""
    body = body_of(Ring(EVENT, EventKind.BUCKET_UP, WATCH, NOW), "https://exchange.example")

    ring = verify(body, signed(body), [secret_text(SECRET)], now=NOW)

    assert ("cx.watch.bucket_up", f"wch_{WATCH.hex}") == (ring.type, ring.watch_id)


def _without(name: str) -> dict[str, str]:
    return {key: value for key, value in HEADERS.items() if key != name}


def _v2(headers: dict[str, str]) -> dict[str, str]:
    mac = base64.b64encode(hmac.digest(SECRET, b"x", "sha512")).decode()
    return {**headers, "webhook-signature": f"v2,{mac}"}


FORGED: dict[str, Callable[[], tuple[bytes, dict[str, str]]]] = {
    "no id": lambda: (BODY, _without("webhook-id")),
    "no time": lambda: (BODY, _without("webhook-timestamp")),
    "no signature": lambda: (BODY, _without("webhook-signature")),
    "another secret": lambda: (BODY, headers_of(f"evt_{EVENT.hex}", BODY, [OTHER], NOW)),
    "another body": lambda: (BODY.replace(b"withdrawn", b"resumed"), HEADERS),
    "another id": lambda: (BODY, {**HEADERS, "webhook-id": "evt_" + "0" * 32}),
    "another time": lambda: (BODY, {**HEADERS, "webhook-timestamp": str(NOW + 1)}),
    "another scheme": lambda: (BODY, _v2(HEADERS)),
    "an id that is signed but not the body's": lambda: (BODY, signed(BODY, "evt_" + "0" * 32)),
    "no CloudEvent": lambda: (b"{}", signed(b"{}")),
    "no JSON": lambda: (b"<x/>", signed(b"<x/>")),
    "twice a name": lambda: (b'{"id":"a","id":"b"}', signed(b'{"id":"a","id":"b"}')),
    "a time in words": lambda: (BODY, {**HEADERS, "webhook-timestamp": "now"}),
    "a time in other digits": lambda: (BODY, {**HEADERS, "webhook-timestamp": "١٧٩"}),
    "a thousand signatures": lambda: (
        BODY,
        {**HEADERS, "webhook-signature": "v1,x " * 999 + HEADERS["webhook-signature"]},
    ),
    "an endless body": lambda: (BODY + b" " * 65_536, signed(BODY + b" " * 65_536)),
}


@pytest.mark.parametrize("forged", FORGED, ids=str)
def test_a90_a_forged_webhook_is_refused(forged: str) -> None:
    """Whoever could ring in the exchange's name could make a lender drop a good borrower."""
    body, headers = FORGED[forged]()

    with pytest.raises(WebhookInvalid):
        verify(body, headers, [secret_text(SECRET)], now=NOW)


@pytest.mark.parametrize(("age", "taken"), [(300, True), (301, False), (-300, True), (-301, False)])
def test_a90_a_webhook_is_good_for_five_minutes_either_way(age: int, taken: bool) -> None:
    """A ring that somebody kept and plays back later is not news."""
    headers = signed(BODY, now=NOW - age)

    if taken:
        assert TOLERANCE_SECONDS >= abs(age)
        verify(BODY, headers, [secret_text(SECRET)], now=NOW)
    else:
        with pytest.raises(WebhookInvalid):
            verify(BODY, headers, [secret_text(SECRET)], now=NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!!", "s" * 43, "whsec_YWJj"])
def test_a_secret_that_is_none_verifies_nothing(secret: str) -> None:
    """An empty setting must not turn the check off."""
    with pytest.raises(WebhookInvalid):
        verify(BODY, HEADERS, [secret], now=NOW)


def test_no_secret_at_all_verifies_nothing() -> None:
    """A receiver that forgot to configure one is told so by every ring."""
    with pytest.raises(WebhookInvalid):
        verify(BODY, HEADERS, [], now=NOW)


def test_the_body_tells_its_time_and_source() -> None:
    """A CloudEvents reader of any make understands the message."""
    event = json.loads(BODY)

    made = datetime.fromisoformat(event["time"])
    assert (NOW, "https://exchange.example") == (int(made.timestamp()), event["source"])
