"""`/audit/v1`: search, export, opening a person, how the log stands. For regulators alone."""

from __future__ import annotations

from flask import Response

from exchange.api.audit.findings import add_findings
from exchange.api.audit.schemas import AuditEntriesSchema, AuditLogSchema
from exchange.api.audit.subjects import add_subjects
from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.guard import current_caller
from exchange.api.edge.paging import Paging, arguments
from exchange.api.edge.transport import RoutePolicy
from exchange.domain.audit import arguments as read
from exchange.domain.audit.exports import TAR_TYPE, packed
from exchange.domain.members import Role
from exchange.services.audit.export_range import ExportAsk, export_range
from exchange.services.audit.ports import AuditPorts
from exchange.services.audit.search_entries import SearchAsk, search_entries
from exchange.services.audit.show_log import show_log

_READS = RoutePolicy(roles=frozenset({Role.REGULATOR}))


def audit_routes(audit_ports: AuditPorts, paging: Paging) -> Routes:
    """Build the regulator's routes."""
    routes = Routes("audit", description="The access log, for a regulator: each read is a leaf.")
    ports = audit_ports.ports

    @routes.signed("GET", "/audit/v1/entries", policy=_READS)
    @routes.takes(limit="1 to 500", cursor="`next` of the page before", **read.SEARCH)
    @routes.answers(200, AuditEntriesSchema)
    def entries() -> Response:
        """Search the log; a page, by index, under the checkpoint that the first page named."""
        pager = paging.pager("audit_entries", *read.SEARCH)
        ask = SearchAsk(
            origin=read.origin(pager.filter, ports.origin(ports.now())),
            filter=read.read_filter(pager.filter),
            page=pager.ask,
            proofs=read.wants_proof(pager.filter),
        )
        found = search_entries(ask, current_caller().asker, audit_ports)
        body = {"total": found.total, "checkpoint": found.checkpoint.note}
        return answer({**body, "entries": list(found.page.rows), **pager.tail(found.page)})

    @routes.signed("GET", "/audit/v1/export", policy=_READS)
    @routes.takes(from_index="first index", to_index="first index not wanted", size="tree size")
    @routes.answers(200, media=TAR_TYPE)
    def export() -> Response:
        """Export a range, every index opened or accounted for, as a tar of a folder."""
        given = arguments("from_index", "to_index", "size", "year")
        ask = ExportAsk(
            origin=read.origin(given, ports.origin(ports.now())),
            first=read.needed(given, "from_index"),
            end=read.needed(given, "to_index"),
            size=read.number(given, "size"),
        )
        files = export_range(ask, current_caller().asker, audit_ports)
        return Response(packed(files), content_type=TAR_TYPE)

    @routes.signed("GET", "/audit/v1/log", policy=_READS)
    @routes.takes(year="the log of another calendar year")
    @routes.answers(200, AuditLogSchema)
    def log() -> Response:
        """Show how the log stands, and the keys that verify it."""
        wanted = read.origin(arguments("year"), ports.origin(ports.now()))
        return answer(show_log(wanted, current_caller().asker, audit_ports))

    add_subjects(routes, audit_ports)
    add_findings(routes, audit_ports)
    return routes
