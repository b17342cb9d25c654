"""The log's read side: checkpoint, tiles and bundles, for any C2SP tool. No signature is needed.

Who may ask is said by the path itself: see `services/log/show_log.py`. Nothing is redirected.
"""

from __future__ import annotations

from flask import Response

from exchange.api.edge.blueprints import Routes
from exchange.services.log.show_log import Shown, ShowPorts, show_log

_FOR_EVER = "public, max-age=31536000, immutable"


def log_routes(ports: ShowPorts) -> Routes:
    """Build the routes of the log's read side."""
    routes = Routes("access_log", description="Checkpoint, tiles and entries (C2SP tlog-tiles).")

    @routes.open("/log/<path:place>")
    @routes.answers(200, media="application/octet-stream")
    def fetch(place: str) -> Response:
        """Fetch `[<capability>/][<year>/]checkpoint`, `tile/<L>/<N>` or `tile/entries/<N>`."""
        return _response(show_log(place, ports))

    return routes


def _response(shown: Shown) -> Response:
    media = "text/plain; charset=utf-8" if shown.text else "application/octet-stream"
    response = Response(shown.body, content_type=media)
    response.headers["Cache-Control"] = "max-age=1" if shown.text else _FOR_EVER
    return response
