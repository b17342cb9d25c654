"""Status lists: where grants stand, signed, for whoever holds one and asks nobody about it."""

from __future__ import annotations

import re

from flask import Response

from exchange.api.edge.blueprints import Routes
from exchange.api.edge.transport import RoutePolicy
from exchange.errors import AbsentError
from exchange.services.ports import Ports
from exchange.services.statuses.publish_lists import signed_list

LIST_TYPE = "application/statuslist+jwt"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


def status_routes(ports: Ports) -> Routes:
    """Build the route of status lists."""
    routes = Routes("status-lists", description="Two bits a grant, in the Token Status List form.")

    @routes.signed("GET", "/v1/status-lists/<number>", policy=RoutePolicy(roles=frozenset()))
    @routes.answers(200, media=LIST_TYPE)
    def status_list(number: str) -> Response:
        """Return a list as it was last published; `ttl` in it says when to fetch it anew."""
        if not _NUMBER.fullmatch(number):
            raise AbsentError
        return Response(signed_list(int(number), ports), content_type=LIST_TYPE)

    return routes
