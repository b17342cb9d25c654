"""Take a grantee's word that it stopped using what an ended grant allowed.

The event that told it of the end was its notice to stop; whether it was heard stands in the log.
Source: consent.md, 8.
"""

from __future__ import annotations

from uuid import UUID

from consent.grants import Actor, GrantEvent, TransitionRefused, next_state
from exchange.domain.queries import Asker
from exchange.errors import AbsentError, GrantTransition
from exchange.services.grants.show_grant import Standing, standing
from exchange.services.grants.write_events import Change, event_row, write_event_leaf
from exchange.services.ports import Ports


def confirm_stop(grant_id: UUID, caller: Asker, ports: Ports) -> Standing:
    """Write that the caller stopped; once, however often it says so.

    Raises:
        AbsentError: there is no such grant of this member.
        GrantTransition: nobody ended it.
    """
    change = Change(
        event=GrantEvent.CONFIRM_STOP,
        actor=Actor.GRANTEE,
        acted_at=ports.now(),
        by=f"{caller.member}/{caller.key}",
    )
    with ports.begin() as work:
        stored = work.grants.find(caller.member, grant_id, lock=True)
        if stored is None:
            raise AbsentError
        events = work.grants.events(caller.member, grant_id)
        said = any(one.event == change.event for one in events)
        stands = standing(stored, ports.now(), replayed=said)
        try:
            after = next_state(stands.state, change.event, change.actor)
        except TransitionRefused as error:
            raise GrantTransition(str(error)) from error
        if not said:
            leaf_hash = write_event_leaf(stored, change, work, ports)
            work.grants.add_event(event_row(stored, change, after, leaf_hash, ports))
            work.commit()
    return stands
