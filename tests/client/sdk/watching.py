"""The contract on watches: added, told of, renewed, ended."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from exchange_client import Identifier
from exchange_client.core.ids import new_id
from exchange_client.core.records.watching import NewWatch
from tests.client.sdk.contract import Desk, House, refused, stranger
from tests.client.sdk.samples import account_of, row

REVIEW, MONITORING = "account_review", "portfolio_monitoring"
QUIET = ("BUCKET_DOWN", "BUCKET_UP", "CURED", "DISPUTE_CHANGED", "ENTERED_ARREARS")


def new_watch(desk: Desk, who: Identifier, purpose: str = REVIEW) -> NewWatch:
    """Return a watch over an account that the lender reports first."""
    desk.report(who)
    return NewWatch(
        account_ref=account_of(who),
        identifiers=who,
        purpose=purpose,
        grant=desk.grant(who, purpose),
    )


class WatchContract:
    """Watches over one's own borrowers."""

    def test_what_changes_elsewhere_is_told_with_its_bands(
        self, house: House, desk: Desk, other: Desk, who: Identifier
    ) -> None:
        """A lender must hear that its borrower fell behind elsewhere before its own bill is due."""
        watch = desk.sdk.add_watch(new_watch(desk, who))
        other.report(who, days_late=45)
        house.watch()

        told = list(desk.sdk.events())

        assert ["ENTERED_ARREARS", "NEW_LENDER", "GRADE_CHANGED"] == [one.kind for one in told]
        assert {"watch_id", "account_ref", "grant_id", "leaf"} == told[0].facts.keys()
        assert (watch.watch_id, watch.account_ref) == tuple(
            told[0].facts[name] for name in ("watch_id", "account_ref")
        )
        assert told[0].bands is not None
        assert {"current_bucket": 2, "outcome": "ADVERSE"}.items() <= told[0].bands.items()
        assert {"grade", "velocity", "lender_band"} <= told[0].bands.keys()
        cured = row(who, other.grant(who, "contribute"), reason="AMEND")
        other.sdk.put_record(cured)
        house.watch()
        assert ["CURED"] == [one.kind for one in desk.sdk.events(after=told[-1].event_id)]
        assert [] == list(other.sdk.events())

    def test_a_watch_ends_with_its_grant(
        self, house: House, desk: Desk, other: Desk, who: Identifier
    ) -> None:
        """Whom the borrower told to stop must stop, and must know."""
        watch = desk.sdk.add_watch(new_watch(desk, who, MONITORING))
        assert (QUIET, None) == (watch.kinds, watch.ended_cause)
        desk.sdk.withdraw_grant(watch.grant)
        other.report(who, days_late=45)
        house.watch()

        told = [one for one in desk.sdk.events() if "watch_id" in one.facts]

        assert [("WATCH_ENDED", "GRANT", "grant.withdrawn")] == [
            (one.kind, one.facts["cause"], one.facts["reason"]) for one in told
        ]
        assert "GRANT" == desk.sdk.watch(watch.watch_id).ended_cause
        refused("watch.ended", 409, partial(desk.sdk.renew_watch, watch.watch_id))

    def test_a_watch_is_one_however_often_it_is_sent(self, desk: Desk, who: Identifier) -> None:
        """A retry must not watch twice, and a watch must be seen, renewed and ended."""
        new = new_watch(desk, who)

        first, again = desk.sdk.add_watch(new), desk.sdk.add_watch(new)

        assert (first, True) == (replace(again, replayed=False), again.replayed)
        refused("watch.conflict", 409, lambda: desk.sdk.add_watch(replace(new, kinds=("CURED",))))
        assert [first] == desk.sdk.watches()
        grant = desk.grant(who, REVIEW)
        assert grant == desk.sdk.renew_watch(first.watch_id, grant).grant
        assert desk.sdk.renew_watch(first.watch_id).replayed
        ended = [desk.sdk.remove_watch(first.watch_id) for _ in range(2)]
        assert [("REMOVED", False), ("REMOVED", True)] == [
            (one.ended_cause, one.replayed) for one in ended
        ]
        assert [] == list(desk.sdk.events())

    def test_a_watch_is_refused_for_what_does_not_bear_it(
        self, desk: Desk, other: Desk, who: Identifier
    ) -> None:
        """Nobody watches whom it has lent nothing, nor without the borrower's word."""
        new = new_watch(desk, who, MONITORING)

        for faulty in (
            replace(new, account_ref="acc-of-nobody"),
            replace(new, identifiers=stranger()),
            replace(new, grant=new_id("gnt")),
            replace(new, kinds=("GRADE_CHANGED",)),
        ):
            refused("watch.rule", 422, partial(desk.sdk.add_watch, faulty))

        made = desk.sdk.add_watch(new)
        refused("absent", 404, lambda: other.sdk.watch(made.watch_id))
        refused("absent", 404, lambda: other.sdk.remove_watch(made.watch_id))
