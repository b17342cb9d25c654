"""The regulator's first page: how the log stands, and what asks to be looked at."""

from __future__ import annotations

from collections import Counter

from flask import Response

from exchange.console.regulator.findings import CLASSES, by_member, loan_bars
from exchange.console.staff.pages import Pages, Sitting
from exchange.console.staff.standing import quality_cards
from exchange.domain.lists.pages import PageAsk
from exchange.domain.members import Role
from exchange.services.audit.ports import AuditPorts
from exchange.services.audit.show_flags import show_flags
from exchange.services.audit.show_log import show_log
from exchange.services.audit.show_months import show_months
from exchange.services.disputes.show_disputes import DisputeFilter, list_disputes
from exchange.services.disputes.voices import of_member
from exchange.services.standing.report_quality import report_quality

RECENT_SECONDS = 30 * 86_400
OVERDUE_SHOWN = 10


def overview_page(pages: Pages, audit_ports: AuditPorts) -> None:
    """Add the page."""
    ports = audit_ports.ports

    @pages.page("/overview", Role.REGULATOR, like="/audit/v1/log", name="overview")
    def overview(sitting: Sitting) -> Response:
        """Show how the log stands; its reads are leaves as the API's are."""
        now, asker = ports.now(), sitting.asker
        origin = ports.origin(now)
        flags = show_flags(origin, None, None, asker, audit_ports)
        recent = Counter(one.rule for one in flags if one.raised_at > now - RECENT_SECONDS)
        overdue = list_disputes(
            DisputeFilter(overdue=True), of_member(asker), PageAsk(rows=OVERDUE_SHOWN), ports
        )
        return sitting.show(
            "console/overview.html",
            log=show_log(origin, asker, audit_ports),
            flags=len(flags),
            recent=recent.most_common(),
            overdue=overdue,
            loans=loan_bars(by_member(show_months(origin, asker, audit_ports))),
            classes=CLASSES,
            cards=quality_cards(report_quality(None, asker, ports)),
        )
