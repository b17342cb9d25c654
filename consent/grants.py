"""Grants: their states, what may happen to them, and by whom.

History is append-only. EXPIRED and CONSUMED are never stored: they follow from the columns, so no
job can be late with them.
Not here: one artefact's form (artefact.py), what a use needs (decision.py), rows and locks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from .purposes import Detail

REQUEST_SECONDS = 72 * 3600  # a request that nobody answers ends
RELAY_SECONDS = 24 * 3600  # a member's relay of a withdrawal later than this is flagged


class GrantState(StrEnum):
    """Where a grant stands."""

    REQUESTED = "REQUESTED"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    REVOKED = "REVOKED"
    SUPERSEDED = "SUPERSEDED"
    INVALIDATED = "INVALIDATED"
    EXPIRED = "EXPIRED"  # derived
    CONSUMED = "CONSUMED"  # derived


OPEN_STATES = frozenset({GrantState.REQUESTED, GrantState.ACTIVE, GrantState.PAUSED})
FINAL_STATES = frozenset(GrantState) - OPEN_STATES
STORED_STATES = frozenset(GrantState) - {GrantState.EXPIRED, GrantState.CONSUMED}


class GrantEvent(StrEnum):
    """What happens to a grant; each is a leaf."""

    REQUEST = "request"
    REGISTER = "register"
    ACCEPT = "accept"
    REFUSE = "refuse"
    PAUSE = "pause"
    RESUME = "resume"
    WITHDRAW = "withdraw"
    REVOKE = "revoke"
    SUPERSEDE = "supersede"
    INVALIDATE = "invalidate"
    REBIND = "rebind"  # the subject's token of a new epoch; the state stays
    ASK_EVIDENCE = "ask_evidence"  # a sample, to be shown in the profile's days; the state stays
    SHOW_EVIDENCE = "show_evidence"  # it is what the artefact names; the state stays
    CONFIRM_STOP = "confirm_stop"  # the grantee heard of the end and stopped; the state stays


class Actor(StrEnum):
    """Who makes an event happen. A member that relays the subject's wish is not the actor."""

    SUBJECT = "subject"
    GRANTEE = "grantee"
    EXCHANGE = "exchange"
    REGULATOR = "regulator"


class Channel(StrEnum):
    """How the subject told the member."""

    APP = "app"
    WEB = "web"
    BRANCH = "branch"
    CALL = "call"
    SMS = "sms"
    EMAIL = "email"
    POST = "post"


class RevokeReason(StrEnum):
    """Why a grantee, the exchange or a regulator ends a grant."""

    NOT_NEEDED = "not_needed"  # no application, or no account, any more
    ERROR = "error"
    FRAUD = "fraud"
    MEMBER_LEFT = "member_left"
    ORDER = "order"


class InvalidateCause(StrEnum):
    """Why a grant was never valid."""

    EVIDENCE_MISSING = "evidence_missing"
    WRONG_PERSON = "wrong_person"
    STOLEN_KEY = "stolen_key"


class TransitionRefused(Exception):
    """This event cannot happen to a grant in this state, or not by this actor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldGrant:
    """A registered grant as its locked row holds it, for one subject token."""

    grantee: str
    purpose: str
    state: GrantState
    level: int
    cross_border: bool
    not_before: int  # unix seconds
    expires: int  # unix seconds, first second after validity
    uses: int
    max_uses: int | None
    window_start: int  # unix seconds of the first use in the running window
    window_uses: int
    window_max: int | None
    window_seconds: int
    detail: Detail
    fields: frozenset[str]
    lookback_months: int
    own_account: bool = False  # the grantee has the account that the purpose asks for


_SUBJECT = frozenset({Actor.SUBJECT})
_GRANTEE = frozenset({Actor.GRANTEE})
_OFFICIAL = frozenset({Actor.EXCHANGE, Actor.REGULATOR})
_ONCE_IN_FORCE = frozenset(GrantState) - {
    GrantState.REQUESTED,
    GrantState.REJECTED,
    GrantState.INVALIDATED,
}
_ENDED = (GrantState.WITHDRAWN, GrantState.REVOKED, GrantState.INVALIDATED)
# The exchange pauses where its nightly check finds stored bytes that are not what was signed.
_MAY_PAUSE = frozenset({Actor.SUBJECT, Actor.REGULATOR, Actor.EXCHANGE})

_TRANSITIONS: Mapping[tuple[GrantState | None, GrantEvent], tuple[frozenset[Actor], GrantState]] = (
    MappingProxyType(
        {
            (None, GrantEvent.REQUEST): (_GRANTEE, GrantState.REQUESTED),
            (None, GrantEvent.REGISTER): (_GRANTEE, GrantState.ACTIVE),
            (GrantState.REQUESTED, GrantEvent.ACCEPT): (_SUBJECT, GrantState.ACTIVE),
            (GrantState.REQUESTED, GrantEvent.REFUSE): (_SUBJECT, GrantState.REJECTED),
            (GrantState.ACTIVE, GrantEvent.PAUSE): (_MAY_PAUSE, GrantState.PAUSED),
            (GrantState.PAUSED, GrantEvent.RESUME): (_MAY_PAUSE, GrantState.ACTIVE),
            (GrantState.ACTIVE, GrantEvent.WITHDRAW): (_SUBJECT, GrantState.WITHDRAWN),
            (GrantState.PAUSED, GrantEvent.WITHDRAW): (_SUBJECT, GrantState.WITHDRAWN),
            (GrantState.ACTIVE, GrantEvent.REVOKE): (_GRANTEE | _OFFICIAL, GrantState.REVOKED),
            (GrantState.PAUSED, GrantEvent.REVOKE): (_GRANTEE | _OFFICIAL, GrantState.REVOKED),
            (GrantState.ACTIVE, GrantEvent.SUPERSEDE): (_GRANTEE, GrantState.SUPERSEDED),
            (GrantState.ACTIVE, GrantEvent.REBIND): (_GRANTEE, GrantState.ACTIVE),
            (GrantState.PAUSED, GrantEvent.REBIND): (_GRANTEE, GrantState.PAUSED),
            **{(state, GrantEvent.ASK_EVIDENCE): (_OFFICIAL, state) for state in _ONCE_IN_FORCE},
            **{(state, GrantEvent.SHOW_EVIDENCE): (_GRANTEE, state) for state in _ONCE_IN_FORCE},
            **{(state, GrantEvent.CONFIRM_STOP): (_GRANTEE, state) for state in _ENDED},
            **{
                (state, GrantEvent.INVALIDATE): (_OFFICIAL, GrantState.INVALIDATED)
                for state in GrantState
                if state is not GrantState.INVALIDATED
            },
        }
    )
)


def next_state(
    state: GrantState | None,
    event: GrantEvent,
    actor: Actor,
    paused_by: Actor | None = None,
) -> GrantState:
    """Return the state after this event.

    Args:
        state: the derived state (`derive_state`), or None before the first event.
        paused_by: who paused, where the grant is paused: only the same class may resume.

    Raises:
        TransitionRefused: the table does not hold this state, event and actor.
    """
    actors, after = _TRANSITIONS.get((state, event), (frozenset[Actor](), None))
    if after is None:
        raise TransitionRefused(f"a grant that is {state or 'unknown'} does not take {event}")
    if actor not in actors or (event is GrantEvent.RESUME and actor is not paused_by):
        raise TransitionRefused(f"{event} is not for the {actor}")
    return after


def answer_by(expires: int, now: int) -> int:
    """Return when a request made now runs out: with the grant's end, after 72 hours at the latest.

    A REQUESTED row carries it as its end; the borrower's acceptance puts the artefact's end there.
    """
    return min(expires, now + REQUEST_SECONDS)


def derive_state(
    state: GrantState, now: int, expires: int, uses: int, max_uses: int | None
) -> GrantState:
    """Return the state at this time: a stored one that is not final may have run out.

    Args:
        expires: of a REQUESTED grant what `answer_by` said.
    """
    if state not in OPEN_STATES:
        return state
    if now >= expires:
        return GrantState.EXPIRED
    return GrantState.CONSUMED if max_uses is not None and uses >= max_uses else state


def relayed_late(acted_at: int, now: int) -> bool:
    """Tell whether a member passed a withdrawal on later than it may."""
    return now - acted_at > RELAY_SECONDS
