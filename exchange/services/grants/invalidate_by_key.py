"""Invalidate what a stolen key signed: a member's key, and the date from which others had it.

The key is revoked first, so nothing more is registered under it; then each grant that it signed
from that date on is found never valid, and what it carried is listed. Source: consent.md, 6.
"""

from __future__ import annotations

from uuid import UUID

from consent.grants import GrantEvent, InvalidateCause
from exchange.errors import AbsentError, GrantTransition
from exchange.services.grants.change_grant import by_exchange, change_grant
from exchange.services.grants.read_artefact import stored_artefact
from exchange.services.grants.show_grant import Standing
from exchange.services.grants.verify_grants import pages
from exchange.services.members.manage_members import revoke_key
from exchange.services.ports import Ports


def invalidate_by_key(member: str, key: str, since: int, ports: Ports) -> list[Standing]:
    """Revoke a key and invalidate what it signed from a time on; say which grants those are.

    Carried on after an interruption it finishes what is left, and changes nothing twice.

    Raises:
        AbsentError: the member has no such key.
    """
    with ports.begin() as work:
        found = work.members.find_key(member, key)
    if found is None:
        raise AbsentError("no such key", field="key")
    if found.revoked_at is None:
        revoke_key(member, key, ports)
    kid = f"{member}/{key}"
    signed = [
        one.grant_id
        for kept in pages(member, ports)
        for one in kept
        # A clock may run ahead by a minute; whatever was registered earlier was signed earlier.
        if one.kid == kid and one.registered_at >= since - 60
    ]
    return [done for grant_id in signed if (done := _invalidate(member, grant_id, since, ports))]


def _invalidate(member: str, grant_id: UUID, since: int, ports: Ports) -> Standing | None:
    with ports.begin() as work:
        stored = work.grants.find(member, grant_id)
    if stored is None or stored_artefact(stored.artefact).iat < since:
        return None
    change = by_exchange(GrantEvent.INVALIDATE, InvalidateCause.STOLEN_KEY, ports)
    try:
        return change_grant(member, grant_id, change, ports)
    except GrantTransition:
        return None  # Found invalid before, for another cause.
