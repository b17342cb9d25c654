"""Who gives gets: measures by month, changes announced before they hold, answers cut to them."""

from __future__ import annotations

import pytest

from exchange.domain.members import Role
from exchange.services.standing.measure_quality import measure_quality
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import answer_claims, shown
from tests.support.sandbox import Sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> DisputeDesk:
    """The desk of the lender that reports."""
    return DisputeDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))


@pytest.fixture
def other(sandbox: Sandbox) -> DisputeDesk:
    """The desk of the lender that asks."""
    return DisputeDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))


def earn(desk: DisputeDesk, depth: str, effective_at: int = 1) -> None:
    """Let a depth hold for a member."""
    desk.sql(
        "INSERT INTO reciprocity VALUES (%s, %s, %s, 'FAIR', 'FULL_BOOK', 0) RETURNING 1",
        desk.member,
        effective_at,
        depth,
    )


def test_a_member_that_gives_nothing_gets_nothing_and_its_grant_is_not_spent(
    desk: DisputeDesk, other: DisputeDesk
) -> None:
    """Free riders end what everybody lives on."""
    desk.reported()
    earn(other, "NOTHING")
    grant = other.granted(1)

    answered = other.answer(grant, 1)

    assert ("WITHHELD", "reciprocity.none") == answered
    assert 0 == shown(other.send("GET", f"/v1/grants/{grant}"))["uses"]
    assert 1 == other.leaves("query")


@pytest.mark.parametrize(
    ("depth", "gone", "left"),
    [
        ("NO_VELOCITY", {"velocity"}, {"current_bucket", "dispute"}),
        ("FLAG", {"velocity", "current_bucket", "statement"}, {"dispute", "freshest_month"}),
    ],
)
def test_a_shallower_answer_says_that_reciprocity_made_it_so(
    desk: DisputeDesk, other: DisputeDesk, depth: str, gone: set[str], left: set[str]
) -> None:
    """A lender must not take a cut answer for a clean one."""
    desk.reported()
    earn(other, depth)

    claims = answer_claims(other.ask(other.granted(1), 1))

    finding, limits = claims["finding"], claims["limits"]
    assert isinstance(finding, dict)
    assert isinstance(limits, list)
    assert "ADVERSE" == claims["outcome"]
    assert "RECIPROCITY" in limits
    assert not gone & finding.keys()
    assert left <= finding.keys()


def test_a_change_that_is_only_announced_takes_nothing_away(
    desk: DisputeDesk, other: DisputeDesk
) -> None:
    """Thirty days are thirty days."""
    desk.reported()
    earn(other, "NOTHING", effective_at=2**40)

    claims = answer_claims(other.ask(other.granted(1), 1))

    assert "ADVERSE" == claims["outcome"]
    assert "RECIPROCITY" not in str(claims["limits"])


def aged(desk: DisputeDesk, days: int) -> None:
    """Let a member have been enrolled so many days ago."""
    desk.sql(
        "UPDATE member SET enrolled_at = enrolled_at - %s WHERE member_id = %s RETURNING 1",
        days * 86_400,
        desk.member,
    )


def test_a_silent_member_is_told_before_its_answers_end(
    desk: DisputeDesk, other: DisputeDesk
) -> None:
    """Whoever loses something must hear of it a month before."""
    desk.reported()
    aged(other, 60)

    measured = {one.member: one for one in measure_quality(other.sandbox.ports)}

    report = shown(other.send("GET", "/v1/reports/data-quality"))["reports"]
    assert isinstance(report, list)
    assert "NONE" == measured["member-b"].contribution
    assert ("member-b", "ALL", "NOTHING") == (
        report[0]["member"],
        report[0]["earned"],
        report[0]["next"]["earned"],
    )
    kinds = desk.sql("SELECT member_id, kind FROM event")
    assert ("member-b", "DEPTH_ANNOUNCED") in kinds
    assert "permitted" == other.answer(other.granted(1), 1)[1]


def test_a_new_member_gets_everything_for_sixty_days(other: DisputeDesk) -> None:
    """Nobody can have reported before joining."""
    aged(other, 59)

    measured = measure_quality(other.sandbox.ports)

    assert [("NEW", "NONE")] == [(one.quality, one.contribution) for one in measured]
    assert [] == other.sql("SELECT 1 FROM reciprocity")


def test_a_month_is_measured_once(other: DisputeDesk) -> None:
    """A trend of twelve points a year must not depend on how often a job ran."""
    aged(other, 60)
    first = measure_quality(other.sandbox.ports)

    again = measure_quality(other.sandbox.ports)

    assert (1, []) == (len(first), again)
    assert [(1,)] == other.sql("SELECT count(*) FROM reciprocity")


def test_an_announcement_that_proves_wrong_is_taken_back(
    desk: DisputeDesk, other: DisputeDesk
) -> None:
    """Whoever mends in time loses nothing."""
    aged(other, 60)
    measure_quality(other.sandbox.ports)
    for n in range(3):
        shown(other.put(other.clean(n + 1, f"own-{n}")))
    other.sql("DELETE FROM quality RETURNING 1")  # As if the next month had come.

    measured = {one.member: one for one in measure_quality(other.sandbox.ports)}

    assert "FULL_BOOK" == measured["member-b"].contribution
    assert [] == other.sql("SELECT 1 FROM reciprocity")


def test_the_regulator_reads_every_report_and_a_member_its_own(
    desk: DisputeDesk, other: DisputeDesk, sandbox: Sandbox
) -> None:
    """How well a competitor reports is nobody's business but the regulator's."""
    measure_quality(sandbox.ports)
    regulator = DisputeDesk(sandbox=sandbox, key=sandbox.enrol("authority", Role.REGULATOR))

    all_of_them = shown(regulator.send("GET", "/v1/reports/data-quality"))["reports"]
    one = shown(regulator.send("GET", "/v1/reports/data-quality?member=member-b"))["reports"]
    own = shown(other.send("GET", "/v1/reports/data-quality?member=member-a"))["reports"]

    names = [[each["member"] for each in part] for part in (all_of_them, one, own)]  # type: ignore[attr-defined]  # lists of objects
    assert {"member-a", "member-b"} <= set(names[0])
    assert (["member-b"], ["member-b"]) == (names[1], names[2])


def test_lost_disputes_and_faulty_rows_lower_the_index(desk: DisputeDesk) -> None:
    """Quality is what borrowers and other lenders get to feel."""
    aged(desk, 90)
    for n in range(5):
        desk.reported(n + 1, f"acc-{n}")
        shown(desk.reply(desk.opened_dispute(f"acc-{n}"), "DELETED_ERROR"))
    shown(desk.put(desk.clean(9, "acc-9")))

    measured = measure_quality(desk.sandbox.ports)[0]

    assert (80, 50) == (measured.upheld, measured.timely)
