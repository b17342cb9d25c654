"""The fake receives files whole, packed or in parts, and shows how they stand.

What the exchange works off later, the fake ends with the last byte: it has no worker to wait for.
"""

from __future__ import annotations

from typing import Final

from exchange_client.batches.files import CSV_START
from exchange_client.batches.packing import unpacked
from exchange_client.errors import UsageError
from exchange_client.testing.messages import Caller
from exchange_client.testing.records import reporting
from exchange_client.testing.refusals import Refusal
from exchange_client.testing.world import World

UNPACKED_BYTES_MAX: Final = 64 << 20
PART: Final = frozenset({"batch", "offset", "total", "sha256"})

Query = dict[str, list[str]]


def take(world: World, caller: Caller, query: Query, body: bytes) -> tuple[dict[str, object], bool]:
    """Take a file or a part of one; return how it stands, and whether it was known before.

    Raises:
        Refusal: the part belongs elsewhere, or the file is refused.
    """
    if not query:
        return _taken(world, caller, body)
    if query.keys() != PART:
        raise Refusal(422, "request.field")
    batch, offset, total = query["batch"][0], int(query["offset"][0]), int(query["total"][0])
    place = (caller.member, batch)
    if place in world.batches:
        stored = world.batches[place]
        if stored.digest.hex() != query["sha256"][0]:
            raise Refusal(409, "batch.conflict", pointer="/batch_id")
        return _state(batch, "DONE", total, stored.receipt), True
    received = world.received.get(place, b"")
    if offset != len(received):
        raise Refusal(409, "batch.offset", pointer="/offset")
    world.received[place] = received + body
    if offset + len(body) < total:
        return _state(batch, "RECEIVING", offset + len(body), None), False
    return _taken(world, caller, world.received.pop(place))


def shown(world: World, caller: Caller, batch: str) -> dict[str, object]:
    """Return how a file stands.

    Raises:
        Refusal: 404, there is none.
    """
    place = (caller.member, batch)
    if place in world.received:
        return _state(batch, "RECEIVING", len(world.received[place]), None)
    if place not in world.batches:
        raise Refusal(404, "absent")
    receipt = world.batches[place].receipt
    return _state(batch, "DONE" if receipt else "REJECTED", 0, receipt or None)


def _taken(world: World, caller: Caller, sent: bytes) -> tuple[dict[str, object], bool]:
    try:
        content = unpacked(sent)
    except UsageError:
        raise Refusal(415, "request.media_type") from None
    if len(content) > UNPACKED_BYTES_MAX:
        raise Refusal(413, "request.too_large")
    if content.startswith(CSV_START):
        raise Refusal(415, "request.media_type")  # The fake judges NDJSON alone.
    batch, receipt, replayed = reporting.take_batch(world, caller, content)
    return _state(batch, "DONE", len(sent), receipt), replayed


def _state(batch: str, state: str, received: int, receipt: str | None) -> dict[str, object]:
    refusal = {"code": "batch.fault_share", "field": "", "detail": "nothing was stored"}
    return {
        "batch_id": batch,
        "state": state,
        "received_bytes": received,
        "rows": 0,
        "rows_done": 0,
        "receipt": receipt,
        "refusal": refusal if state == "REJECTED" else None,
    }
