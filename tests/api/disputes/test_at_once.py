"""What two ask for at the same moment: one is taken, and the other is told, not met by a fault."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from uuid import UUID

import pytest

from exchange.domain.life.disputes import Cause
from exchange.errors import DisputeConflict, StatementConflict
from exchange.services.disputes.change_dispute import close_dispute, reopen_dispute
from exchange.services.disputes.make_statement import StatementText, make_statement
from exchange.services.disputes.open_dispute import DisputeOpening, open_dispute
from exchange.services.ports import Ports
from exchange_client.core.ids import new_id
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import shown
from tests.support.stepped import Meanwhile, stepped


def meanwhile(desk: DisputeDesk, does: Callable[[], object]) -> Ports:
    """Return ports by which somebody else is faster, once what is stored was looked at."""
    return stepped(desk.sandbox.ports, Meanwhile(before="members.count", does=does))


def test_one_id_used_at_once_for_two_borrowers_is_of_the_first(desk: DisputeDesk) -> None:
    """Two stories under one id would be read by both, and one record marked for the other."""
    mine, theirs = desk.reported(1), desk.reported(2, "acc-2")
    dispute_id = UUID(new_id("dsp")[4:])
    opening = DisputeOpening(
        dispute_id=dispute_id,
        account_ref=None,
        record_id=mine,
        cause=Cause.NOT_MINE,
        text="This was not me.",
        digest=hashlib.sha256(mine.bytes).digest(),
    )
    ports = meanwhile(desk, lambda: desk.borrower_disputes(theirs, 2, dispute_id))

    with pytest.raises(DisputeConflict):
        open_dispute(opening, desk.borrower(1), ports)

    assert [(theirs,)] == desk.sql("SELECT record_id FROM dispute")
    assert [(theirs,)] == desk.sql("SELECT record_id FROM dispute_mark")
    assert 1 == desk.leaves("dispute")


def test_a_dispute_reopened_beside_a_new_one_is_told_so(desk: DisputeDesk) -> None:
    """Two clocks on one record would end at two dates."""
    record, ports = desk.reported(), desk.sandbox.ports
    first = desk.borrower_disputes(record).dispute.dispute_id
    shown(desk.reply(f"dsp_{first.hex}"))
    close_dispute(first, desk.borrower(), ports, agreed=True)
    leaves = desk.leaves("dispute")

    with pytest.raises(DisputeConflict):
        reopen_dispute(
            first,
            "Once more.",
            desk.borrower(),
            meanwhile(desk, lambda: desk.borrower_disputes(record)),
        )

    assert [("CLOSED",), ("OPEN",)] == desk.sql("SELECT state FROM dispute ORDER BY state")
    assert leaves + 1 == desk.leaves("dispute")


def test_a_statement_sent_twice_at_once_is_stored_once(desk: DisputeDesk) -> None:
    """A retry that overtakes the first must not be told that the exchange is broken."""
    said = StatementText(
        statement_id=UUID(new_id("sta")[4:]),
        account_ref=None,
        record_id=desk.reported(),
        text="I was ill.",
        digest=bytes(32),
    )
    borrower, ports = desk.borrower(), desk.sandbox.ports

    with pytest.raises(StatementConflict):
        make_statement(
            said, borrower, meanwhile(desk, lambda: make_statement(said, borrower, ports))
        )

    assert make_statement(said, borrower, ports).replayed
    assert 1 == desk.leaves("statement")
