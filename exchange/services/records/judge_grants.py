"""Judge rows by the grants that they name: one row's at once, a file's all together.

In:  rows that are right by themselves, the circumstances, and an open unit of work.
Out: the fault of each row whose grant does not cover it. The grant of a row sent alone is held as
     it is until the unit of work ends: a withdrawal waits for it, or is seen. Those of a file are
     not held: what was suppressed meanwhile, its merge makes up for.
A grant that stands under one of the row's tokens is the row's. Where none does, a grant that the
member has registered for somebody else is told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from consent.contributing import row_fault
from consent.grants import HeldGrant
from exchange.domain.rows import Submission
from exchange.services.ports import Work
from exchange.services.records.ports import NamedGrant

JudgeGrants: TypeAlias = Callable[[Iterable[NamedGrant], Submission, Work], Mapping[int, str]]

_OF_ANOTHER_SUBJECT = "row.grant_subject"


def judge_now(named: Iterable[NamedGrant], submission: Submission, work: Work) -> dict[int, str]:
    """Return the fault of each line whose grant does not cover it, if any."""
    faults = {one.line: _fault_now(one, submission, work) for one in named}
    return {line: fault for line, fault in faults.items() if fault}


def judge_later(_: Iterable[NamedGrant], __: Submission, ___: Work) -> dict[int, str]:
    """Find no fault yet: `refuse_by_grants` will, when the rows of a file are staged."""
    return {}


def refuse_by_grants(submission: Submission, work: Work) -> None:
    """Refuse staged rows whose grant does not cover them."""
    member, now = submission.member, submission.submitted_at
    kinds = work.staging.grant_kinds(member, now)
    judged = {kind: _fault(kind, submission) for kind in kinds}
    if any(judged.values()):
        judged[None] = _fault(None, submission)
        work.staging.refuse_by_grants(judged, (member, now), stranger=_OF_ANOTHER_SUBJECT)


def _fault_now(named: NamedGrant, submission: Submission, work: Work) -> str | None:
    asks = [(index, named.grant_id) for index in named.indices]
    held = work.records.held_grants(submission.member, asks)
    if held:
        return next((fault for grant in held if (fault := _fault(grant, submission))), None)
    known = work.records.registered_grants(submission.member, [named.grant_id])
    return _OF_ANOTHER_SUBJECT if known else _fault(None, submission)


def _fault(grant: HeldGrant | None, submission: Submission) -> str | None:
    return row_fault(
        grant,
        member=submission.member,
        profile=submission.profile,
        now=submission.submitted_at,
    )
