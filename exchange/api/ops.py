"""What an operator asks of a running server, and the line that each request leaves in the log.

`/healthz` tells anyone that the process lives. `/readyz`, `/metrics` and `/openapi.json` answer the
addresses of an allow-list and are absent for everyone else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, g, request
from flask.globals import request_ctx

from exchange import telemetry
from exchange.api.edge.application import Answer, Application
from exchange.api.edge.problems import Refusal
from exchange.api.edge.transport import OPEN_METHODS, peer_of
from exchange.errors import AbsentError

BLUEPRINT = "ops"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpsPorts:
    """What the operator's routes need of the outside."""

    readiness: Callable[[], Mapping[str, str]]  # by dependency: "ok", or what is wrong
    gauges: Callable[[], Mapping[str, float]]  # by name, labels included; read at each scrape
    openapi: Callable[[], Mapping[str, object]]
    trusted: frozenset[str]  # addresses that may ask more than `/healthz`
    proxies: frozenset[str]  # addresses whose X-Forwarded-For names the peer


def ops_routes(ports: OpsPorts) -> Blueprint:
    """Build the operator's routes; none of them needs a signature."""
    routes = Blueprint(BLUEPRINT, __name__)

    @routes.before_request
    def only_for_the_operator() -> None:
        peer = peer_of(request.environ, ports.proxies)
        if request.path != "/healthz" and peer not in ports.trusted:
            raise AbsentError

    @routes.get("/healthz")
    def healthz() -> Response:
        return _json({"status": "alive"}, 200)

    @routes.get("/readyz")
    def readyz() -> Response:
        found = ports.readiness()
        return _json(found, 200 if set(found.values()) == {"ok"} else 503)

    @routes.get("/metrics")
    def metrics() -> Response:
        told = telemetry.metrics() + _told(ports.gauges()).encode()
        return Response(told, content_type=METRICS_TYPE)

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return _json(ports.openapi(), 200)

    return routes


def _told(gauges: Mapping[str, float]) -> str:
    """Write figures as Prometheus reads them: one TYPE a name, whatever labels it has."""
    lines = dict.fromkeys(_type(name.partition("{")[0]) for name in gauges)
    for name, value in gauges.items():
        lines[f"{name} {value:.17g}"] = None
    return "".join(f"{line}\n" for line in lines)


def _type(name: str) -> str:
    family = name.removesuffix("_sum").removesuffix("_count")
    if family != name:
        return f"# TYPE {family} summary"
    return f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}"


def observe(app: Application) -> None:
    """Count and log every request; called before the edge is installed, so that it ends last."""
    app.before_request(_begin)
    app.after_request(_end)
    app.observed = _count


def report(refusal: Refusal) -> None:
    """Count and log a refusal: everything in it may be logged."""
    telemetry.REFUSALS.labels(refusal.code).inc()
    names = (name for name in Refusal.__slots__ if name not in {"alarm", "request_id_given"})
    fields = {name: getattr(refusal, name) for name in names}
    if refusal.alarm:
        telemetry.ALARMS.labels(refusal.code).inc()
        telemetry.alarm("refused", **fields)
    else:
        telemetry.log("refused", **fields)


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    now = time.perf_counter()
    asked = request_ctx.request
    route = asked.url_rule.rule if asked.url_rule else "none"
    if route != "/healthz":
        method = asked.method if asked.method in OPEN_METHODS else "other"
        _count(route, method, response, now - g.get("began", now))
    return response


def _count(route: str, method: str, response: Answer, seconds: float) -> None:
    telemetry.answered(
        telemetry.Series(route, method, response.status_code),
        response.headers.get("Cx-Request-Id", ""),
        seconds,
    )


def _json(document: Mapping[str, object], status: int) -> Response:
    return Response(json.dumps(document), status=status, content_type="application/json")
