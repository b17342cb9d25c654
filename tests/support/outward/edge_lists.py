"""A list behind the real edge, cut into pages; a test adds rows while somebody reads."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from flask import Response

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.paging import Paging
from exchange.api.edge.transport import RoutePolicy
from exchange.domain.lists.pages import page_of

ROWS_DEFAULT, ROWS_MAX, CURSOR_SECONDS = 10, 50, 3_600


def lists(numbers: set[int], clock: Callable[[], int]) -> Routes:
    """Build the route of a list of numbers, in their order."""
    routes = Routes("lists")
    paging = Paging(
        mac=lambda body: hmac.digest(b"cursor key", body, "sha256"),
        now=clock,
        rows_default=ROWS_DEFAULT,
        rows_max=ROWS_MAX,
        cursor_life_seconds=CURSOR_SECONDS,
    )

    @routes.signed("GET", "/v1/numbers", policy=RoutePolicy(roles=frozenset()))
    @routes.takes(limit="1 to 50", cursor="`next` of the page before", odd="`yes` or `no`")
    def list_numbers() -> Response:
        """List the numbers that stand now, a page at a time."""
        pager = paging.pager("numbers", "odd")
        start = int(pager.ask.after or -1)
        wanted = [
            one
            for one in sorted(numbers)
            if one > start and pager.filter.get("odd") in {None, "yes" if one % 2 else "no"}
        ]
        page = page_of(wanted[: pager.ask.fetch], pager.ask, str)
        return answer({"numbers": list(page.rows), **pager.tail(page)})

    return routes
