"""What a member's data quality is measured by: finished files, living records, the last 90 days."""

from __future__ import annotations

from dataclasses import replace

from exchange.domain.life.quality import index_of
from tests.support.dispute_desk import DAY_SECONDS, DisputeDesk
from tests.support.grant_desk import shown
from tests.support.sandbox import Sandbox


def test_a_member_is_measured_by_what_is_finished_alive_and_of_this_quarter(
    sandbox: Sandbox,
) -> None:
    """A lender must find in its index what it did, and nothing that it did not."""
    desk = DisputeDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    doubtful = {"principal_minor": 10_000}  # more than three times of it is overdue
    bad = desk.clean(1, "bad", currency="USD")
    old = [desk.clean(1, f"old-{n}") for n in range(6)]
    desk.uploaded([*old, desk.late(1, "old-late", **doubtful), bad], kind="FULL")
    desk.sql("UPDATE batch SET received_at = received_at - %s RETURNING 1", 90 * DAY_SECONDS)
    new = [desk.clean(2, f"new-{n}") for n in range(5)]
    desk.uploaded([*new, desk.late(2, "new-late", **doubtful), bad], kind="FULL")
    just_within = 90 * DAY_SECONDS - 600
    desk.sql(
        "UPDATE batch SET received_at = received_at - %s WHERE received_at > %s RETURNING 1",
        just_within,
        sandbox.ports.now() - DAY_SECONDS,
    )
    desk.upload(desk.file([bad], {"kind": "FULL"}))  # Rejected: it tells nothing.
    shown(desk.put(desk.clean(3, "withdrawn")))
    shown(desk.end(desk.contribute(3), "withdraw"))
    shown(desk.reply(desk.opened_dispute("old-0")))
    desk.sql("UPDATE dispute SET answered_at = answered_at - %s RETURNING 1", 90 * DAY_SECONDS)
    amended = desk.amendment(account_ref="old-1", balance_minor=1)
    shown(desk.reply(desk.opened_dispute("old-1"), "MODIFIED", row=amended))
    desk.opened_dispute("old-2")
    for account, seconds in (("old-3", 31 * DAY_SECONDS), ("old-4", 31 * DAY_SECONDS - 600)):
        desk.sql(
            "UPDATE record SET submitted_at = submitted_at - %s WHERE record_id ="
            " (SELECT record_id FROM account WHERE account_ref = %s) RETURNING 1",
            seconds,
            account,
        )

    with sandbox.ports.begin() as work:
        measured = work.standing.measure("member-a", sandbox.ports.now())

    files = (measured.rows, measured.rejected, measured.warned)
    book = (measured.open_records, measured.fresh_records, measured.clean_records, measured.absent)
    disputes = (measured.disputes_ended, measured.disputes_lost)
    assert ((7, 1, 1), (13, 12, 11, 7), (1, 1)) == (files, book, disputes)
    half_a_quarter = replace(measured, deliveries_due=2, deliveries=1)
    # 0.25 x 50 + 0.20 x 85.71 + 0.20 x 46.15 + 0.15 x 92.31 + 0.10 x 85.71 + 0.10 x 95.24 = 70.81
    assert 71 == index_of(half_a_quarter).dqi
