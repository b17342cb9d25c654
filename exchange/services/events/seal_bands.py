"""Seal the bands of an event under its subject's key of the quarter, and open them again.

The key is the one that seals openings and stored answers of this subject: what erases those erases
these. Each sealing is bound to its event and member.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from exchange.crypto.sealing import DataKey, pad, unpad
from exchange.domain.outward.events import FeedEvent, SealedBands
from exchange.domain.strict_json import loads
from exchange.errors import IntegrityError
from exchange.services.log.write_leaves import opening_key
from exchange.services.ports import Ports


def seal_bands(
    bands: Mapping[str, object], event_id: UUID, key_id: str, key: DataKey
) -> SealedBands:
    """Seal the bands of one event."""
    text = json.dumps(bands, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return SealedBands(key_id, key.seal(pad(text.encode()), _aad(event_id)))


def open_bands(event: FeedEvent, ports: Ports) -> Mapping[str, object] | None:
    """Return the bands of an event, None where it has none or they were erased.

    Raises:
        IntegrityError: what is stored does not open.
    """
    stored = event.bands
    if stored is None:
        return None
    key = opening_key(stored.key_id, stored.kek_id, stored.wrapped, ports)
    bands = loads(unpad(key.open(stored.sealed, _aad(event.event_id))))
    if not isinstance(bands, dict):
        raise IntegrityError("the bands of an event are no object")
    return bands


def _aad(event_id: UUID) -> bytes:
    return b"event|1|" + event_id.bytes
