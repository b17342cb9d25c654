"""Bind a grant to its subject's token of a newer epoch: the artefact stays, the token changes.

Its counters go with it, so that a grant given for one look is good for one look in all epochs
together. A grant that is not bound in an epoch is unusable there. Source: consent.md, 3.
"""

from __future__ import annotations

from uuid import UUID

from consent.grants import Actor, GrantEvent, TransitionRefused, next_state
from exchange.domain.queries import Asker
from exchange.errors import AbsentError, GrantConflict, GrantTransition
from exchange.services.grants.ports import Binding, StoredGrant
from exchange.services.grants.show_grant import Standing, standing
from exchange.services.grants.write_events import Change, event_row, write_event_leaf
from exchange.services.ports import Ports, Work


def rebind_grant(grant_id: UUID, token: bytes, epoch: str, caller: Asker, ports: Ports) -> Standing:
    """Move a grant of the caller to the subject's token of a newer epoch.

    Raises:
        AbsentError: there is no such grant of this member.
        GrantConflict: in this epoch it is bound to another token.
        GrantTransition: it is over, or bound in a newer epoch already.
        ClosedEpoch: the epoch named is not open.
    """
    binding = Binding(epoch, ports.keyring.index(epoch, token))
    with ports.begin() as work:
        stored = work.grants.find(caller.member, grant_id, lock=True)
        if stored is None:
            raise AbsentError
        if _bound(stored, binding, work):
            return standing(stored, ports.now(), replayed=True)
        rebound = _rebind(stored, binding, f"{caller.member}/{caller.key}", work, ports)
        work.commit()
    return rebound


def _bound(stored: StoredGrant, binding: Binding, work: Work) -> bool:
    bindings = work.grants.bindings(stored.held.grantee, stored.grant_id)
    if any(one.epoch == binding.epoch and one != binding for one in bindings):
        raise GrantConflict("in this epoch it is bound to another token", field="token")
    return binding in bindings


def _rebind(stored: StoredGrant, binding: Binding, by: str, work: Work, ports: Ports) -> Standing:
    now = ports.now()
    if _number(binding.epoch) < _number(stored.epoch):
        raise GrantTransition("it is bound in a newer epoch", field="epoch")
    try:
        state = next_state(standing(stored, now).state, GrantEvent.REBIND, Actor.GRANTEE)
    except TransitionRefused as error:
        raise GrantTransition(str(error)) from error
    work.grants.rebind(stored, binding, now)
    moved = stored._replace(epoch=binding.epoch, token_index=binding.token_index)
    change = Change(event=GrantEvent.REBIND, actor=Actor.GRANTEE, acted_at=now, by=by)
    leaf_hash = write_event_leaf(moved, change, work, ports)
    work.grants.add_event(event_row(moved, change, state, leaf_hash, ports))
    return standing(moved, now)


def _number(epoch: str) -> int:
    return int(epoch.removeprefix("ep_"))
