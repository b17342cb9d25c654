"""The hostile corpus about grants: A55 to A58, A60 and A61.

Not here: a grant signed before its subject's birth (A58, last part) is refused by the SDK, which
alone sees an identifier; accounts (A62) are in answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from consent.grants import RevokeReason
from consent.purposes import GRANT_PURPOSES, Purpose
from exchange.domain.members import Role
from tests.support.artefacts import ABSENT, DAY_SECONDS
from tests.support.grant_desk import ABSENT_GRANT, GrantDesk, refusal, shown
from tests.support.grant_races import RACERS, race_uses, race_withdrawal
from tests.support.sandbox import Sandbox, make_sandbox

YEAR_SECONDS = 365 * DAY_SECONDS
ROUNDS = 12  # the full thousand: `python -m tests.bench races`


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members."""
    made = make_sandbox(database_url, tmp_path, queries_per_subject_day=RACERS)
    yield made
    made.close()


@pytest.fixture
def desk(sandbox: Sandbox) -> GrantDesk:
    """The desk of one lender."""
    return GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))


@pytest.fixture
def other(sandbox: Sandbox) -> GrantDesk:
    """The desk of another lender."""
    return GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))


@pytest.fixture
def second_worker(sandbox: Sandbox, database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """Another server process's application on the same database and keys."""
    made = make_sandbox(database_url, tmp_path, queries_per_subject_day=RACERS)
    yield made
    made.close()


def test_a55_a_look_without_a_permission_in_force_is_withheld_and_logged(desk: GrantDesk) -> None:
    """Nobody is looked at on nothing, on a made-up id, too late, or too early."""
    now = desk.now
    looks = {
        "grant.missing": None,
        "grant.unusable": ABSENT_GRANT,
        "grant.expired": desk.granted(changes={"nbf": now - 60, "exp": now - 1}),
        "grant.early": desk.granted(
            changes={"nbf": now + DAY_SECONDS, "exp": now + 2 * DAY_SECONDS}
        ),
    }

    answers = [desk.answer(grant) for grant in looks.values()]

    assert [("WITHHELD", reason) for reason in looks] == answers
    assert 4 == desk.leaves("query")
    assert [(0,)] == desk.sql("SELECT sum(uses)::int FROM grants")


@pytest.mark.parametrize(
    ("how", "body", "reason"),
    [
        ("revoke", {"reason": RevokeReason.ERROR.value}, "grant.revoked"),
        ("withdraw", {"channel": "call"}, "grant.withdrawn"),
    ],
)
def test_a55_a_grant_ended_a_moment_ago_on_another_worker_is_refused(
    desk: GrantDesk, second_worker: Sandbox, how: str, body: dict[str, object], reason: str
) -> None:
    """No worker remembers a permission that another one has seen end."""
    grants = [desk.granted(subject, purpose=Purpose.ACCOUNT_REVIEW) for subject in (1, 2)]
    elsewhere = GrantDesk(sandbox=second_worker, key=desk.key)
    elsewhere.answer(grants[0], purpose=Purpose.ACCOUNT_REVIEW)
    desk.end(grants[0], how, body)

    answer = elsewhere.answer(grants[0], purpose=Purpose.ACCOUNT_REVIEW)

    assert ("WITHHELD", reason) == answer


def test_a56_a_grant_of_another_member_subject_or_purpose_opens_nothing(
    desk: GrantDesk, other: GrantDesk
) -> None:
    """A permission serves whom, about whom and what for it was given, and the answer tells less."""
    theirs = other.granted(1)
    about_another = desk.granted(2)
    for_a_guarantor = desk.granted(1, purpose=Purpose.GUARANTOR_CHECK)

    answers = [desk.answer(grant, 1) for grant in (theirs, about_another, for_a_guarantor)]

    assert [
        ("WITHHELD", "grant.unusable"),
        ("WITHHELD", "grant.unusable"),
        ("WITHHELD", "grant.purpose"),
    ] == answers
    assert 3 == desk.leaves("query")
    assert [(0,)] == desk.sql("SELECT sum(uses)::int FROM grants")


def test_a57_eight_workers_spend_a_once_grant_exactly_once(
    desk: GrantDesk, second_worker: Sandbox
) -> None:
    """A single consent never becomes two looks, however many ask at once."""
    desks = [desk, GrantDesk(sandbox=second_worker, key=desk.key)]

    spent_once = [race_uses(desks, subject) for subject in range(ROUNDS // 2)]

    assert all(spent_once)
    assert 8 * (ROUNDS // 2) == desk.leaves("query")


def test_a57_a_withdrawal_races_a_query_and_the_log_agrees_with_the_answer(
    desk: GrantDesk, second_worker: Sandbox
) -> None:
    """An answer given under a consent stands before its withdrawal in the log, or was refused."""
    elsewhere = GrantDesk(sandbox=second_worker, key=desk.key)

    outcomes = {race_withdrawal(desk, elsewhere, subject) for subject in range(ROUNDS)}

    assert outcomes <= {"permitted", "withdrawn"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": 80 * YEAR_SECONDS}, "grant.policy"),
        ({"exp": 31 * DAY_SECONDS}, "grant.policy"),
        ({"exp": -1}, "grant.cross_field"),
        ({"exp": 0}, "grant.cross_field"),
        ({"iat": 3600}, "grant.cross_field"),
        ({"nbf": 31 * DAY_SECONDS, "exp": 32 * DAY_SECONDS}, "grant.cross_field"),
    ],
)
def test_a58_a_grant_without_a_sane_life_is_refused(
    desk: GrantDesk, changes: dict[str, int], code: str
) -> None:
    """Nobody agrees for eighty years, backwards, or tomorrow."""
    shifted = {name: desk.now + seconds for name, seconds in changes.items()}

    status, found, pointer = refusal(desk.register(desk.artefact(changes=shifted)))

    assert (422, code) == (status, found)
    assert f"/artefact/{next(iter(changes))}" == pointer


def test_a60_grants_of_others_and_of_nobody_look_alike(
    desk: GrantDesk, other: GrantDesk, sandbox: Sandbox
) -> None:
    """Walking through ids tells nothing about whom somebody else may ask about."""
    theirs = other.granted(1)
    asks = [
        desk.send("GET", f"/v1/grants/{theirs}"),
        desk.send("GET", f"/v1/grants/{ABSENT_GRANT}"),
        desk.end(theirs, "withdraw", {}),
        desk.end(ABSENT_GRANT, "withdraw", {}),
        desk.end(theirs, "revoke", {"reason": "error"}),
        desk.end(ABSENT_GRANT, "revoke", {"reason": "error"}),
    ]

    assert {(404, "absent", "")} == {refusal(response) for response in asks}
    assert 1 == len({len(response.data) for response in asks})
    assert "ACTIVE" == shown(other.send("GET", f"/v1/grants/{theirs}"))["state"]
    assert 1 == desk.leaves()


@pytest.mark.parametrize("purpose", ["", "marketing", "credit_application ", "Credit_Application"])
def test_a61_an_unknown_purpose_is_no_question(desk: GrantDesk, purpose: str) -> None:
    """What is not on the closed list cannot even be asked."""
    response = desk.ask(desk.granted(), changes={"purpose": purpose})

    assert (422, "request.field", "/purpose") == refusal(response)
    assert 0 == desk.leaves("query")


@pytest.mark.parametrize("nothing", [None, ABSENT])
def test_a61_a_question_without_a_purpose_is_none(desk: GrantDesk, nothing: object) -> None:
    """Nobody looks without saying what for."""
    response = desk.ask(desk.granted(), changes={"purpose": nothing})

    assert (422, "request.field", "/purpose") == refusal(response)


@pytest.mark.parametrize("purpose", [*sorted(set(Purpose) - GRANT_PURPOSES), "contribute"])
def test_a61_a_purpose_that_is_not_the_members_is_withheld(desk: GrantDesk, purpose: str) -> None:
    """A lender that calls its look an audit or a dispute sees nothing, and is seen doing it."""
    answer = desk.answer(desk.granted(), purpose=purpose)

    assert ("WITHHELD", "purpose.off") == answer
    assert 1 == desk.leaves("query")


@pytest.mark.parametrize("purpose", [Purpose.COLLECTIONS, Purpose.FRAUD_PREVENTION])
def test_a61_a_purpose_that_the_profile_closes_is_withheld(
    desk: GrantDesk, purpose: Purpose
) -> None:
    """What a country does not open stays shut, and no grant for it can be registered."""
    claims = desk.artefact(purpose=purpose)

    assert (422, "grant.policy", "/artefact/purpose") == refusal(desk.register(claims))
    assert ("WITHHELD", "purpose.off") == desk.answer(desk.granted(), purpose=purpose)


def test_a61_a_contributor_that_may_not_ask_is_told_so(sandbox: Sandbox) -> None:
    """Who only reports does not look."""
    reporter = GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-c", Role.CONTRIBUTOR))

    assert (403, "auth.role", "") == refusal(reporter.ask(None))
