"""Make the events that members are told, from what happened.

In:  a step of a grant's history, or facts about a watch or webhook.
Out: events to be written in the same transaction; what is no news to its member is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from exchange.domain.base64url import b64url
from exchange.domain.ids import show
from exchange.domain.outward.events import GRANT_KINDS, NewEvent
from exchange.services.grants.ports import GrantEventRow


def grant_change(step: GrantEventRow) -> NewEvent | None:
    """Return what the grantee is told of one step of a grant, under the step's own id."""
    kind = GRANT_KINDS.get(step.event)
    if kind is None:
        return None
    facts = {
        "grant_id": show("gnt", step.grant_id),
        "state": step.state,
        "actor": step.actor,
        "reason": step.reason,
        "acted_at": step.acted_at,
        "effective_at": step.effective_at,
        "leaf": b64url(step.leaf_hash),
    }
    return NewEvent(
        event_id=step.event_id,
        member=step.grantee,
        kind=kind,
        about=step.grant_id,
        facts=facts_text(facts),
        made_at=step.effective_at,
    )


def facts_text(facts: Mapping[str, object]) -> str:
    """Write the facts of an event."""
    return json.dumps(facts, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
