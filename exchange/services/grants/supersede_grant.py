"""Let a new artefact take the place of an older one: renewed, widened or narrowed.

Same subject, grantee and purpose; the chain keeps the id of its first grant. The older grant ends
when the newer is in force: at once at level 1, with the borrower's acceptance at level 2.
"""

from __future__ import annotations

from consent.artefact import Artefact
from consent.claims import ArtefactRefused, Step
from consent.grants import Actor, GrantEvent, GrantState, TransitionRefused, next_state
from exchange.domain.ids import parse
from exchange.errors import GrantTransition
from exchange.services.grants.ports import StoredGrant
from exchange.services.grants.show_grant import standing
from exchange.services.grants.write_events import Change, event_row, write_event_leaf
from exchange.services.ports import Ports, Work


def find_superseded(
    artefact: Artefact, token_index: bytes, work: Work, now: int
) -> StoredGrant | None:
    """Find and lock the grant that an artefact supersedes; None where it names none.

    Raises:
        ArtefactRefused: it is no grant of this grantee, subject and purpose.
        GrantTransition: it is not active.
    """
    if artefact.supersedes is None:
        return None
    old_id = parse("gnt", artefact.supersedes, field="artefact")
    old = work.grants.find(artefact.grantee, old_id, lock=True)
    # Another subject's grant and none at all are the same answer.
    if old is None or old.token_index != token_index or old.held.purpose != artefact.purpose:
        expected = "must be a grant of this member, subject and purpose, bound in this epoch"
        raise ArtefactRefused(Step.CROSS_FIELD, "supersedes", expected)
    _superseded_state(old, now)
    return old


def supersede(old: StoredGrant, by: str, work: Work, ports: Ports) -> None:
    """End a locked grant in favour of its successor.

    Raises:
        GrantTransition: it is not active any more.
    """
    now = ports.now()
    after = _superseded_state(old, now)
    change = Change(event=GrantEvent.SUPERSEDE, actor=Actor.GRANTEE, acted_at=now, by=by)
    work.grants.move(old, after, old.held.expires)
    leaf_hash = write_event_leaf(old, change, work, ports)
    work.grants.add_event(event_row(old, change, after, leaf_hash, ports))


def _superseded_state(old: StoredGrant, now: int) -> GrantState:
    try:
        return next_state(standing(old, now).state, GrantEvent.SUPERSEDE, Actor.GRANTEE)
    except TransitionRefused as error:
        raise GrantTransition(str(error), field="artefact/supersedes") from error
