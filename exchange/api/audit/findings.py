"""What the exchange finds in the log for an authority: flags, lend-first, members' compliance."""

from __future__ import annotations

import re

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import StrictSchema
from exchange.api.edge.guard import current_caller
from exchange.api.edge.paging import arguments
from exchange.api.edge.transport import RoutePolicy
from exchange.domain.audit import arguments as read
from exchange.domain.members import Role
from exchange.errors import InvalidField
from exchange.services.audit.judge_loans import judge_loans, shown_month
from exchange.services.audit.ports import AuditPorts
from exchange.services.audit.show_flags import show_compliance, show_flags, shown_flag

_READS = RoutePolicy(roles=frozenset({Role.REGULATOR}))
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


class FlagsSchema(StrictSchema):
    """Flags as they were raised: rule, member, from, to, hits, leaf, raised_at."""

    flags = fields.List(fields.Dict(), required=True)


class LendFirstSchema(StrictSchema):
    """Months of loans: counts by class, the ratio from 20 loans on, the leaves of each loan."""

    months = fields.List(fields.Dict(), required=True)


class ComplianceSchema(StrictSchema):
    """Members: entries by kind, outcomes, flags by rule."""

    members = fields.List(fields.Dict(), required=True)


def add_findings(routes: Routes, audit_ports: AuditPorts) -> None:
    """Add the routes of what was found."""
    ports = audit_ports.ports

    def active() -> str:
        return ports.origin(ports.now())

    @routes.signed("GET", "/audit/v1/flags", policy=_READS)
    @routes.takes(rule="such as repeat/1", member="whose", year="the log of another year")
    @routes.answers(200, FlagsSchema)
    def flags() -> Response:
        """List the flags that were raised, each with the indices that show it."""
        given = arguments("rule", "member", "year")
        rule, member = read.word(given, "rule"), read.word(given, "member")
        asker = current_caller().asker
        found = show_flags(read.origin(given, active()), rule, member, asker, audit_ports)
        return answer({"flags": [shown_flag(one) for one in found]})

    @routes.signed("GET", "/audit/v1/lend-first", policy=_READS)
    @routes.takes(member="whose loans", month="such as 2026-11", year="another year's log")
    @routes.answers(200, LendFirstSchema)
    def lend_first() -> Response:
        """Say which loans were looked at in time, stale, late or never, by member and month."""
        given = arguments("member", "month", "year")
        member, month = read.word(given, "member"), given.get("month")
        if month is not None and not _MONTH.fullmatch(month):
            raise InvalidField("must be a month, such as 2026-11", field="month")
        asker = current_caller().asker
        found = judge_loans(read.origin(given, active()), member, month, asker, audit_ports)
        return answer({"months": [shown_month(one) for one in found]})

    @routes.signed("GET", "/audit/v1/compliance", policy=_READS)
    @routes.takes(member="whose", year="the log of another year")
    @routes.answers(200, ComplianceSchema)
    def compliance() -> Response:
        """Show what each member did, by kind and outcome, and the flags it has."""
        given = arguments("member", "year")
        member, asker = read.word(given, "member"), current_caller().asker
        found = show_compliance(read.origin(given, active()), member, asker, audit_ports)
        return answer({"members": found})
