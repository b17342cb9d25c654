"""Contributing: judge one record row's permission, and name the row's fault.

In:  the grant that a row names, as its row holds it, or None.
Out: the fault code of the row, or None where the row may stand.
Not here: rows on a basis other than a grant (the profile lists those), and the set-based join.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .decision import Decision, Reason, Request, decide
from .grants import HeldGrant
from .profiles import Profile
from .purposes import Act, Party, Purpose

_MISSING = "row.grant_missing"
_EXPIRED = "row.grant_expired"
_WITHDRAWN = "row.grant_withdrawn"

ROW_FAULTS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.PURPOSE_OFF: "row.grant_purpose",
        Reason.GRANT_MISSING: _MISSING,
        Reason.GRANT_UNUSABLE: _MISSING,
        Reason.GRANT_REQUESTED: _MISSING,
        Reason.GRANT_REJECTED: _MISSING,
        Reason.GRANT_PAUSED: _WITHDRAWN,
        Reason.GRANT_WITHDRAWN: _WITHDRAWN,
        Reason.GRANT_REVOKED: _WITHDRAWN,
        Reason.GRANT_SUPERSEDED: _WITHDRAWN,
        Reason.GRANT_INVALIDATED: _WITHDRAWN,
        Reason.GRANT_EARLY: _EXPIRED,
        Reason.GRANT_EXPIRED: _EXPIRED,
        Reason.GRANT_PURPOSE: "row.grant_purpose",
        Reason.GRANT_LEVEL: _MISSING,
    }
)
_CONTRIBUTOR = frozenset({Party.CONTRIBUTOR.value})


def judge_row(grant: HeldGrant | None, *, member: str, profile: Profile, now: int) -> Decision:
    """Decide whether this member may report a row under this grant."""
    request = Request(
        purpose=Purpose.CONTRIBUTE,
        act=Act.REPORT,
        member=member,
        parties=_CONTRIBUTOR,
        grant_named=True,
        spends=False,  # a row is no use: the grant stands for as long as the loan is reported
    )
    return decide(request, grant, profile, now)


def row_fault(grant: HeldGrant | None, *, member: str, profile: Profile, now: int) -> str | None:
    """Return the fault of a row that names this grant, or None.

    A grant of the member that speaks of another subject is not found under the row's token. Who
    can tell the two apart says `row.grant_subject` instead of the missing one.
    """
    decision = judge_row(grant, member=member, profile=profile, now=now)
    # Whatever is refused has a fault, also for reasons that rows do not meet today.
    return None if decision.permitted else ROW_FAULTS.get(decision.reason, _MISSING)
