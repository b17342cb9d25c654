"""Enrol members, change their standing, add and revoke their keys: each an `admin` leaf.

Only public halves are taken, and only strong keys. The operator reads the fingerprint back to the
member over another channel before the key is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from exchange.crypto.public_keys import public_key_of
from exchange.domain.ids import member_id
from exchange.domain.leaves import JsonValue
from exchange.domain.members import Member, MemberKey, MemberStatus, NewKey
from exchange.errors import AbsentError, InvalidField, MemberConflict
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.ports import Ports, Work


def enrol_member(member: Member, ports: Ports) -> None:
    """Enrol a member; it is heard once it has a key.

    Raises:
        MemberConflict: the id is taken.
        InvalidField: the id or the time zone is not a valid one.
    """
    member_id(member.member)
    try:
        ZoneInfo(member.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidField("must be an IANA time zone", field="zone") from error
    now = ports.now()
    with ports.begin() as work:
        if not work.members.enrol(member, now):
            raise MemberConflict("this id is taken", field="member")
        roles: list[JsonValue] = [role.value for role in sorted(member.roles)]
        _log_admin(work, member.member, "enrolled", {"roles": roles}, ports, now)
        work.commit()


def set_standing(member: str, status: MemberStatus, ports: Ports) -> None:
    """Suspend, retire or reactivate a member; it acts on the very next request.

    Raises:
        AbsentError: there is no such member.
    """
    now = ports.now()
    with ports.begin() as work:
        if not work.members.set_status(member, status):
            raise AbsentError("no such member", field="member")
        _log_admin(work, member, status.value.lower(), {}, ports, now)
        work.commit()


def add_key(member: str, new: NewKey, ports: Ports) -> None:
    """Register a public key of a member.

    Raises:
        WeakKey: it is no strong key of its algorithm.
        InvalidField: its validity is empty.
        AbsentError: there is no such member.
        MemberConflict: the member has a key of this name.
    """
    public_key_of(new.algorithm, new.public_key)
    if new.not_before >= new.not_after:
        raise InvalidField("must be later than not_before", field="not_after")
    now = ports.now()
    with ports.begin() as work:
        if work.members.find(member) is None:
            raise AbsentError("no such member", field="member")
        if not work.members.add_key(member, new, now):
            raise MemberConflict("the member has a key of this name", field="key")
        _log_admin(work, member, "key_added", {"key": f"{member}/{new.key}"}, ports, now)
        work.commit()


def revoke_key(member: str, key: str, ports: Ports) -> None:
    """Revoke a key; requests signed under it are refused from the next one on.

    Raises:
        AbsentError: the member has no such key, or it is revoked already.
    """
    now = ports.now()
    with ports.begin() as work:
        if not work.members.revoke_key(member, key, now):
            raise AbsentError("no such live key", field="key")
        _log_admin(work, member, "key_revoked", {"key": f"{member}/{key}"}, ports, now)
        work.commit()


def list_members(ports: Ports) -> Sequence[tuple[Member, Sequence[MemberKey]]]:
    """List every member with its keys."""
    with ports.begin() as work:
        return work.members.all()


def _log_admin(  # noqa: PLR0913 - who, what, in which transaction, when
    work: Work, member: str, event: str, audit: Mapping[str, JsonValue], ports: Ports, now: int
) -> None:
    draft = LeafDraft(kind="admin", member=member, subject_slot={"event": event}, audit_slot=audit)
    write_leaves(work, [draft], ports, now)
