"""The contract on what follows a look: payments, events, status lists, data quality."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from exchange_client import Identifier
from exchange_client.core.disbursing import Disbursement
from exchange_client.core.ids import new_id
from exchange_client.statuses import Status
from tests.client.sdk.contract import Desk, House, refused, stranger
from tests.client.sdk.samples import PURPOSE, account_of, row
from tests.support.borrowers import unsigned


class FollowingContract:
    """Payments, events, status lists, data quality."""

    def test_a_disbursement_is_tied_to_its_look(self, desk: Desk, who: Identifier) -> None:
        """A lender must be able to prove that it asked before it paid out."""
        answer = desk.ask(who)
        query_id = answer.receipt.claims.jti
        told = Disbursement(
            identifier=who, account_ref="acc-1", paid_at=int(time.time()), query_id=query_id
        )

        first, again = desk.sdk.disburse(told), desk.sdk.disburse(told)

        assert ("disbursed", first.text) == (first.event, again.text)
        another = replace(told, account_ref="acc-2")
        refused("disbursement.conflict", 409, lambda: desk.sdk.disburse(another))
        fresh = new_id("dsb")
        later = replace(told, disbursement_id=fresh, paid_at=int(time.time()) + 3_600)
        strange = replace(told, disbursement_id=fresh, identifier=stranger())
        nobodys = replace(told, disbursement_id=fresh, query_id=new_id("qry"))
        for faulty in (later, strange, nobodys):
            refused("request.field", 422, partial(desk.sdk.disburse, faulty))
        assert "disbursed" == desk.sdk.disburse(replace(nobodys, query_id=None)).event

    def test_what_became_of_a_grant_is_told_in_order(self, desk: Desk, who: Identifier) -> None:
        """A branch that relays a borrower's stop must be heard by the head office."""
        grant = desk.grant(who)
        desk.sdk.pause_grant(grant)
        desk.sdk.resume_grant(grant)
        desk.sdk.withdraw_grant(grant)

        told = list(desk.sdk.events())

        assert [
            ("GRANT_PAUSED", "PAUSED"),
            ("GRANT_RESUMED", "ACTIVE"),
            ("GRANT_WITHDRAWN", "WITHDRAWN"),
        ] == [(event.kind, event.facts["state"]) for event in told]
        assert {"grant_id", "state", "actor", "reason", "acted_at", "effective_at", "leaf"} == (
            told[0].facts.keys()
        )
        assert [told[-1]] == list(desk.sdk.events(after=told[1].event_id))
        refused("request.cursor", 400, lambda: list(desk.sdk.events(after=new_id("evt"))))

    def test_a_requested_grant_waits_for_its_subject(self, desk: Desk, who: Identifier) -> None:
        """A consent that the borrower has yet to sign permits nothing, however often it is sent."""
        grant = unsigned(who, PURPOSE, key=desk.key, pins=desk.sdk.pins)

        told = [desk.sdk.request_grant(grant, who) for _ in range(2)]

        assert ["REQUESTED"] * 2 == [one["state"] for one in told]
        links = {urlsplit(str(one["link"])) for one in told}
        assert {"/borrower/request"} == {link.path for link in links}
        assert [22, 22] == [len(link.fragment) for link in links]  # 16 bytes, and never the same
        assert {grant.grant_id} == {one["grant_id"] for one in told}
        ends = desk.sdk.grant(grant.grant_id)["expires"]
        assert told[0]["link_expires"] == ends
        assert isinstance(ends, int)
        assert ends - time.time() < 72 * 3_600 + 60  # and not the month that it would last
        answer = desk.sdk.query(who, purpose=PURPOSE, grant=grant.grant_id)
        assert "grant.requested" == answer.reason
        refused("grant.policy", 422, lambda: desk.sdk.register_grant(grant, who))

    def test_an_ended_grant_is_confirmed_to_be_used_no_more(
        self, desk: Desk, who: Identifier
    ) -> None:
        """A borrower who ends a permission wants to see that it was heard."""
        grant = desk.grant(who)
        refused("grant.transition", 409, lambda: desk.sdk.confirm_stop(grant))
        desk.sdk.withdraw_grant(grant)

        states = [desk.sdk.confirm_stop(grant)["state"] for _ in range(2)]

        assert ["WITHDRAWN", "WITHDRAWN"] == states

    def test_evidence_is_shown_when_it_is_asked_for(self, desk: Desk, who: Identifier) -> None:
        """Papers that nobody asked for are nobody's business."""
        grant = desk.grant(who)

        refused("grant.transition", 409, lambda: desk.sdk.show_evidence(grant, b"a form"))

    def test_a_staff_list_is_a_leaf(self, desk: Desk, who: Identifier) -> None:
        """Whoever looks up a colleague must know that it shows."""
        leaves = {desk.sdk.list_staff([who, who]), desk.sdk.list_staff([])}

        assert 2 == len(leaves)

    def test_who_was_answered_is_told_of_a_correction(
        self, desk: Desk, other: Desk, who: Identifier
    ) -> None:
        """A lender that refused a loan on a wrong record must learn that it was wrong."""
        other.report(who, days_late=45)
        query_id = desk.ask(who).receipt.claims.jti
        amended = row(who, other.grant(who, "contribute"), reason="AMEND")

        other.sdk.put_record(amended)
        other.sdk.delete_record(account_of(who), "DELETE_ERROR")

        first, *_ = told = list(desk.sdk.events())
        assert {"RECORD_CORRECTED"} == {event.kind for event in told}
        assert (query_id, "AMENDED") == (first.facts["query_id"], first.facts["cause"])
        assert first.bands is not None
        assert {"outcome": "NO_ADVERSE", "current_bucket": 0}.items() <= first.bands.items()
        assert [] == list(other.sdk.events())

    def test_a_status_list_says_where_a_grant_stands(self, house: House, desk: Desk) -> None:
        """Who holds a grant must be able to check it without asking about it."""
        states = {}
        for act in (None, desk.sdk.pause_grant, desk.sdk.withdraw_grant):
            grant = desk.grant(stranger())
            if act is not None:
                act(grant)
            states[grant] = act
        house.publish()

        places = [desk.sdk.grant(grant)["status_list"] for grant in states]

        told = []
        for place in places:
            assert isinstance(place, dict)
            number, idx = place["list"], place["idx"]
            assert isinstance(number, int)
            assert isinstance(idx, int)
            told.append(desk.sdk.status_list(number).status(idx))
        assert [Status.VALID, Status.SUSPENDED, Status.INVALID] == told
        refused("absent", 404, lambda: desk.sdk.status_list(99))

    def test_a_new_member_sees_everything_and_has_no_measure_yet(self, desk: Desk) -> None:
        """A lender must be able to read what its own reporting earns it."""
        (report,) = desk.sdk.data_quality()

        assert (desk.name, "ALL", None, ()) == (
            report.member,
            report.earned,
            report.next_earned,
            report.months,
        )

    def test_accounts_that_a_full_file_forgets_are_named_and_stay_open(
        self, desk: Desk, who: Identifier
    ) -> None:
        """A broken full export must not close half a book unseen."""
        forgotten = [stranger() for _ in range(2)]
        for one in forgotten:
            desk.report(one)

        receipt = desk.sdk.upload([row(who, desk.grant(who, "contribute"))], kind="FULL")

        assert 2 == receipt.absent
        assert sorted(map(account_of, forgotten)) == desk.sdk.absent(receipt.batch_id)

    def test_the_registered_notices_are_listed(self, desk: Desk) -> None:
        """A grant names a live notice: a lender must find its digest."""
        live = [one for one in desk.sdk.notices() if one["state"] == "live"]

        assert any((one["purpose"], one["kind"]) == (PURPOSE, "consent") for one in live)
        assert {
            *("id", "version", "lang", "kind", "jurisdiction", "purpose", "sha256", "state"),
            *("registered_at", "retired_at"),
        } == live[0].keys()
