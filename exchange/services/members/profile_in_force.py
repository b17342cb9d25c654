"""Which profile of the law is in force: two people put it there, and the log says which bytes.

A profile is a file of this software: another version of it, or one that somebody edited, must not
judge borrowers because a host was deployed. Source: consent.md, 4 and 10.
"""

from __future__ import annotations

from collections.abc import Mapping

from consent.profiles import Profile, profile_sha256
from exchange.domain.leaves import JsonValue
from exchange.errors import Fault, SettingsError
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.members.ports import Change, ChangeKind
from exchange.services.ports import Ports, Work

EVENT = "profile_in_force"
_SETTING = "EXCHANGE_PROFILE"


def profile_change(profile: Profile) -> Change:
    """Return the change that puts the profile of this software in force."""
    digest = profile_sha256(profile.id)
    details = {"sha256": digest.hex(), "profile": profile.ref}
    return Change(kind=ChangeKind.PROFILE, member=profile.ref, details=details)


def check_profile(ports: Ports) -> None:
    """Refuse to serve under a profile that two people did not put in force.

    Raises:
        SettingsError: another one is in force, or none.
    """
    profile = ports.terms.profile
    with ports.begin() as work:
        stands = work.members.profile_in_force()
    if stands != profile_sha256(profile.id):
        detail = f"{profile.ref} as it stands here is not in force: `exchange profile propose`"
        fault = Fault(_SETTING, SettingsError.code, detail)
        raise SettingsError(f"the settings are refused:\n  {_SETTING}: {detail}", faults=(fault,))


def set_profile_within(
    work: Work, details: Mapping[str, object], approvers: tuple[str, ...], ports: Ports
) -> None:
    """Put a profile in force within a unit of work."""
    now, after = ports.now(), bytes.fromhex(str(details["sha256"]))
    before = work.members.profile_in_force()
    work.members.put_profile_in_force(str(details["profile"]), after, now)
    audit: dict[str, JsonValue] = {"after_sha256": standard_base64(after)}
    if before is not None:
        audit["before_sha256"] = standard_base64(before)
    if approvers:
        audit["approvers"] = list(approvers)
    draft = LeafDraft(kind="admin", member="", subject_slot={"event": EVENT}, audit_slot=audit)
    write_leaves(work, [draft], ports, now)
