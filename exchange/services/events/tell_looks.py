"""Tell a member something about a subject: a leaf of the log, and an event with sealed bands.

An event with bands is a look: it is logged as one, under the subject's next number, in the
transaction of what caused it. Source: records.md, 7; log.md, 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from exchange.domain.base64url import b64url
from exchange.domain.ids import uuid7
from exchange.domain.leaves import JsonValue
from exchange.domain.outward.events import EventKind, NewEvent, SealedBands
from exchange.errors import UnavailableError
from exchange.services.events.seal_bands import seal_bands
from exchange.services.events.tell_events import facts_text
from exchange.services.log.write_leaves import (
    LeafDraft,
    make_leaf,
    opening_key,
    seal_leaf,
    subject_ask,
)
from exchange.services.ports import Ports, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a member is told, unasked, about a subject."""

    member: str
    kind: EventKind
    purpose: str
    index: bytes  # of the subject's primary identity token
    about: UUID  # the watch, or the query that was answered
    audit: Mapping[str, JsonValue]
    facts: Mapping[str, object]
    bands: Mapping[str, object] = field(default_factory=dict)
    once: str | None = None


def tell_look(look: Look, work: Work, ports: Ports) -> bool:
    """Write the leaf and the event; False where the same was told before (`once`).

    Raises:
        UnavailableError: the log of this year is not open yet.
    """
    now = ports.now()
    log_id = work.log.find_log(ports.origin(now))
    if log_id is None:
        raise UnavailableError("the access log is not open yet; start the sequencer")
    if look.once is not None and work.events.told(look.once):
        return False
    draft = LeafDraft(
        kind="watch",
        member=look.member,
        subject=ports.keyring.pseudonym(look.index),
        subject_slot={"purpose": look.purpose, "event": look.kind.value},
        audit_slot=look.audit,
        purpose=look.purpose,
    )
    ask = subject_ask(draft.subject, ports, now)
    turn = work.log.open_subjects([ask], log_id=log_id)[0]  # Locks the subject's counter.
    key = opening_key(ask.key_id, turn.kek_id, turn.wrapped, ports)
    leaf = make_leaf(draft, turn, ports, now)
    work.log.append([seal_leaf(draft, leaf, key, ports, now)], log_id=log_id, now=now)
    event_id = uuid7(ports.now_ms(), ports.random_bytes)
    sealed: SealedBands | None = None
    if look.bands:
        sealed = seal_bands(look.bands, event_id, ask.key_id, key)
    event = NewEvent(
        event_id=event_id,
        member=look.member,
        kind=look.kind,
        about=look.about,
        facts=facts_text({**look.facts, "leaf": b64url(leaf.leaf_hash)}),
        made_at=now,
        bands=sealed,
        once=look.once,
    )
    work.events.add([event])
    return True
