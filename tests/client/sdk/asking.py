"""The contract on questions and answers."""

from __future__ import annotations

import pytest

from exchange_client import (
    Adverse,
    Identifier,
    KeyFile,
    NoAdverse,
    NoData,
    Outcome,
    Question,
    Refused,
    Withheld,
)
from exchange_client.core.ids import new_id
from exchange_client.errors import AnswerMisread, Unrecognised
from exchange_client.grades import grade_of
from exchange_client.keys import Algorithm
from tests.client.sdk.contract import Desk, House, stranger
from tests.client.sdk.samples import AS_OF, PURPOSE, mobile


class AskingContract:
    """Questions and answers."""

    def test_a_question_without_a_grant_is_withheld(self, desk: Desk, who: Identifier) -> None:
        """Without a permission nothing is looked up, and the asker is told why."""
        answer = desk.sdk.query(who, purpose=PURPOSE)

        assert isinstance(answer, Withheld)
        assert (answer.reason, answer.grade) == ("grant.missing", None)

    def test_an_unknown_borrower_is_no_data(self, desk: Desk, who: Identifier) -> None:
        """Nothing known is neither clean nor bad, and cannot be read as either."""
        answer = desk.ask(who)

        assert isinstance(answer, NoData)
        assert answer.grade == "U"
        assert answer.velocity is not None
        assert answer.velocity.days_30 == "0"

    def test_an_arrear_elsewhere_is_adverse(self, desk: Desk, other: Desk, who: Identifier) -> None:
        """The one question this exchange is for: is this borrower late elsewhere?"""
        other.report(who, days_late=45)

        answer = desk.ask(who)

        assert isinstance(answer, Adverse)
        finding = answer.finding
        assert (2, 2, "0-2") == (
            finding.current_bucket,
            finding.worst_bucket,
            finding.months_since_worst,
        )
        assert (finding.open_overdue_band, finding.overdue_amount_band) == ("1", 1)
        assert (finding.freshest_month, finding.dispute) == (f"{AS_OF:%Y-%m}", False)
        assert not finding.other_currency

    def test_a_clean_record_elsewhere_is_not_adverse(
        self, desk: Desk, other: Desk, who: Identifier
    ) -> None:
        """A borrower who pays on time is known as such."""
        other.report(who)

        answer = desk.ask(who)

        assert isinstance(answer, NoAdverse)
        assert (answer.grade, answer.finding.worst_bucket) == ("A", 0)

    def test_own_records_never_enter(self, desk: Desk, who: Identifier) -> None:
        """A lender that saw its own book come back would take it for another's."""
        desk.report(who, days_late=95)

        assert desk.ask(who).outcome is Outcome.NO_DATA

    def test_the_grade_can_be_recomputed_from_the_receipt(
        self, desk: Desk, other: Desk, house: House, who: Identifier
    ) -> None:
        """A score that only the exchange can compute cannot be contested."""
        other.report(who, days_late=45)
        Desk(house).report(who, days_late=100)

        answer = desk.ask(who)

        assert isinstance(answer, Adverse)
        assert answer.finding.shown >= {"velocity", "lender_band", "late_months"}
        shown = {
            name: getattr(answer.finding, name) for name in answer.finding.shown - {"velocity"}
        }
        velocity = {"30": answer.finding.velocity.days_30}
        assert answer.grade == grade_of({**shown, "velocity": velocity}).letter

    def test_a_once_grant_is_spent_once(self, desk: Desk, who: Identifier) -> None:
        """A consent to one look is a consent to one look."""
        grant = desk.grant(who)

        answers = [desk.sdk.query(who, purpose=PURPOSE, grant=grant) for _ in range(2)]

        assert [Outcome.NO_DATA, Outcome.WITHHELD] == [answer.outcome for answer in answers]
        assert answers[1].reason == "grant.used_up"
        assert desk.sdk.grant(grant)["state"] == "CONSUMED"

    def test_the_same_question_gets_the_same_receipt(self, desk: Desk, who: Identifier) -> None:
        """A retry after a lost answer must not be a second look at the borrower."""
        grant, query_id = desk.grant(who), new_id("qry")
        question = Question(identifiers=(who,), purpose=PURPOSE, grant=grant, query_id=query_id)

        first, again = desk.sdk.ask(question), desk.sdk.ask(question)

        assert first.receipt.text == again.receipt.text
        assert desk.sdk.answer(query_id).receipt.text == first.receipt.text
        assert desk.sdk.grant(grant)["uses"] == 1

    def test_a_query_id_stands_for_one_question(self, desk: Desk, who: Identifier) -> None:
        """An id used twice for different questions would let one answer pass for another's."""
        query_id = new_id("qry")
        desk.sdk.query(who, purpose=PURPOSE, query_id=query_id)

        with pytest.raises(Refused) as refused:
            desk.sdk.query(who, purpose="guarantor_check", query_id=query_id)

        assert ("query.conflict", 409) == (refused.value.code, refused.value.status)

    def test_a_batch_answers_in_order(self, desk: Desk, other: Desk, who: Identifier) -> None:
        """An answer under the wrong borrower is worse than none."""
        clean, unknown = stranger(), stranger()
        other.report(who, days_late=5)
        other.report(clean)
        questions = [
            Question(identifiers=(one,), purpose=PURPOSE, grant=desk.grant(one))
            for one in (unknown, who, clean)
        ]
        withheld = Question(identifiers=(stranger(),), purpose=PURPOSE)

        answers = desk.sdk.query_batch([*questions, withheld])

        assert [Outcome.NO_DATA, Outcome.ADVERSE, Outcome.NO_ADVERSE, Outcome.WITHHELD] == [
            answer.outcome for answer in answers
        ]

    def test_a_flag_shows_no_bands(self, desk: Desk, other: Desk, who: Identifier) -> None:
        """Who asks for less must get less, and cannot read what is not shown as zero."""
        other.report(who, days_late=5)

        answer = desk.sdk.query(who, purpose=PURPOSE, grant=desk.grant(who), detail="flag")

        assert isinstance(answer, Adverse)
        assert {"dispute", "freshest_month"} == answer.finding.shown
        assert answer.grade is None
        with pytest.raises(AnswerMisread, match="not shown"):
            _ = answer.finding.worst_bucket

    def test_a_review_of_ones_own_account_counts_in_no_velocity(
        self, desk: Desk, other: Desk, who: Identifier
    ) -> None:
        """A lender that looks after its own loan must not make its borrower look desperate."""
        other.report(who)
        assert other.ask(who, "account_review").reason == "permitted"

        answer = desk.ask(who)

        assert isinstance(answer, NoAdverse)
        assert "0" == answer.finding.velocity.days_30

    def test_looks_of_others_count_as_velocity(
        self, desk: Desk, other: Desk, house: House, who: Identifier
    ) -> None:
        """Many applications at once are the first sign of a borrower who hops lenders."""
        other.ask(who)
        Desk(house).ask(who)

        answer = desk.ask(who)

        assert isinstance(answer, NoData)
        assert answer.velocity is not None
        assert ("2", "2", "2") == (
            answer.velocity.days_7,
            answer.velocity.days_30,
            answer.velocity.days_90,
        )

    def test_a_contact_decides_nothing(self, desk: Desk, other: Desk, who: Identifier) -> None:
        """A recycled mobile number must not give a stranger another's arrears."""
        phone = mobile(1)
        other.report(who, days_late=60, identifiers=[who, phone])
        unknown = stranger()

        answer = desk.sdk.query([unknown, phone], purpose=PURPOSE, grant=desk.grant(unknown))

        assert answer.outcome is Outcome.NO_DATA

    def test_an_unknown_purpose_is_refused(self, desk: Desk, who: Identifier) -> None:
        """A purpose that does not exist is no purpose, and leaves no answer."""
        with pytest.raises(Refused) as refused:
            desk.sdk.query(who, purpose="marketing")

        assert refused.value.status == 422

    def test_an_account_review_needs_an_own_account(self, desk: Desk, who: Identifier) -> None:
        """Reviewing one's exposure is no way to look at strangers."""
        withheld = desk.ask(who, "account_review")
        desk.report(who)

        answer = desk.ask(who, "account_review")

        assert ("account.none", Outcome.NO_DATA) == (withheld.reason, answer.outcome)

    def test_an_unknown_key_is_an_outage_and_no_answer(
        self, house: House, desk: Desk, who: Identifier
    ) -> None:
        """A lender whose key is not registered must learn that, and nothing else."""
        stranger = house.exchange(KeyFile.generate(desk.name, "k9"))

        with pytest.raises(Unrecognised, match="401"):
            stranger.query(who, purpose=PURPOSE)

    def test_a_p256_member_is_heard(self, house: House, who: Identifier) -> None:
        """Members whose key store has no Ed25519 take part as well."""
        assert Desk(house, Algorithm.ECDSA_P256).ask(who).outcome is Outcome.NO_DATA
