"""The contract on records, grants and proofs."""

from __future__ import annotations

import pytest

from exchange_client import Identifier, Outcome, Refused
from exchange_client.batches import sending
from exchange_client.batches.sending import Progress
from exchange_client.core.ids import new_id
from exchange_client.errors import NotYetLogged
from exchange_client.receipts import verify
from tests.client.sdk.contract import Desk, House, stranger
from tests.client.sdk.samples import NEVER, PURPOSE, row
from tests.support.borrowers import consent


class ReportingContract:
    """Records."""

    def test_a_batch_is_receipted_by_its_rows(self, desk: Desk, who: Identifier) -> None:
        """A lender that reported must be able to prove what, and that it was taken."""
        rows = [row(one, desk.grant(one, "contribute")) for one in (who, stranger())]

        receipt = desk.sdk.upload(rows)

        assert (2, 0, 0) == (receipt.stored, receipt.faulted, receipt.unchanged)
        assert receipt.leaf is not None

    def test_the_same_file_again_brings_the_first_receipt(
        self, desk: Desk, who: Identifier
    ) -> None:
        """A nightly job that is run twice must not report twice."""
        file = desk.sdk.prepare_batch([row(who, desk.grant(who, "contribute"))])

        first, again = desk.sdk.upload(file), desk.sdk.upload(file)

        assert first.text == again.text

    def test_a_packed_file_is_the_same_file(self, desk: Desk, who: Identifier) -> None:
        """A lender that packs its files tonight must not report last night's twice."""
        file = desk.sdk.prepare_batch([row(who, desk.grant(who, "contribute"))])

        first = desk.sdk.upload(file)

        for again in (file.gzipped(), file.zstandard()):
            assert first.text == desk.sdk.upload(again).text

    def test_a_long_file_goes_in_parts_and_on_where_it_stopped(
        self, house: House, desk: Desk, who: Identifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A cut line must cost a part of the night's file, and not the file."""
        monkeypatch.setattr(sending, "WHOLE_BYTES_MAX", 0)
        monkeypatch.setattr(sending, "PART_BYTES", 600)
        file = desk.sdk.prepare_batch([row(who, desk.grant(who, "contribute"))])
        seen: list[Progress] = []

        class Cut(Exception):
            pass

        def cut(progress: Progress) -> None:
            if progress.done >= 600:
                raise Cut

        def watch(progress: Progress) -> None:
            seen.append(progress)
            if progress.stage == "checking":
                house.work_off()

        with pytest.raises(Cut):
            desk.sdk.upload(file, on_progress=cut)
        receipt = desk.sdk.upload(file, on_progress=watch)

        assert (1, 0) == (receipt.stored, receipt.faulted)
        sent = [one.done for one in seen if one.stage == "sending" and one.done]
        assert 600 == sent[0] < sent[-1] == len(file.sent)
        assert "done" == seen[-1].stage

    def test_a_batch_id_stands_for_one_file(self, desk: Desk, who: Identifier) -> None:
        """An id used for two files would leave the lender's evidence in doubt."""
        grant, batch_id = desk.grant(who, "contribute"), new_id("bat")
        desk.sdk.upload([row(who, grant)], batch_id=batch_id)

        with pytest.raises(Refused) as refused:
            desk.sdk.upload([row(who, grant, days_late=3)], batch_id=batch_id)

        assert refused.value.code == "batch.conflict"

    def test_faulty_rows_are_named_and_the_others_stored(self, desk: Desk) -> None:
        """One bad row in a night's file must cost that row, and say why."""
        people = [stranger() for _ in range(6)]
        rows = [row(one, desk.grant(one, "contribute")) for one in people]
        rows[2]["dpd"] = 4

        receipt = desk.sdk.upload(rows)

        assert (5, 1, False) == (receipt.stored, receipt.faulted, receipt.whole)
        faults = desk.sdk.faults(receipt.batch_id)
        assert {4} == {fault.line for fault in faults}
        assert "row.status_fields" in {fault.code for fault in faults}

    def test_a_file_full_of_faults_stores_nothing(self, desk: Desk, who: Identifier) -> None:
        """A broken export must not half replace a lender's book."""
        batch_id = new_id("bat")
        faulty = row(who, desk.grant(who, "contribute"), dpd=4)

        with pytest.raises(Refused) as refused:
            desk.sdk.upload([faulty], batch_id=batch_id)

        assert refused.value.code == "batch.fault_share"
        assert desk.sdk.faults(batch_id)

    def test_a_dry_run_stores_nothing(self, desk: Desk, other: Desk, who: Identifier) -> None:
        """A lender that tries out a file must not have reported anybody by it."""
        grant = other.grant(who, "contribute")

        receipt = other.sdk.upload([row(who, grant, days_late=9)], dry_run=True)

        assert (receipt.leaf, receipt.faulted) == (None, 0)
        assert desk.ask(who).outcome is Outcome.NO_DATA

    def test_a_row_needs_a_grant_to_contribute(self, desk: Desk, who: Identifier) -> None:
        """Nobody is reported without the permission that the law asks for."""
        asking_only = desk.grant(who)
        batch_id = new_id("bat")

        with pytest.raises(Refused):
            desk.sdk.upload([row(who, asking_only)], batch_id=batch_id)

        assert ["row.grant_purpose"] == [fault.code for fault in desk.sdk.faults(batch_id)]

    def test_an_arrear_is_reported_only_after_a_notice(self, desk: Desk, who: Identifier) -> None:
        """The borrower is told before it is listed, not after."""
        batch_id = new_id("bat")
        late = row(who, desk.grant(who, "contribute"), days_late=5)
        del late["notice"]

        with pytest.raises(Refused):
            desk.sdk.upload([late], batch_id=batch_id)

        assert ["row.notice_missing"] == [fault.code for fault in desk.sdk.faults(batch_id)]

    def test_one_record_is_put_and_deleted(self, desk: Desk, other: Desk, who: Identifier) -> None:
        """A wrong record must be out of every answer at once."""
        told = row(who, other.grant(who, "contribute"), days_late=5)

        put = other.sdk.put_record(told)
        known = desk.ask(who)
        other.sdk.delete_record(str(told["account_ref"]), "DELETE_ERROR")

        assert put.event == "stored"
        assert [Outcome.ADVERSE, Outcome.NO_DATA] == [known.outcome, desk.ask(who).outcome]

    def test_a_refused_record_names_its_field(self, desk: Desk, who: Identifier) -> None:
        """A clerk who corrects one account must be told which field is wrong."""
        faulty = row(who, desk.grant(who, "contribute"), dpd=4)

        with pytest.raises(Refused) as refused:
            desk.sdk.put_record(faulty)

        assert refused.value.status == 422
        assert refused.value.errors

    def test_batches_of_others_are_absent(self, desk: Desk, other: Desk, who: Identifier) -> None:
        """A lender that reads another's faults learns whom it reports."""
        receipt = other.sdk.upload([row(who, other.grant(who, "contribute"))])

        with pytest.raises(Refused) as refused:
            desk.sdk.faults(receipt.batch_id)

        assert ("absent", 404) == (refused.value.code, refused.value.status)


class GrantContract:
    """Permissions."""

    def test_a_grant_registers_once(self, desk: Desk, who: Identifier) -> None:
        """A retried registration must not fail a loan application."""
        grant = consent(who, PURPOSE, key=desk.key, pins=desk.sdk.pins)

        first, again = (desk.sdk.register_grant(grant, who) for _ in range(2))

        assert ("ACTIVE", first["leaf"]) == (again["state"], again["leaf"])

    def test_a_withdrawn_grant_ends_at_once(self, desk: Desk, who: Identifier) -> None:
        """A borrower who says stop is obeyed by the very next question."""
        grant = desk.grant(who)

        ended = desk.sdk.withdraw_grant(grant)
        answer = desk.sdk.query(who, purpose=PURPOSE, grant=grant)

        assert ("WITHDRAWN", "grant.withdrawn") == (ended["state"], answer.reason)

    @pytest.mark.parametrize("kind", ["another subject's", "another member's", "nobody's"])
    def test_a_grant_that_is_not_ours_is_unusable(
        self, desk: Desk, other: Desk, who: Identifier, kind: str
    ) -> None:
        """Grants of others are all told alike, so that nobody can probe for them."""
        grants = {
            "another subject's": lambda: desk.grant(stranger()),
            "another member's": lambda: other.grant(who),
            "nobody's": lambda: NEVER,
        }

        answer = desk.sdk.query(who, purpose=PURPOSE, grant=grants[kind]())

        assert ("WITHHELD", "grant.unusable") == (answer.outcome, answer.reason)

    def test_a_grant_for_another_purpose_is_refused(self, desk: Desk, who: Identifier) -> None:
        """Consent to be reported is no consent to be looked up."""
        answer = desk.sdk.query(who, purpose=PURPOSE, grant=desk.grant(who, "contribute"))

        assert answer.reason == "grant.purpose"

    def test_a_grant_of_another_member_is_absent(
        self, desk: Desk, other: Desk, who: Identifier
    ) -> None:
        """Who looks up grants by id must find its own alone."""
        grant = other.grant(who)

        with pytest.raises(Refused) as refused:
            desk.sdk.grant(grant)

        assert refused.value.status == 404


class ProvingContract:
    """Receipts and their proofs."""

    def test_a_receipt_is_redeemed_and_verifies_offline(
        self, house: House, desk: Desk, who: Identifier
    ) -> None:
        """A lender must be able to show, years later, that it asked before it paid out."""
        answer = desk.ask(who)
        house.sequence()

        proven = desk.sdk.receipt_proof(answer.receipt, wait_seconds=5)

        verified = verify(answer.receipt.text, house.pins, proof=proven.proof)
        assert verified.held == (1, 2, 3, 8, 9)
        assert verified.receipt.claims.leaf == proven.verified.leaf

    def test_a_refusal_is_in_the_log_as_well(
        self, house: House, desk: Desk, who: Identifier
    ) -> None:
        """A look that was refused is a look that was tried: the borrower may see it."""
        answer = desk.sdk.query(who, purpose=PURPOSE)
        house.sequence()

        proven = desk.sdk.wait_final(answer.receipt)

        assert b'"outcome":"WITHHELD"' in proven.verified.openings["subject"]

    def test_a_leaf_without_a_place_is_not_proven_yet(
        self, house: House, desk: Desk, who: Identifier
    ) -> None:
        """Before the log has it, a receipt is a promise: the SDK must say so, and not guess."""
        house.hold_log()
        answer = desk.ask(who)

        with pytest.raises(NotYetLogged):
            desk.sdk.receipt_proof(answer.receipt)

        house.sequence()
        assert desk.sdk.receipt_proof(answer.receipt, wait_seconds=5).verified.index >= 0

    def test_a_receipt_of_another_member_is_absent(
        self, house: House, desk: Desk, other: Desk, who: Identifier
    ) -> None:
        """A proof opens who asked about whom: only the asker gets it."""
        answer = other.ask(who)
        house.sequence()

        with pytest.raises(Refused) as refused:
            desk.sdk.receipt_proof(answer.receipt)

        assert refused.value.status == 404
