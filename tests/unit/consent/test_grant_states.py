"""States of a grant: a state machine over the table, and what follows from the columns alone."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consent.grants import (
    FINAL_STATES,
    OPEN_STATES,
    RELAY_SECONDS,
    REQUEST_SECONDS,
    STORED_STATES,
    Actor,
    GrantEvent,
    GrantState,
    TransitionRefused,
    answer_by,
    derive_state,
    next_state,
    relayed_late,
)

A, E, S = Actor, GrantEvent, GrantState
OFFICIAL = {A.EXCHANGE, A.REGULATOR}
ALLOWED: dict[tuple[GrantState | None, GrantEvent], tuple[set[Actor], GrantState]] = {
    (None, E.REQUEST): ({A.GRANTEE}, S.REQUESTED),
    (None, E.REGISTER): ({A.GRANTEE}, S.ACTIVE),
    (S.REQUESTED, E.ACCEPT): ({A.SUBJECT}, S.ACTIVE),
    (S.REQUESTED, E.REFUSE): ({A.SUBJECT}, S.REJECTED),
    (S.ACTIVE, E.PAUSE): ({A.SUBJECT, *OFFICIAL}, S.PAUSED),
    (S.ACTIVE, E.WITHDRAW): ({A.SUBJECT}, S.WITHDRAWN),
    (S.PAUSED, E.WITHDRAW): ({A.SUBJECT}, S.WITHDRAWN),
    (S.ACTIVE, E.REVOKE): ({A.GRANTEE, *OFFICIAL}, S.REVOKED),
    (S.PAUSED, E.REVOKE): ({A.GRANTEE, *OFFICIAL}, S.REVOKED),
    (S.ACTIVE, E.SUPERSEDE): ({A.GRANTEE}, S.SUPERSEDED),
    (S.ACTIVE, E.REBIND): ({A.GRANTEE}, S.ACTIVE),
    (S.PAUSED, E.REBIND): ({A.GRANTEE}, S.PAUSED),
    **{
        (state, E.CONFIRM_STOP): ({A.GRANTEE}, state)
        for state in (S.WITHDRAWN, S.REVOKED, S.INVALIDATED)
    },
    **{
        (state, event): (actors, state)
        for state in set(GrantState) - {S.REQUESTED, S.REJECTED, S.INVALIDATED}
        for event, actors in ((E.ASK_EVIDENCE, OFFICIAL), (E.SHOW_EVIDENCE, {A.GRANTEE}))
    },
    **{
        (state, E.INVALIDATE): (OFFICIAL, S.INVALIDATED)
        for state in GrantState
        if state is not S.INVALIDATED
    },
}
UNMOVED = {E.REBIND, E.ASK_EVIDENCE, E.SHOW_EVIDENCE, E.CONFIRM_STOP}  # the state stays
EVERY = list(product([None, *GrantState], GrantEvent, Actor))


@pytest.mark.parametrize(("state", "event", "actor"), EVERY)
def test_only_the_table_moves_a_grant(
    state: GrantState | None, event: GrantEvent, actor: Actor
) -> None:
    """Nobody ends, pauses or revives a borrower's permission but who the table names."""
    actors, after = ALLOWED.get((state, event), (set(), None))
    found: GrantState | None
    try:
        found = next_state(state, event, actor)
    except TransitionRefused:
        found = None

    assert (after if actor in actors else None) is found


@pytest.mark.parametrize(("paused_by", "actor"), list(product([None, *Actor], Actor)))
def test_only_who_paused_resumes(paused_by: Actor | None, actor: Actor) -> None:
    """A regulator's pause is not lifted by the borrower, nor the borrower's by anyone else."""
    may = actor is paused_by and actor in {A.SUBJECT, *OFFICIAL}
    try:
        resumed = next_state(S.PAUSED, E.RESUME, actor, paused_by) is S.ACTIVE
    except TransitionRefused:
        resumed = False

    assert may is resumed


def test_a_refused_event_says_what_it_met() -> None:
    """A lender learns why its event was refused."""
    with pytest.raises(TransitionRefused, match="WITHDRAWN does not take revoke"):
        next_state(S.WITHDRAWN, E.REVOKE, A.GRANTEE)
    with pytest.raises(TransitionRefused, match="unknown does not take withdraw"):
        next_state(None, E.WITHDRAW, A.SUBJECT)
    with pytest.raises(TransitionRefused, match="withdraw is not for the grantee"):
        next_state(S.ACTIVE, E.WITHDRAW, A.GRANTEE)


@pytest.mark.parametrize("state", sorted(GrantState))
@pytest.mark.parametrize(
    ("now", "uses", "ran_out"),
    [
        (99, 0, None),
        (100, 0, S.EXPIRED),
        (101, 1, S.EXPIRED),
        (99, 1, S.CONSUMED),
        (99, 2, S.CONSUMED),
    ],
)
def test_time_and_uses_end_what_is_open(
    state: GrantState, now: int, uses: int, ran_out: GrantState | None
) -> None:
    """A grant is over in its very second, without any job having run."""
    derived = derive_state(state, now, expires=100, uses=uses, max_uses=1)

    assert (ran_out or state if state in OPEN_STATES else state) is derived


def test_a_grant_without_a_number_of_uses_is_never_consumed() -> None:
    """A standing permission is not ended by being used."""
    assert S.ACTIVE is derive_state(S.ACTIVE, 0, expires=1, uses=10**6, max_uses=None)


def test_the_states_are_sorted_out_completely() -> None:
    """No state is both open and final, and none that is derived is ever stored."""
    assert set(GrantState) == OPEN_STATES | FINAL_STATES
    assert not OPEN_STATES & FINAL_STATES
    assert {S.EXPIRED, S.CONSUMED} == set(GrantState) - STORED_STATES
    assert (259_200, 86_400) == (REQUEST_SECONDS, RELAY_SECONDS)


@example(expires=260_201)
@given(expires=st.integers(-10, 600_000))
def test_a_request_waits_three_days_or_until_the_grants_end(expires: int) -> None:
    """A link that nobody followed opens nothing a week later."""
    assert min(expires, 1_000 + 259_200) == answer_by(expires, 1_000)


@example(delay=86_400)
@example(delay=86_401)
@given(delay=st.integers(-10, 200_000))
def test_a_relay_later_than_a_day_is_flagged(delay: int) -> None:
    """A lender that sits on a withdrawal is seen."""
    assert (delay > 86_400) is relayed_late(1_000, 1_000 + delay)


class GrantLife(RuleBasedStateMachine):
    """One grant through any order of events by any actors."""

    def __init__(self) -> None:
        super().__init__()
        self.state: GrantState | None = None
        self.paused_by: Actor | None = None
        self.ended: GrantState | None = None

    @rule(event=st.sampled_from(GrantEvent), actor=st.sampled_from(Actor))
    def happen(self, event: GrantEvent, actor: Actor) -> None:
        """Let an event happen, if it may."""
        try:
            after = next_state(self.state, event, actor, self.paused_by)
        except TransitionRefused:
            return
        if event not in UNMOVED:
            self.paused_by = actor if event is E.PAUSE else None
        if self.state in FINAL_STATES and event not in UNMOVED:
            self.ended = self.state
        self.state = after

    @precondition(lambda self: self.state is not None)
    @rule(event=st.sampled_from([E.REQUEST, E.REGISTER]))
    def begin_again(self, event: GrantEvent) -> None:
        """A grant begins once."""
        with pytest.raises(TransitionRefused):
            next_state(self.state, event, A.GRANTEE)

    @invariant()
    def final_stays_final(self) -> None:
        """Nothing leaves a final state, but to be found never valid."""
        assert self.ended is None or self.state is S.INVALIDATED

    @invariant()
    def never_stored_as_derived(self) -> None:
        """Events lead to stored states alone."""
        assert self.state is None or self.state in STORED_STATES


TestGrantLife = GrantLife.TestCase
