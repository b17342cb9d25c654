"""What members and the regulator both see, each as far as it may: data quality, and disputes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from flask import Response

from exchange.console.staff.pages import Pages, Sitting
from exchange.console.web.charts import line
from exchange.console.web.lists import given
from exchange.domain.ids import parse, show
from exchange.domain.life.disputes import DisputeState
from exchange.domain.members import Role
from exchange.domain.records import month_text
from exchange.errors import InvalidField
from exchange.services.disputes.show_disputes import (
    DisputeFilter,
    list_disputes,
    show_dispute,
)
from exchange.services.disputes.voices import of_member
from exchange.services.ports import Ports
from exchange.services.standing.report_quality import QualityReport, report_quality

PARTS = ("timely", "valid", "complete", "fresh", "plausible", "upheld")
WIDTH, HEIGHT = 120, 32  # of a small multiple, in units of its own
INDEX_MAX = 100


class QualityCard(NamedTuple):
    """A member's quality and its trend."""

    report: QualityReport
    points: str  # of the line of its index, as SVG writes them; "": there is no trend yet

    @property
    def months(self) -> tuple[str, str]:
        """The first and the last month of the trend."""
        measured = self.report.months
        return month_text(measured[-1].month), month_text(measured[0].month)


def quality_cards(reports: Iterable[QualityReport]) -> list[QualityCard]:
    """Draw the trend of each member that was ever measured."""
    return [QualityCard(one, _trend(one)) for one in reports if one.months]


def standing_pages(pages: Pages, ports: Ports) -> None:
    """Add the pages."""
    readers = (Role.ASKER, Role.CONTRIBUTOR, Role.REGULATOR)

    @pages.page("/quality", *readers, like="/v1/reports/data-quality", name="quality")
    def quality(sitting: Sitting) -> Response:
        """Show data quality by month, its parts, and what it earns."""
        cards = quality_cards(report_quality(None, sitting.asker, ports))
        return sitting.show("console/quality.html", cards=cards, parts=PARTS, month=month_text)

    @pages.page("/disputes", Role.CONTRIBUTOR, Role.REGULATOR, like="/v1/disputes", name="disputes")
    def disputes(sitting: Sitting) -> Response:
        """List disputes with their clocks; nothing that was said in them."""
        fields = given("state", "overdue")
        reading = sitting.reading("disputes", fields)
        chosen = DisputeFilter(
            state=_state(fields.get("state")), overdue=_is_on(fields.get("overdue"))
        )
        page = list_disputes(chosen, of_member(sitting.asker), sitting.ask(reading), ports)
        return sitting.show(
            "console/disputes.html",
            page=page,
            fields=fields,
            states=list(DisputeState),
            number=lambda dispute_id: show("dsp", dispute_id),
            more=sitting.link(page, reading),
        )

    @pages.page(
        "/disputes/<dispute_id>",
        *(Role.CONTRIBUTOR, Role.REGULATOR),
        like="/v1/disputes/<dispute_id>",
    )
    def dispute(sitting: Sitting, dispute_id: str) -> Response:
        """Show one dispute; what was said is for the two sides alone."""
        wanted = parse("dsp", dispute_id, field="dispute_id")
        found = show_dispute(wanted, of_member(sitting.asker), ports)
        return sitting.show("console/dispute.html", row=found, number=dispute_id)


def _trend(report: QualityReport) -> str:
    values = [one.dqi for one in reversed(report.months)]
    return line(values, top=INDEX_MAX, width=WIDTH, height=HEIGHT) if len(values) > 1 else ""


def _state(text: str | None) -> DisputeState | None:
    if text is not None and text not in set(DisputeState):
        raise InvalidField("must be OPEN, ANSWERED, CLOSED or WITHDRAWN", field="state")
    return DisputeState(text) if text else None


def _is_on(text: str | None) -> bool:
    if text not in (None, "on"):
        raise InvalidField("must be on", field="overdue")
    return text == "on"
