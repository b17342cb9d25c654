"""Seal what a member was shown last, under a data key of its own, and open it again.

It lies in the watch's own row: whoever forgets the row forgets it. Each sealing is bound to its
watch and member.
"""

from __future__ import annotations

import json

from exchange.crypto.sealing import pad, unpad
from exchange.domain.outward.watches import Seen
from exchange.domain.strict_json import loads
from exchange.errors import IntegrityError
from exchange.services.ports import Ports
from exchange.services.watches.ports import SealedSeen, Watch, WatchKey


def seal_seen(seen: Seen, key: WatchKey, ports: Ports) -> SealedSeen:
    """Seal what was seen."""
    text = json.dumps(seen, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    ((wrapped, sealed),) = ports.sealer.seal_each([(pad(text.encode()), _aad(key))])
    return SealedSeen(ports.sealer.kek_id, wrapped, sealed)


def open_seen(watch: Watch, ports: Ports) -> Seen:
    """Return what was seen last; nothing where it was erased.

    Raises:
        IntegrityError: what is stored does not open.
    """
    stored = watch.seen
    if stored is None:
        return {}
    wrapped = (stored.kek_id, stored.wrapped)
    seen = loads(unpad(ports.sealer.open_one(wrapped, stored.sealed, _aad(watch.key))))
    if not isinstance(seen, dict):
        raise IntegrityError("what a watch has seen is no object")
    return seen


def _aad(key: WatchKey) -> bytes:
    return b"watch|1|" + key.member.encode() + b"|" + key.watch_id.bytes
