"""Write what happened to a grant: a leaf of the access log, and a row of its history.

Every event of every grant goes through here, so none is without a leaf.
Source: consent.md, 1 and 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from consent.grants import Actor, GrantEvent, GrantState
from exchange.domain.ids import show, uuid7
from exchange.domain.leaves import JsonValue
from exchange.services.grants.ports import GrantEventRow, NewGrant, StoredGrant
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import Ports, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to a grant, by whose wish, and who brought it."""

    event: GrantEvent
    actor: Actor
    acted_at: int  # unix seconds
    by: str  # `<member>/<key>`, `operator`, or the borrower's key: for auditors alone
    reason: str = ""  # coded


def write_event_leaf(
    grant: NewGrant | StoredGrant,
    change: Change,
    work: Work,
    ports: Ports,
    *,
    told: Mapping[str, JsonValue] | None = None,
) -> bytes:
    """Write the leaf of one event and return its hash.

    Args:
        told: what the subject slot says besides, for the borrower's eyes as well.
    """
    purpose = str(grant.held.purpose)
    audit: dict[str, JsonValue] = {
        "grant": show("gnt", grant.grant_id),
        "artefact_sha256": standard_base64(grant.digest),
        "level": grant.held.level,
        "policy": grant.policy,
        "key": change.by,
    }
    if change.reason:
        audit["reason"] = change.reason
    draft = LeafDraft(
        kind="grant",
        member=grant.held.grantee,
        subject=ports.keyring.pseudonym(grant.token_index),
        subject_slot={"purpose": purpose, "event": change.event.value, **(told or {})},
        audit_slot=audit,
        purpose=purpose,
    )
    return write_leaves(work, [draft], ports, ports.now())[0].leaf_hash


def event_row(
    grant: NewGrant | StoredGrant,
    change: Change,
    after: GrantState,
    leaf_hash: bytes,
    ports: Ports,
) -> GrantEventRow:
    """Return the row of the history for one event."""
    return GrantEventRow(
        event_id=_event_id(grant, ports),
        grantee=grant.held.grantee,
        grant_id=grant.grant_id,
        event=change.event.value,
        actor=change.actor.value,
        state=after.value,
        reason=change.reason,
        acted_at=change.acted_at,
        effective_at=ports.now(),
        leaf_hash=leaf_hash,
    )


def _event_id(grant: NewGrant | StoredGrant, ports: Ports) -> UUID:
    """Return an id that sorts after the grant's newest event, whose row is locked."""
    now_ms = ports.now_ms()
    if isinstance(grant, StoredGrant):
        now_ms = max(now_ms, (grant.last.event_id.int >> 80) + 1)
    return uuid7(now_ms, ports.random_bytes)
