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
from exchange.domain.members import Member, MemberKey, MemberStatus, NewKey, Role
from exchange.errors import AbsentError, InvalidField, MemberConflict
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.ports import Ports, Work

Approvers = tuple[str, ...]  # the operators who wanted it: two, or none where one suffices


def enrol_member(member: Member, ports: Ports) -> None:
    """Enrol a member at once; it is heard once it has a key.

    Raises:
        MemberConflict: the id is taken.
        InvalidField: the id or the time zone is not a valid one, or the member is abroad.
    """
    with ports.begin() as work:
        enrol_within(work, member, (), ports)
        work.commit()


def enrol_within(work: Work, member: Member, approvers: Approvers, ports: Ports) -> None:
    """Enrol a member within a unit of work."""
    check_member(member, ports)
    now = ports.now()
    if not work.members.enrol(member, now):
        raise MemberConflict("this id is taken", field="member")
    audit = {"roles": _names(member.roles), **_by(approvers)}
    _log_admin(work, member.member, "enrolled", audit, ports, now)


def check_member(member: Member, ports: Ports) -> None:
    """Refuse an id or a time zone that is not a valid one, and a member from abroad.

    No member is abroad, so no question is: the gate in the database need not ask. Whoever lets one
    in has to tell the gate of it first (`abroad` in consent.decide). Source: consent.md, 7.
    """
    member_id(member.member)
    if member.profile != ports.terms.profile.id:
        raise InvalidField("must be the jurisdiction of this exchange", field="profile")
    try:
        ZoneInfo(member.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidField("must be an IANA time zone", field="zone") from error


def set_roles_within(
    work: Work, member: str, roles: frozenset[Role], approvers: Approvers, ports: Ports
) -> None:
    """Give a member these roles and no others, within a unit of work.

    Raises:
        AbsentError: there is no such member.
    """
    if not work.members.set_roles(member, roles):
        raise AbsentError("no such member", field="member")
    audit = {"roles": _names(roles), **_by(approvers)}
    _log_admin(work, member, "roles_changed", audit, ports, ports.now())


def set_standing(member: str, status: MemberStatus, ports: Ports) -> None:
    """Suspend or retire a member; it acts on the very next request.

    Raises:
        AbsentError: there is no such member.
    """
    with ports.begin() as work:
        set_standing_within(work, member, status, (), ports)
        work.commit()


def set_standing_within(
    work: Work, member: str, status: MemberStatus, approvers: Approvers, ports: Ports
) -> None:
    """Set a member's standing within a unit of work."""
    if not work.members.set_status(member, status):
        raise AbsentError("no such member", field="member")
    _log_admin(work, member, status.value.lower(), _by(approvers), ports, ports.now())


def add_key(member: str, new: NewKey, ports: Ports) -> None:
    """Register a public key of a member at once.

    Raises:
        WeakKey: it is no strong key of its algorithm.
        InvalidField: its validity is empty.
        AbsentError: there is no such member.
        MemberConflict: the member has a key of this name.
    """
    with ports.begin() as work:
        add_key_within(work, member, new, (), ports)
        work.commit()


def add_key_within(
    work: Work, member: str, new: NewKey, approvers: Approvers, ports: Ports
) -> None:
    """Register a public key within a unit of work."""
    public_key_of(new.algorithm, new.public_key)
    if new.not_before >= new.not_after:
        raise InvalidField("must be later than not_before", field="not_after")
    now = ports.now()
    if work.members.find(member) is None:
        raise AbsentError("no such member", field="member")
    if not work.members.add_key(member, new, now):
        raise MemberConflict("the member has a key of this name", field="key")
    audit = {"key": f"{member}/{new.key}", **_by(approvers)}
    _log_admin(work, member, "key_added", audit, ports, now)


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


def _names(roles: frozenset[Role]) -> list[JsonValue]:
    return [role.value for role in sorted(roles)]


def _by(approvers: Approvers) -> dict[str, JsonValue]:
    return {"approvers": list(approvers)} if approvers else {}


def _log_admin(  # noqa: PLR0913 - who, what, in which transaction, when
    work: Work, member: str, event: str, audit: Mapping[str, JsonValue], ports: Ports, now: int
) -> None:
    draft = LeafDraft(kind="admin", member=member, subject_slot={"event": event}, audit_slot=audit)
    write_leaves(work, [draft], ports, now)
