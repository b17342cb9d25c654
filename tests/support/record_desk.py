"""One lender's desk for tests of records: rows of today, files and single records, over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from werkzeug.test import TestResponse

from exchange.domain.records import today_in
from exchange.services.batches.work_off import work_off_one
from exchange_client.core.encoding import b64url
from exchange_client.core.ids import new_id
from tests.support.batches import file_of, header_fields
from tests.support.grant_desk import GrantDesk, answer_claims, token
from tests.support.rows import ABSENT
from tests.support.sandbox import BASE
from tests.support.signed_requests import Draft, signed_headers

ZONE = "Asia/Shanghai"


@dataclass(slots=True, kw_only=True)
class RecordDesk(GrantDesk):
    """A member that reports, and the exchange it reports to."""

    grants: dict[int, str] = field(default_factory=dict)  # contribute grants, by subject
    sequence: int = 100

    @property
    def today(self) -> date:
        """Today, where the member is."""
        return today_in(ZONE, int(time.time()))

    def day(self, ago: int) -> str:
        """Write the day this many days ago."""
        return (self.today - timedelta(days=ago)).isoformat()

    def contribute(self, subject: int = 1) -> str:
        """Return the contribute grant of the n-th subject, registered at its first use."""
        if subject not in self.grants:
            self.grants[subject] = self.granted(subject, purpose="contribute")
        return self.grants[subject]

    def clean(
        self, subject: int = 1, account: str = "acc-1", **changes: object
    ) -> dict[str, object]:
        """Return a row about an account of the n-th subject that is on time today."""
        row: dict[str, object] = {
            "op": "PUT",
            "account_ref": account,
            "tokens": [{"kind": "identity", "value": b64url(token(subject))}],
            "role": "borrower",
            "product": "cash_loan",
            "as_of": self.day(0),
            "opened_on": self.day(400),
            "currency": "CNY",
            "principal_minor": 1_000_000,
            "balance_minor": 600_000,
            "overdue_minor": 0,
            "dpd": 0,
            "status": "CURRENT",
            **changes,
        }
        row.setdefault("grant", changes.get("grant") or self.contribute(subject))
        return {name: value for name, value in row.items() if value is not ABSENT}

    def late(
        self, subject: int = 1, account: str = "acc-1", days: int = 30, **changes: object
    ) -> dict[str, object]:
        """Return a row about an account of the n-th subject that is late today."""
        arrears: dict[str, object] = {
            "oldest_unpaid_due_on": self.day(days),
            "first_overdue_on": self.day(days - 1),
            "overdue_minor": 50_000,
            "dpd": days,
            "status": "OVERDUE",
            "notice": self.notice(),
        }
        return self.clean(subject, account, **arrears | changes)

    def notice(self) -> dict[str, object]:
        """Return a notice sent yesterday."""
        return {
            "sent_at": int(time.time()) - 86_400,
            "channel": "SMS",
            "template": "ntc_sandbox_pre_listing:1.0.0",
            "delivery": "SENT",
        }

    def file(
        self,
        rows: Sequence[dict[str, object]],
        header: Mapping[str, object] | None = None,
        trailer: dict[str, object] | None = None,
    ) -> bytes:
        """Return a file of these rows, under a fresh id and the next sequence."""
        return file_of(rows, self.header(**dict(header or {})), trailer)

    def header(self, **changes: object) -> dict[str, object]:
        """Return a header under a fresh id and the next sequence, with changes."""
        self.sequence += 1
        head: dict[str, object] = {
            "batch_id": new_id("bat"),
            "member": self.member,
            "sequence": self.sequence,
            "as_of_from": self.day(60),
            "as_of_to": self.day(0),
            "created": int(time.time()),
        }
        return header_fields(**head | changes)

    def work_off(self) -> None:
        """Let a worker end what waits."""
        with self.sandbox.ports.session() as session:
            while work_off_one(session, self.sandbox.ports):
                pass

    def upload(self, content: bytes) -> TestResponse:
        """Send a file."""
        return self.post("POST", "/v1/batches", content, "application/x-ndjson")

    def uploaded(self, rows: Sequence[dict[str, object]], **header: object) -> dict[str, object]:
        """Send rows that must be taken; return the receipt's claims."""
        return answer_claims(self.upload(self.file(rows, header)))

    def put(self, row: Mapping[str, object], **more: object) -> TestResponse:
        """Send one row alone."""
        body = {"epoch": "ep_1", "profile": "cn@1", **row, **more}
        return self.send("PUT", f"/v1/records/{row['account_ref']}", body)

    def faults(self, batch_id: object) -> list[dict[str, object]]:
        """Fetch the faults of a batch."""
        response = self.send("GET", f"/v1/batches/{batch_id}/faults")
        assert 200 == response.status_code, response.text
        return [json.loads(line) for line in response.text.splitlines()]

    def post(self, method: str, path: str, raw: bytes, media: str) -> TestResponse:
        """Send these exact bytes, signed."""
        draft = Draft(
            method=method,
            target_uri=BASE + path,
            created=int(time.time()),
            body=raw,
            content_type=media,
            keyid=self.key.keyid,
        )
        return self.sandbox.app.test_client().open(
            path, method=method, data=raw, headers=signed_headers(draft, self.private)
        )

    def records(self) -> int:
        """Count the record versions in the database."""
        return int(str(self.sql("SELECT count(*) FROM record")[0][0]))
