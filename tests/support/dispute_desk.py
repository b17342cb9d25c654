"""One lender's desk for tests of disputes: open, answer, look over HTTP; the borrower's own way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from werkzeug.test import TestResponse

from exchange.domain.life.disputes import Cause
from exchange.services.disputes.open_dispute import DisputeOpening, open_dispute
from exchange.services.disputes.show_disputes import DisputeView
from exchange.services.disputes.voices import Voice, of_subject
from exchange.services.ports import Ports
from exchange_client.core.ids import new_id
from tests.support.grant_desk import answer_claims, shown, token
from tests.support.record_desk import RecordDesk

DAY_SECONDS = 86_400


@dataclass(slots=True, kw_only=True)
class DisputeDesk(RecordDesk):
    """A member whose borrowers dispute what it reports."""

    def reported(self, subject: int = 1, account: str = "acc-1", days: int = 35) -> UUID:
        """Report a late account; return its record's id."""
        shown(self.put(self.late(subject, account, days=days)))
        rows = self.sql("SELECT record_id FROM account WHERE account_ref = %s", account)
        assert isinstance(rows[0][0], UUID)
        return rows[0][0]

    def dispute(self, account: str = "acc-1", **changes: object) -> TestResponse:
        """Open a dispute for one's own borrower."""
        body: dict[str, object] = {
            "dispute_id": new_id("dsp"),
            "account_ref": account,
            "cause": "WRONG_AMOUNT",
            "text": "The sum is not what I owe.",
            **changes,
        }
        return self.send("POST", "/v1/disputes", body)

    def opened_dispute(self, account: str = "acc-1", **changes: object) -> str:
        """Open a dispute that must be taken; return its id."""
        return str(shown(self.dispute(account, **changes))["dispute_id"])

    def step(self, dispute: str, how: str, **body: object) -> TestResponse:
        """Carry a dispute on."""
        return self.send("POST", f"/v1/disputes/{dispute}/{how}", body)

    def reply(self, dispute: str, result: str = "ACCURATE", **more: object) -> TestResponse:
        """Answer a dispute."""
        body = {"result": result, "text": "We checked our books.", **more}
        return self.step(dispute, "answer", **body)

    def amendment(self, **changes: object) -> dict[str, object]:
        """Return a row that amends the account to one that is on time."""
        return {"epoch": "ep_1", "profile": "cn@1", **self.clean(reason="AMEND"), **changes}

    def finding(self, subject: int = 1) -> dict[str, object]:
        """Ask about a subject under a fresh grant; return the finding."""
        finding = answer_claims(self.ask(self.granted(subject), subject))["finding"]
        assert isinstance(finding, dict)
        return finding

    def borrower(self, subject: int = 1) -> Voice:
        """Return the voice of the n-th subject."""
        return of_subject(self.sandbox.ports.keyring.index("ep_1", token(subject)))

    def borrower_disputes(
        self, record: UUID, subject: int = 1, dispute_id: UUID | None = None
    ) -> DisputeView:
        """Let the borrower dispute a record, under an id of its own or this one."""
        opening = DisputeOpening(
            dispute_id=dispute_id or UUID(new_id("dsp")[4:]),
            account_ref=None,
            record_id=record,
            cause=Cause.NOT_MINE,
            text="This was not me.",
            digest=hashlib.sha256(record.bytes).digest(),
        )
        return open_dispute(opening, self.borrower(subject), self.sandbox.ports)

    def at(self, days: int) -> Ports:
        """Return ports whose clock is some days ahead."""
        ports = self.sandbox.ports
        now: Callable[[], int] = ports.now
        return replace(ports, now=lambda: now() + days * DAY_SECONDS)

    def let_days_pass(self, dispute: str, days: int) -> None:
        """Move a dispute and its mark into the past."""
        self.sql(
            "UPDATE dispute SET opened_at = opened_at - %s, due_on = due_on - %s::int,"
            " due_at = due_at - %s, closed_at = closed_at - %s WHERE dispute_id = %s RETURNING 1",
            days * DAY_SECONDS,
            days,
            days * DAY_SECONDS,
            days * DAY_SECONDS,
            UUID(dispute[4:]),
        )
        self.sql("UPDATE dispute_mark SET due_at = due_at - %s RETURNING 1", days * DAY_SECONDS)
