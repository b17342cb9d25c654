"""Judge whether a watch may look now: is there still an account, and does the grant cover it?

It is judged as any look is, by `consent.decide`, but no use of the grant is spent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from consent.decision import Decision, Reason, Request, decide
from consent.purposes import Act, Purpose
from consent.reciprocity import Earned
from exchange.domain.findings import Answer
from exchange.domain.members import Member, MemberStatus
from exchange.services.events.shown_now import Glance, shown_now
from exchange.services.ports import Ports, Work

_WORDS = {"statement"}  # a borrower's own words are no event, and are shown to who asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a watch rests on."""

    member: Member
    purpose: Purpose
    grant_id: UUID
    indices: tuple[bytes, ...]  # of its open account's tokens, primary first; none: no account


def judge_watch(basis: Basis, earned: Earned, work: Work, ports: Ports) -> Decision:
    """Say whether the member may look, and how deep. The grant stays locked as it was judged.

    Args:
        earned: how deep the member's own contribution lets it go.
    """
    member = basis.member
    stored = work.grants.find(member.member, basis.grant_id, lock=True)
    bound = stored is not None and stored.token_index in basis.indices
    request = Request(
        purpose=basis.purpose,
        act=Act.LOOK,
        member=member.member,
        parties=member.roles if member.status is MemberStatus.ACTIVE else frozenset(),
        grant_named=True,
        reciprocal=earned is not Earned.NOTHING,
        earned=earned,
        spends=False,
    )
    held = replace(stored.held, own_account=True) if stored and bound else None
    decision = decide(request, held, ports.terms.profile, ports.now())
    if stored and not bound and decision.reason is Reason.GRANT_UNUSABLE:
        # Bound to a token of another epoch, or over for good: the latter ends the watch.
        ended = decide(request, stored.held, ports.terms.profile, ports.now())
        decision = decision if ended.reason is Reason.ACCOUNT_NONE else ended
    return replace(decision, fields=decision.fields - _WORDS)


def look(
    member: str, decision: Decision, indices: Sequence[bytes], work: Work, ports: Ports
) -> Answer:
    """Return what a permitted watch is shown now.

    Raises:
        IntegrityError: a record does not open.
    """
    velocity = work.watches.velocity(member, indices, ports.now())
    glance = Glance(member=member, decision=decision, indices=indices, velocity=velocity)
    return shown_now(glance, work, ports)
