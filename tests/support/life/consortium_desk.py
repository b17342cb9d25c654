"""An authority and two lenders in front of a whole exchange, for tests of its reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.app.ports import make_audit_ports
from exchange.crypto.keyring import Use
from exchange.crypto.signing import sign_jws
from exchange.domain.base64url import unb64url
from exchange.services.reports.make_report import REPORT_TYPE, make_report
from exchange.services.reports.ports import StoredReport
from exchange_client.consortium import ConsortiumReport, fetch_report
from tests.support.record_desk import RecordDesk
from tests.support.regulator import Regulator
from tests.support.stepped import Steps, stepped

MONTH_SECONDS = 31 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Consortium:
    """An authority, and two lenders that report."""

    regulator: Regulator
    first: RecordDesk
    second: RecordDesk

    def makes(self, steps: Steps | None = None) -> StoredReport | None:
        """Make this month's report, as the night does; by steps, if any."""
        sandbox = self.regulator.sandbox
        ports = stepped(sandbox.ports, steps) if steps else sandbox.ports
        return make_report(make_audit_ports(sandbox.settings, ports, sandbox.database))

    def signed(self, text: str, change: Mapping[str, object]) -> str:
        """Return a report that says something else, signed all the same."""
        keyring = self.regulator.sandbox.ports.keyring
        claims = json.loads(unb64url(text.split(".")[1])) | change
        payload = json.dumps(claims, separators=(",", ":")).encode()
        kid, sign = keyring.kid(Use.STATEMENT), keyring.signer(Use.STATEMENT)
        return sign_jws(payload, REPORT_TYPE, kid, sign)

    def kept(self) -> tuple[object, ...]:
        """Count the reports and their leaves."""
        return self.first.sql(
            "SELECT (SELECT count(*) FROM report),"
            " (SELECT count(*) FROM log_search WHERE kind = 'report')"
        )[0]

    def made(self) -> dict[str, Any]:
        """Make it, and return the figures that the regulator reads."""
        assert self.makes() is not None
        return dict(self.read().figures)

    def read(self) -> ConsortiumReport:
        """Fetch the newest as the regulator does."""
        with self.regulator.sandbox.exchange(self.regulator.first) as exchange:
            return exchange.audit(fetch_report(exchange.pins))

    def a_month_passes(self) -> None:
        """Let what is stored be a month older."""
        for table, column in (("record", "submitted_at"), ("report", "snapshot_at")):
            self.first.sql(
                f"UPDATE {table} SET {column} = {column} - %s RETURNING 1", MONTH_SECONDS
            )
        self.first.sql("UPDATE report SET month = month - 1 RETURNING 1")
