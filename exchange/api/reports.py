"""Reports: how well members contribute, what that earns them, and what the consortium holds."""

from __future__ import annotations

import re

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import StrictSchema
from exchange.api.edge.guard import current_caller
from exchange.api.edge.paging import Paging, arguments
from exchange.api.edge.transport import RoutePolicy
from exchange.domain.ids import member_id
from exchange.domain.members import Role
from exchange.domain.records import month_text
from exchange.errors import InvalidField
from exchange.services.ports import Ports
from exchange.services.reports.show_report import show_report
from exchange.services.standing.list_notices_due import NoticeDue, list_notices_due
from exchange.services.standing.ports import Announced, QualityMonth
from exchange.services.standing.report_quality import QualityReport, report_quality

_REPORTERS = frozenset({Role.CONTRIBUTOR})
_READERS = frozenset({Role.ASKER, Role.CONTRIBUTOR, Role.REGULATOR})
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


class QualityMonthSchema(StrictSchema):
    """One month's measure: six parts and their index, each 0 to 100."""

    month = fields.String(required=True)
    timely = fields.Integer(required=True)
    valid = fields.Integer(required=True)
    complete = fields.Integer(required=True)
    fresh = fields.Integer(required=True)
    plausible = fields.Integer(required=True)
    upheld = fields.Integer(required=True)
    dqi = fields.Integer(required=True)
    quality = fields.String(required=True)
    contribution = fields.String(required=True)


class ChangeSchema(StrictSchema):
    """A depth that is to hold later."""

    earned = fields.String(required=True)
    effective_at = fields.Integer(required=True, metadata={"description": "unix seconds"})
    announced_at = fields.Integer(required=True, metadata={"description": "unix seconds"})


class QualityReportSchema(StrictSchema):
    """One member's data quality, and the depth of answers that it earns."""

    member = fields.String(required=True)
    earned = fields.String(required=True)
    next = fields.Nested(ChangeSchema, required=True, allow_none=True)
    months = fields.List(fields.Nested(QualityMonthSchema), required=True)


class QualityReportsSchema(StrictSchema):
    """The caller's own report; for a regulator those of the members."""

    reports = fields.List(fields.Nested(QualityReportSchema), required=True)


class NoticeDueSchema(StrictSchema):
    """A notice that is owed to a borrower after a listing."""

    account_ref = fields.String(required=True)
    listed_on = fields.Date(required=True)
    due_on = fields.Date(required=True, metadata={"description": "last day to send it"})
    overdue = fields.Boolean(required=True)


class NoticesDueSchema(StrictSchema):
    """A page of notices that are owed; it may be shorter than asked for."""

    notices = fields.List(fields.Nested(NoticeDueSchema), required=True)
    has_more = fields.Boolean(required=True)
    next = fields.String(required=True, allow_none=True)


class ConsortiumReportSchema(StrictSchema):
    """The consortium's report of a month: a regulator's whole, a member's without small cells."""

    report = fields.String(required=True, metadata={"description": "JWS, typ cx-report+jwt"})
    months = fields.List(
        fields.String(), required=True, metadata={"description": "that have one, newest first"}
    )


def report_routes(ports: Ports, paging: Paging) -> Routes:
    """Build the routes of reports."""
    routes = Routes("reports", description="What members' contribution is worth.")

    @routes.signed("GET", "/v1/reports/data-quality", policy=RoutePolicy(roles=_READERS))
    @routes.takes(member="for a regulator: one member's report")
    @routes.answers(200, QualityReportsSchema)
    def quality() -> Response:
        """Report data quality by month, and what it earns."""
        named = arguments("member").get("member")
        wanted = None if named is None else member_id(named)
        found = report_quality(wanted, current_caller().asker, ports)
        return answer({"reports": [_report(one) for one in found]})

    @routes.signed("GET", "/v1/reports/notices-due", policy=RoutePolicy(roles=_REPORTERS))
    @routes.answers(200, NoticesDueSchema)
    def notices() -> Response:
        """List the notices that one owes after a listing, where the profile asks for them."""
        pager = paging.pager("notices_due")
        page = list_notices_due(current_caller().member, pager.ask, ports)
        return answer({"notices": [_notice(one) for one in page.rows], **pager.tail(page)})

    @routes.signed("GET", "/v1/reports/consortium", policy=RoutePolicy(roles=_READERS))
    @routes.takes(month="in which it was made, such as 2026-11; else the newest")
    @routes.answers(200, ConsortiumReportSchema)
    def consortium() -> Response:
        """Show what the consortium holds, as it was signed once a month."""
        wanted = _month_number(arguments("month").get("month"))
        found = show_report(wanted, current_caller().asker, ports)
        return answer({"report": found.document, "months": [*map(month_text, found.months)]})

    return routes


def _month_number(text: str | None) -> int | None:
    if text is None:
        return None
    if not _MONTH.fullmatch(text):
        raise InvalidField("must be a month, such as 2026-11", field="month")
    return int(text[:4]) * 12 + int(text[5:]) - 1


def _notice(owed: NoticeDue) -> dict[str, object]:
    return {
        "account_ref": owed.account_ref,
        "listed_on": owed.listed_on.isoformat(),
        "due_on": owed.due_on.isoformat(),
        "overdue": owed.overdue,
    }


def _report(report: QualityReport) -> dict[str, object]:
    return {
        "member": report.member,
        "earned": report.earned.value,
        "next": _change(report.next),
        "months": [_month(one) for one in report.months],
    }


def _change(change: Announced | None) -> dict[str, object] | None:
    if change is None:
        return None
    return {
        "earned": change.earned.value,
        "effective_at": change.effective_at,
        "announced_at": change.announced_at,
    }


def _month(measured: QualityMonth) -> dict[str, object]:
    shown = measured._asdict()
    del shown["member"], shown["measured_at"]
    return {
        **shown,
        "month": month_text(measured.month),
        "quality": measured.quality.value,
        "contribution": measured.contribution.value,
    }
