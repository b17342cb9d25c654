"""Open an entry for its subject, unless an embargo stands: then only that there is one is told.

The end of an embargo stands in the audit slot of the entry, so that nobody moves it later. It
hides the opening and never the leaf: the entry is counted and proven, and opens when it has ended.
Source: log.md, 3 and 12.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import cast

from exchange.domain.leaves import JsonValue, Leaf, Slot
from exchange.errors import IntegrityError
from exchange.services.borrower.statements import OwnEntry
from exchange.services.log.open_pair import SealedPair, open_pair
from exchange.services.log.write_leaves import opening_key
from exchange.services.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEntry:
    """An entry about the subject, opened by the exchange."""

    leaf: Leaf
    number: int  # subject_seq
    said: dict[str, JsonValue]  # the subject slot; empty while an embargo stands
    withheld_until: int | None  # unix seconds, in the future; None: it may be shown


def open_entry(entry: OwnEntry, ports: Ports) -> OpenEntry:
    """Open an entry, and hold back what an embargo holds back.

    Raises:
        IntegrityError: it does not open, or is filed under what it does not say.
    """
    key = opening_key(entry.key_id, entry.kek_id, entry.wrapped, ports)
    sealed = (entry.key_id, entry.subject_sealed, entry.audit_sealed)
    leaf = open_pair(SealedPair(entry.origin, entry.leaf_hash, *sealed), key)
    said = json.loads(leaf.subject.payload)
    if (said["kind"], said.get("member", "")) != (entry.kind, entry.member):
        raise IntegrityError("an entry is filed under what it does not say")
    ends_at = json.loads(leaf.audit.payload).get("embargo_until", 0)
    withheld = ports.now() < ends_at
    return OpenEntry(
        leaf=leaf,
        number=cast("int", said["subject_seq"]),
        said={} if withheld else said,
        withheld_until=ends_at if withheld else None,
    )


def own_slots(entry: OpenEntry) -> frozenset[Slot]:
    """Return the slots that the subject's proof of an entry opens."""
    return frozenset() if entry.withheld_until is not None else frozenset({Slot.SUBJECT})
