"""Note what a grantee says of a grant that it does not move: a leaf, and a row of its history.

`confirm_stop`: the event that told it of the end was its notice to stop; whether it was heard
stands in the log. Source: consent.md, 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias
from uuid import UUID

from consent.grants import Actor, GrantEvent, TransitionRefused, next_state
from exchange.domain.queries import Asker
from exchange.errors import AbsentError, GrantTransition
from exchange.services.grants.ports import GrantEventRow, StoredGrant
from exchange.services.grants.show_grant import Standing, standing
from exchange.services.grants.write_events import Change, event_row, write_event_leaf
from exchange.services.ports import Ports

# Says whether it was noted already, by the grant and its history, oldest first; or refuses.
Noted: TypeAlias = Callable[[StoredGrant, Sequence[GrantEventRow]], bool]


def confirm_stop(grant_id: UUID, caller: Asker, ports: Ports) -> Standing:
    """Write that the caller stopped; once, however often it says so; raises as `note_event`."""

    def noted(_: StoredGrant, events: Sequence[GrantEventRow]) -> bool:
        return any(one.event == GrantEvent.CONFIRM_STOP for one in events)

    return note_event(grant_id, GrantEvent.CONFIRM_STOP, noted, caller, ports)


def note_event(
    grant_id: UUID, event: GrantEvent, noted: Noted, caller: Asker, ports: Ports
) -> Standing:
    """Write an event of the caller's grant, unless it is noted already.

    Raises:
        AbsentError: there is no such grant of this member.
        GrantTransition: its state does not take the event.
    """
    by = f"{caller.member}/{caller.key}"
    change = Change(event=event, actor=Actor.GRANTEE, acted_at=ports.now(), by=by)
    with ports.begin() as work:
        stored = work.grants.find(caller.member, grant_id, lock=True)
        if stored is None:
            raise AbsentError
        said = noted(stored, work.grants.events(caller.member, grant_id))
        stands = standing(stored, ports.now(), replayed=said)
        try:
            after = next_state(stands.state, event, change.actor)
        except TransitionRefused as error:
            raise GrantTransition(str(error)) from error
        if not said:
            leaf_hash = write_event_leaf(stored, change, work, ports)
            work.grants.add_event(event_row(stored, change, after, leaf_hash, ports))
            work.commit()
    return stands
