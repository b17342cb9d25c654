"""Show the evidence behind a grant that was drawn for it."""

from __future__ import annotations

import hashlib

from flask import Response

from exchange.api.edge.blueprints import Routes
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import PART_TYPE, Body, RoutePolicy
from exchange.api.grants.showing import LENDERS, GrantSchema, shown
from exchange.domain.ids import parse
from exchange.services.evidence.show_evidence import show_evidence
from exchange.services.ports import Ports


def evidence_routes(ports: Ports) -> Routes:
    """Build the route of evidence."""
    routes = Routes("grant-evidence", description="The evidence behind a grant, on demand.")

    @routes.signed(
        "POST",
        "/v1/grants/<grant_id>/evidence",
        policy=RoutePolicy(roles=LENDERS, body=Body.EVIDENCE),
    )
    @routes.answers(200, GrantSchema)
    @routes.raw(None, media=PART_TYPE)
    def evidence(grant_id: str) -> Response:
        """Send the evidence that was asked for: its hash is compared, its bytes are not kept."""
        wanted, caller = parse("gnt", grant_id, field="grant_id"), current_caller()
        sha256 = hashlib.sha256(caller.body).digest()
        return shown(show_evidence(wanted, sha256, caller.asker, ports))

    return routes
