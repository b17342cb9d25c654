"""The fake's gate: the exchange's own rules of consent, over grants held in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from exchange_client._consent.contributing import row_fault
from exchange_client._consent.decision import Decision, Request, decide
from exchange_client._consent.grants import (
    Actor,
    GrantEvent,
    GrantState,
    HeldGrant,
    TransitionRefused,
    derive_state,
    next_state,
)
from exchange_client._consent.profiles import Profile, load_profile
from exchange_client._consent.purposes import PURPOSES, Account, Act, Detail, Party, Purpose

PROFILE_ID: Final = "CN"
_LENDER: Final = frozenset({Party.ASKER.value, Party.CONTRIBUTOR.value})


def law() -> Profile:
    """Return the profile that the fake goes by."""
    return load_profile(PROFILE_ID)


def open_looks() -> frozenset[str]:
    """Return the purposes for which a question may be asked."""
    return frozenset(
        purpose.value
        for purpose, rule in PURPOSES.items()
        if rule.act is Act.LOOK and law().policy[purpose].on
    )


@dataclass(slots=True, kw_only=True)
class FakeGrant:
    """A registered grant, bound to one token."""

    grant_id: str
    artefact: str
    token: str  # base64url
    held: HeldGrant
    chain_id: str
    paused_by: Actor | None = None
    registered_at: int = 0  # unix seconds
    leaf: bytes = b""
    evidence: bytes | None = None  # SHA-256 of what its member keeps
    evidence_asked: bool = False

    def state(self, now: int) -> GrantState:
        """Return where it stands; expiry and use are derived, never stored."""
        held = self.held
        return derive_state(held.state, now, held.expires, held.uses, held.max_uses)

    def happen(self, event: GrantEvent, actor: Actor, now: int) -> None:
        """Move it.

        Raises:
            TransitionRefused: the states do not allow it.
        """
        after = next_state(self.state(now), event, actor, self.paused_by)
        self.paused_by = actor if event is GrantEvent.PAUSE else None
        self.held = replace(self.held, state=after)

    def spend(self, now: int) -> None:
        """Count one use."""
        held = self.held
        fresh = now >= held.window_start + held.window_seconds
        self.held = replace(
            held,
            uses=held.uses + 1,
            window_start=now if fresh else held.window_start,
            window_uses=1 if fresh else held.window_uses + 1,
        )


def judge(
    asked: Mapping[str, str], grant: FakeGrant | None, member: str, own: list[bool], now: int
) -> Decision:
    """Decide one question.

    Args:
        asked: `purpose`, `detail`, `grant` where one is named, `spends` where a watch looks.
        grant: the grant of that name under the question's token.
        own: for each open account of the member with the subject, whether it is overdue.
    """
    purpose = Purpose(asked["purpose"])
    request = Request(
        purpose=purpose,
        act=Act.LOOK,
        member=member,
        parties=_LENDER,
        grant_named="grant" in asked,
        detail=Detail(asked["detail"]),
        spends="spends" not in asked,
    )
    has_account = any(own) if PURPOSES[purpose].account is Account.OVERDUE else bool(own)
    held = replace(grant.held, own_account=has_account) if grant else None
    return decide(request, held, law(), now)


def judge_reported(grant: FakeGrant, member: str, now: int) -> str | None:
    """Return the fault of a row that rests on this grant, None where it has none."""
    return row_fault(grant.held, member=member, profile=law(), now=now)


__all__ = [
    "FakeGrant",
    "TransitionRefused",
    "judge",
    "judge_reported",
    "law",
    "open_looks",
]
