"""Read the whole log as the rules of flags and of lend-first take it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from exchange.services.audit.open_leaves import open_leaves
from exchange.services.audit.ports import AuditPorts
from exchange.services.log.ports import LogRef

CHUNK_ENTRIES = 5_000

Payload = Mapping[str, object]


class Opened(NamedTuple):
    """The two payloads of an entry, by its index; empty where nobody can open it."""

    leaf_index: int
    subject: Payload
    audit: Payload


def read_opened(log: LogRef, size: int, audit_ports: AuditPorts) -> Iterator[Opened]:
    """Yield every entry below a size, each chunk in a short transaction of its own.

    Raises:
        IntegrityError: an opening is not what its leaf commits to.
    """
    for first in range(0, size, CHUNK_ENTRIES):
        end = min(size, first + CHUNK_ENTRIES)
        with audit_ports.begin() as work:
            sealed = work.audit.leaves(log.log_id, first=first, end=end)
        for leaf in open_leaves(log.origin, sealed, audit_ports.ports):
            opened = leaf.opened
            if opened is None:
                yield Opened(leaf.leaf_index, {}, {})
                continue
            subject = json.loads(opened.subject.payload)
            yield Opened(leaf.leaf_index, subject, json.loads(opened.audit.payload))
