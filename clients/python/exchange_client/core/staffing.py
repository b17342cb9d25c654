"""Tell the exchange whom a member's own people should not look at."""

from __future__ import annotations

from collections.abc import Iterable

from exchange_client.core.calls import JSON_TYPE, Call, Flow
from exchange_client.core.encoding import b64url, dumps
from exchange_client.core.setup import Desk
from exchange_client.core.tokens import evaluate
from exchange_client.errors import UnverifiedResponse
from exchange_client.identifiers import Identifier


def list_staff(desk: Desk, people: Iterable[Identifier]) -> Flow[str]:
    """Replace the member's staff list; return its leaf, base64url.

    Raises:
        Refused: there are more than 500 people.
    """
    epoch = desk.pins.current_epoch
    tokens = yield from evaluate(people, epoch)
    body = dumps({"epoch": epoch.epoch, "tokens": [b64url(one) for one in tokens.values()]})
    reply = yield Call(method="PUT", path="/v1/staff", body=lambda: body, content_type=JSON_TYPE)
    leaf = reply.json().get("leaf")
    if not isinstance(leaf, str):
        raise UnverifiedResponse("the response names no leaf")
    return leaf
