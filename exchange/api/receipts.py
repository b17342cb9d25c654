"""Receipts: redeem one for the proof that its leaf is in the log."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from flask import Response, request

from exchange import telemetry
from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import RoutePolicy
from exchange.domain.base64url import unb64url
from exchange.errors import InvalidField
from exchange.services.log.ports import LogPorts
from exchange.services.log.prove_leaf import Promised, Proven, prove_leaf

PROOF_TYPE = "text/plain; charset=utf-8"
WAIT_SECONDS_MAX = 10
_POLL_SECONDS = 0.1
_WAIT = re.compile(r"wait=([0-9]{1,3})")
_HASH_BYTES = 32


def receipt_routes(log_ports: LogPorts, *, sleep: Callable[[float], None] = time.sleep) -> Routes:
    """Build the route that redeems receipts."""
    routes = Routes("receipts", description="Proofs that an answer's leaf is in the log.")

    @routes.signed("GET", "/v1/receipts/<leaf>", policy=RoutePolicy(roles=frozenset()))
    @routes.answers(200, media=PROOF_TYPE)
    @routes.answers(202)
    def redeem(leaf: str) -> Response:
        """Return the `.tlog-proof` of one of the caller's leaves; 202 and a promise before it.

        With `final=1` only a checkpoint counts that a quorum of witnesses has cosigned.
        """
        leaf_hash, member = _leaf_hash(leaf), current_caller().member
        final = _final(request.args.to_dict(flat=False))
        found = prove_leaf(leaf_hash, member, log_ports, final=final)
        for _ in range(_polls()):
            if isinstance(found, Proven):
                break
            sleep(_POLL_SECONDS)
            found = prove_leaf(leaf_hash, member, log_ports, final=final)
        return _promised(found) if isinstance(found, Promised) else _proven(found)

    return routes


def _proven(found: Proven) -> Response:
    telemetry.PROOFS.inc()
    return Response(found.proof, content_type=PROOF_TYPE)


def _promised(found: Promised) -> Response:
    response = answer({"promise": found.promise}, 202)
    response.headers["Retry-After"] = str(found.retry_after_seconds)
    return response


def _polls() -> int:
    """Read how long the caller would wait (RFC 7240, 4.3), as a number of looks."""
    match = _WAIT.fullmatch(request.headers.get("Prefer", ""))
    seconds = min(int(match[1]), WAIT_SECONDS_MAX) if match else 0
    return int(seconds / _POLL_SECONDS)


def _final(arguments: dict[str, list[str]]) -> bool:
    if arguments not in ({}, {"final": ["1"]}):
        raise InvalidField("must be 1 or absent, and nothing else be asked", field="final")
    return bool(arguments)


def _leaf_hash(text: str) -> bytes:
    expected = "must be 32 bytes in base64url"
    try:
        value = unb64url(text)
    except ValueError as error:
        raise InvalidField(expected, field="leaf") from error
    if len(value) != _HASH_BYTES:
        raise InvalidField(expected, field="leaf")
    return value
