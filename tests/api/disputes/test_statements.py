"""The borrower's own word: who may say it, how often, and where the law knows none."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from consent.profiles import load_profile
from exchange.errors import AbsentError, InvalidField, QuotaError
from exchange.services.disputes.make_statement import StatementText, make_statement
from exchange_client.core.ids import new_id
from tests.support.dispute_desk import DisputeDesk


def said(record: UUID | None) -> StatementText:
    """Return what a borrower says of one record, or of all."""
    return StatementText(
        statement_id=UUID(new_id("sta")[4:]),
        account_ref=None,
        record_id=record,
        text="I was ill.",
        digest=bytes(32),
    )


def test_a_borrower_speaks_of_what_is_their_own_so_often_a_day_and_where_the_law_lets_them(
    desk: DisputeDesk,
) -> None:
    """A stranger's word beside somebody's record would be read as that person's."""
    own, foreign = desk.reported(1), desk.reported(2, "acc-2")
    ports, borrower = desk.sandbox.ports, desk.borrower(1)
    once = replace(ports, terms=replace(ports.terms, disputes_per_subject_day=1))
    indian = replace(ports, terms=replace(ports.terms, profile=load_profile("IN")))

    with pytest.raises(InvalidField):
        make_statement(said(own), borrower, indian)
    with pytest.raises(AbsentError):
        make_statement(said(foreign), borrower, once)
    make_statement(said(own), borrower, once)
    with pytest.raises(QuotaError):
        make_statement(said(None), borrower, once)

    assert [(own,)] == desk.sql("SELECT record_id FROM statement")
