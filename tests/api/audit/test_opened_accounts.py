"""Loans that records alone tell of: lend-first counts each once; an export shows the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from exchange.services.disbursements.log_opened import WAIT_DAYS, log_opened
from exchange.services.ports import Ports
from exchange_client.audit.export import verify_export
from exchange_client.audit.lend_first import judge_export, summary
from exchange_client.core.encoding import b64url
from exchange_client.core.ids import new_id
from tests.support.grant_desk import token
from tests.support.record_desk import RecordDesk
from tests.support.regulator import Regulator, look, open_regulator

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Bureau:
    """A lender that reports, and an authority that reads the log."""

    desk: RecordDesk
    regulator: Regulator

    def opened(
        self, subject: int, account: str | None = None, ago: int = 0, **changes: object
    ) -> dict[str, object]:
        """Return a row about an account that was opened so many days ago."""
        opened_on = self.desk.day(ago)
        return self.desk.clean(subject, account or f"acc-{subject}", opened_on=opened_on, **changes)

    def asks(self, subject: int) -> None:
        """Let the lender look at the n-th subject now."""
        keyring = self.desk.sandbox.ports.keyring
        about = keyring.pseudonym(keyring.index("ep_1", token(subject)))
        self.regulator.looks(look(about, member=self.desk.member))

    def pays_out(self, subject: int) -> None:
        """Let the lender report the disbursement of the n-th subject's account."""
        body = {
            "disbursement_id": new_id("dsb"),
            "account_ref": f"acc-{subject}",
            "epoch": "ep_1",
            "token": b64url(token(subject)),
            "paid_at": self.desk.sandbox.ports.now(),
        }
        assert 200 == self.desk.send("POST", "/v1/disbursements", body).status_code

    def enrolled(self, days_ago: int) -> None:
        """Let the lender have been a member for so long."""
        self.desk.sql(
            "UPDATE member SET enrolled_at = enrolled_at - %s WHERE member_id = %s RETURNING 1",
            days_ago * DAY_SECONDS,
            self.desk.member,
        )

    def later(self, days: int = WAIT_DAYS) -> Ports:
        """Return the ports of some days later."""
        ports = self.desk.sandbox.ports
        now, ms = ports.now() + days * DAY_SECONDS + 1, ports.now_ms() + (days * DAY_SECONDS) * 1000
        return replace(ports, now=lambda: now, now_ms=lambda: ms + 1_000)

    def logged(self, ports: Ports | None = None, *, accounts: int = 100) -> int:
        """Log what records alone tell of; return how many loans."""
        loans, full = log_opened(accounts, ports or self.later())
        assert not full
        self.desk.sandbox.sequence()
        return loans

    def months(self) -> list[dict[str, Any]]:
        """Fetch the lender's months."""
        found = self.regulator.get(f"lend-first?member={self.desk.member}")["months"]
        assert isinstance(found, list)
        return found


@pytest.fixture
def bureau(database_url: str, tmp_path: Path) -> Iterator[Bureau]:
    """An exchange with one lender that has been a member for a year."""
    with open_regulator(database_url, tmp_path) as regulator:
        sandbox = regulator.sandbox
        made = Bureau(
            desk=RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-r")), regulator=regulator
        )
        made.enrolled(365)
        yield made


def test_an_account_without_a_disbursement_is_a_loan_of_the_day_it_was_opened(
    bureau: Bureau, tmp_path: Path
) -> None:
    """Whoever never reports a disbursement would otherwise never be seen to lend first."""
    bureau.asks(1)
    bureau.desk.uploaded([bureau.opened(n) for n in (1, 2)])
    assert 200 == bureau.desk.put(bureau.opened(3)).status_code

    assert 0 == bureau.logged(bureau.later(WAIT_DAYS - 1))
    assert 3 == bureau.logged()
    assert 0 == bureau.logged()

    [month] = bureau.months()
    assert (3, 1, 2) == (month["loans"], month["IN_TIME"], month["NEVER"])
    size = bureau.regulator.size()
    folder = bureau.regulator.export(tmp_path / "export", f"from_index=0&to_index={size}")
    verified = verify_export(folder, bureau.regulator.policy())
    assert [month] == summary(judge_export(verified))


def test_a_loan_that_both_tell_of_counts_once(bureau: Bureau) -> None:
    """A ratio over loans counted twice is no ratio; a report that comes late takes the place."""
    bureau.desk.uploaded([bureau.opened(1), bureau.opened(2)])
    bureau.pays_out(1)

    assert 1 == bureau.logged()
    assert 2 == bureau.months()[0]["loans"]
    bureau.pays_out(2)
    bureau.desk.sandbox.sequence()

    assert 2 == bureau.months()[0]["loans"]


def test_what_nobody_could_have_asked_about_is_no_loan(bureau: Bureau) -> None:
    """A ratio that blames a lender for debts it bought, or for the time before, is no evidence."""
    bureau.desk.uploaded(
        [
            bureau.opened(1, ago=366),  # before it was a member
            bureau.opened(2, role="guarantor"),
            bureau.opened(3, role="co_borrower"),
            bureau.opened(4, product="line_draw"),
            bureau.opened(5, product="guarantee_claim"),
            bureau.opened(6, product="assigned_debt"),
            bureau.opened(7),
            bureau.opened(8, ago=364),
        ]
    )
    deletion: dict[str, object] = {"op": "DELETE", "account_ref": "acc-7", "reason": "DELETE_ERROR"}
    bureau.desk.uploaded([deletion | {"as_of": bureau.desk.day(0)}])

    assert 1 == bureau.logged()

    [month] = bureau.months()
    assert (1, 1) == (month["loans"], month["NEVER"])


def test_two_loans_of_one_borrower_are_two_and_turns_take_each_account_once(
    bureau: Bureau,
) -> None:
    """Work in small transactions must come to what one large one comes to."""
    bureau.desk.uploaded([bureau.opened(1, f"acc-{n}") for n in range(3)])

    turns = [log_opened(2, bureau.later()) for _ in range(3)]

    assert [(2, True), (1, False), (0, False)] == turns
    bureau.desk.sandbox.sequence()
    assert 3 == bureau.months()[0]["loans"]
