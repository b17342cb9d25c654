"""Fetch and verify a consortium's report. What must hold, in order:

1 signed under the pinned statement key, as a report; 2 of this exchange; 3 by formulas that this
version knows; 4 its sums, shares and ratios follow from each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

from exchange_client.audit.leaves import AuditLeaf
from exchange_client.consortium.totals import check_totals, read_text, read_whole
from exchange_client.core.calls import Flow, get
from exchange_client.core.encoding import JSON, dumps, loads_object, standard_base64
from exchange_client.errors import ReceiptInvalid, UnverifiedResponse
from exchange_client.pins import Pins
from exchange_client.signing import open_jws

REPORT_TYPE: Final = "cx-report+jwt"
REPORT_BYTES_MAX: Final = 16 << 20
SECONDS_MAX: Final = 253_402_300_799  # the end of year 9999
FORM: Final = "consortium/1"
VIEWS: Final = ("regulator", "members")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsortiumReport:
    """A verified report. Keep the text: it is the evidence."""

    text: str = field(repr=False)  # compact JWS, as it came
    report_id: str
    month: str  # in which it was made, YYYY-MM
    view: str  # regulator: whole; members: small cells are withheld
    snapshot: int  # unix seconds: how things stood then
    before: int  # unix seconds: since when roll rates tell
    profile: str
    currency: str
    records: int | None  # versions that were opened for it; None in the members' view
    leaf: str  # base64url: of the entry of the log that says so
    log: str  # origin of that log
    figures: Mapping[str, JSON] = field(repr=False)

    @property
    def figures_sha256(self) -> str:
        """What the entry of the log commits to, standard base64."""
        return standard_base64(sha256(dumps(dict(self.figures))).digest())

    def save(self, path: Path | str) -> None:
        """Write the report."""
        Path(path).write_text(self.text + "\n")


def verify_report(text: str, pins: Pins) -> ConsortiumReport:
    """Verify a report under the pinned keys.

    Args:
        text: compact JWS, as the exchange gave it.

    Raises:
        ReceiptInvalid: one of the four above does not hold.
    """
    payload = open_jws(  # 1
        text.strip(), REPORT_TYPE, pins.keys_of("statement"), bytes_max=REPORT_BYTES_MAX
    )
    try:
        claims = loads_object(payload)
    except ValueError as error:
        raise ReceiptInvalid("the report is no JSON object") from error
    if claims.get("iss") != pins.exchange:  # 2
        raise ReceiptInvalid("the report is of another exchange")
    view, figures, records = claims.get("view"), claims.get("figures"), claims.get("records")
    if claims.get("form") != FORM or view not in VIEWS:  # 3
        raise ReceiptInvalid(f"the report is by other formulas than {FORM}")
    if not isinstance(figures, dict):
        raise ReceiptInvalid("the report has no figures")
    times = {name: read_whole(claims, name) for name in ("snapshot", "before")}
    if max(times.values()) > SECONDS_MAX:
        raise ReceiptInvalid("the report is of no time that a calendar knows")
    check_totals(figures, whole=view == "regulator")  # 4
    return ConsortiumReport(
        text=text.strip(),
        view=str(view),
        records=None if records is None else read_whole(claims, "records"),
        figures=MappingProxyType(figures),
        report_id=read_text(claims, "report"),
        snapshot=times["snapshot"],
        before=times["before"],
        **{
            name: read_text(claims, name)
            for name in ("month", "profile", "currency", "leaf", "log")
        },
    )


def fetch_report(pins: Pins, month: str | None = None) -> Flow[ConsortiumReport]:
    """Fetch the report that was made in a month, or the newest, and verify it.

    Args:
        month: `YYYY-MM`.

    Raises:
        Refused: there is none.
        ReceiptInvalid: what came back does not hold.
    """
    query = f"?{urlencode({'month': month})}" if month else ""
    reply = (yield get(f"/v1/reports/consortium{query}")).json()
    text = reply.get("report")
    if not isinstance(text, str):
        raise UnverifiedResponse("the response holds no report")
    report = verify_report(text, pins)
    if month is not None and report.month != month:
        raise ReceiptInvalid("the report is of another month")
    return report


def find_entry(report: ConsortiumReport, leaves: Iterable[AuditLeaf]) -> int:
    """Return the index of the entry that says how the report was made.

    Args:
        leaves: of a verified export.

    Raises:
        ReceiptInvalid: there is none, or it commits to other figures.
    """
    named = (leaf for leaf in leaves if leaf.kind == "report")
    found = next((leaf for leaf in named if leaf.said("report") == report.report_id), None)
    if found is None:
        raise ReceiptInvalid("the export holds no entry of this report")
    said = (found.said("month"), found.said("rows"), found.said("figures_sha256"))
    told = (report.month, report.records, report.figures_sha256)
    if report.view == "regulator" and said != told:  # The members' figures are others.
        raise ReceiptInvalid("the entry of this report tells of other figures")
    return found.index
