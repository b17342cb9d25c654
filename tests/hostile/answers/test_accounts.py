"""The hostile corpus about accounts: A62, a look that no business of the lender's calls for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from consent.purposes import Purpose
from exchange_client import Disbursement, NoData
from tests.client.sdk.samples import grant_for
from tests.support.borrowers import borrower
from tests.support.grant_desk import shown
from tests.support.record_desk import RecordDesk
from tests.support.regulator import open_regulator
from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members."""
    made = make_sandbox(database_url, tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("purpose", [Purpose.ACCOUNT_REVIEW, Purpose.PORTFOLIO_MONITORING])
def test_a62_monitoring_without_an_open_account_of_ones_own_is_withheld(
    sandbox: Sandbox, purpose: Purpose
) -> None:
    """A lender must not watch people whom it has lent nothing, or no longer anything."""
    desk = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    other = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))
    shown(other.put(other.clean(1, "theirs")))
    grant = desk.granted(1, purpose=purpose)
    looks = [desk.answer(grant, 1, purpose=purpose)]
    shown(desk.put(desk.clean(1, "own")))
    looks.append(desk.answer(grant, 1, purpose=purpose))
    ended = {"status": "SETTLED", "status_on": desk.day(0), "closed_on": desk.day(0)}
    shown(desk.put(desk.clean(1, "own", balance_minor=0, **ended)))

    looks.append(desk.answer(desk.granted(1, purpose=purpose), 1, purpose=purpose))

    withheld = ("WITHHELD", "account.none")
    assert [withheld, ("NO_ADVERSE", "permitted"), withheld] == looks
    assert (3, 1) == (desk.leaves("query"), shown(desk.send("GET", f"/v1/grants/{grant}"))["uses"])


def test_a62_an_approval_asked_after_the_money_was_paid_is_answered_and_seen(
    database_url: str, tmp_path: Path
) -> None:
    """Refused, it would teach lenders to ask nothing; unseen, to pay first and ask later."""
    with open_regulator(database_url, tmp_path) as regulator:
        sandbox, who = regulator.sandbox, borrower(1)
        key = sandbox.enrol("member-l")
        with sandbox.exchange(key) as lender:
            paid = Disbursement(
                identifier=who,
                account_ref="loan-1",
                paid_at=sandbox.ports.now() - 7_200,
                query_id=None,
            )
            lender.disburse(paid)
            answer = lender.query(
                who, purpose="credit_application", grant=grant_for(lender, key, who)
            )
        sandbox.sequence()

        months = regulator.get("lend-first?member=member-l")["months"]

    assert isinstance(answer, NoData)
    assert isinstance(months, list)
    assert [(1, 1, 0)] == [
        tuple(one[name] for name in ("loans", "LATE", "NEVER")) for one in months
    ]
