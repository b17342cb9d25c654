"""Doorbells: what rings at a member's endpoint, how it is signed, and when it rings again.

The message says that there is an event, and not what it is about: the member fetches it from the
feed, over its own signed request. Headers: Standard Webhooks. Body: CloudEvents 1.0, structured.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from exchange.domain.ids import show
from exchange.domain.outward.events import EventKind

CONTENT_TYPE = "application/cloudevents+json"
SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix that Standard Webhooks gives to secrets
SECRETS_LIVE = 2
UNAUTHORISED_IN_A_ROW_MAX = 10

# Seconds after the first try at which the next ones are due (security.md, T9; records.md, 7).
TRIES_AT_SECONDS = (0, 30, 300, 1_800, 7_200, 28_800, 86_400, 259_200)


class DeliveryState(StrEnum):
    """Where one delivery stands."""

    WAITING = "WAITING"
    DONE = "DONE"
    GIVEN_UP = "GIVEN_UP"


class DisabledCause(StrEnum):
    """Why an endpoint is rung at no more."""

    GONE = "GONE"  # it answered 410
    UNAUTHORISED = "UNAUTHORISED"  # it answered 401 ten times in a row


class Ring(NamedTuple):
    """What is to be told of one event."""

    event_id: UUID
    kind: EventKind
    about: UUID | None
    made_at: int  # unix seconds


def body_of(ring: Ring, source: str) -> bytes:
    """Write the CloudEvents body: id, kind, time, and the watch where there is one.

    Args:
        source: the exchange's public base URL.
    """
    event: dict[str, str] = {
        "specversion": "1.0",
        "id": show("evt", ring.event_id),
        "source": source,
        "type": ring.kind.type,
        "time": datetime.fromtimestamp(ring.made_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if ring.kind.of_watch and ring.about is not None:
        event["subject"] = show("wch", ring.about)
    return json.dumps(event, separators=(",", ":")).encode()


def headers_of(event_id: str, body: bytes, secrets: Sequence[bytes], now: int) -> dict[str, str]:
    """Return the headers of one try, signed under every live secret.

    Source: Standard Webhooks, specification 1.0: `id.timestamp.body` under HMAC-SHA256.
    """
    content = f"{event_id}.{now}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
        for secret in secrets
    ]
    return {
        "Content-Type": CONTENT_TYPE,
        "webhook-id": event_id,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(signatures),
    }


def secret_text(secret: bytes) -> str:
    """Write a secret as its owner pastes it into any verifier."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def next_try(tries: int, now: int) -> int | None:
    """Say when to try again after so many tries; None: it is given up.

    The steps are counted from the try that failed, so that a deliverer that was down does not
    catch up in a burst.
    """
    if tries >= len(TRIES_AT_SECONDS):
        return None
    return now + TRIES_AT_SECONDS[tries] - TRIES_AT_SECONDS[tries - 1]
