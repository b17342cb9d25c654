"""Register, request and withdraw grants."""

from __future__ import annotations

from collections.abc import Mapping

from exchange_client.core.calls import PART_TYPE, Call, Flow, get, post_json
from exchange_client.core.encoding import JSON, b64url
from exchange_client.core.ids import check_id
from exchange_client.core.setup import Desk
from exchange_client.core.tokens import evaluate
from exchange_client.grants import Grant
from exchange_client.identifiers import Identifier


def register(desk: Desk, grant: Grant, identifier: Identifier) -> Flow[Mapping[str, JSON]]:
    """Register a grant and bind it to its subject's current token.

    Raises:
        UsageError: the grant is not one of this identifier.
        Refused: the exchange does not take it; `code` names the step.
    """
    return (yield from _sent("/v1/grants", desk, grant, identifier))


def request(desk: Desk, grant: Grant, identifier: Identifier) -> Flow[Mapping[str, JSON]]:
    """Request a grant that its subject signs as well; `link` in the answer opens once.

    Raises:
        UsageError: the grant is not one of this identifier.
        Refused: the exchange does not take it, or the subject has answered already.
    """
    return (yield from _sent("/v1/grant-requests", desk, grant, identifier))


def _sent(path: str, desk: Desk, grant: Grant, identifier: Identifier) -> Flow[Mapping[str, JSON]]:
    grant.check_subject(identifier)
    epoch = desk.pins.current_epoch
    tokens = yield from evaluate([identifier], epoch)
    body: dict[str, object] = {
        "artefact": grant.artefact,
        "token": b64url(tokens[identifier]),
        "epoch": epoch.epoch,
    }
    reply = yield post_json(path, body, accepted=frozenset({200, 201}))
    return reply.json()


def withdraw(grant_id: str, *, reason: str | None = None) -> Flow[Mapping[str, JSON]]:
    """Relay the subject's withdrawal: from the next question on the grant is refused."""
    body: dict[str, object] = {} if reason is None else {"reason": reason}
    reply = yield post_json(f"/v1/grants/{check_id('gnt', grant_id)}/withdraw", body)
    return reply.json()


def show_evidence(grant_id: str, content: bytes) -> Flow[Mapping[str, JSON]]:
    """Send the evidence that was asked for.

    Raises:
        Refused: `grant.evidence`, it is not what the grant names; `grant.transition`, nobody asked.
    """
    reply = yield Call(
        method="POST",
        path=f"/v1/grants/{check_id('gnt', grant_id)}/evidence",
        body=lambda: content,
        content_type=PART_TYPE,
    )
    return reply.json()


def rest(grant_id: str, verb: str) -> Flow[Mapping[str, JSON]]:
    """Relay the subject's wish to pause a grant or let it go on; or confirm that you stopped."""
    reply = yield post_json(f"/v1/grants/{check_id('gnt', grant_id)}/{verb}", {})
    return reply.json()


def notices() -> Flow[list[Mapping[str, JSON]]]:
    """Fetch the registry of notices."""
    reply = yield get("/v1/notices")
    listed = reply.json().get("notices")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def show(grant_id: str) -> Flow[Mapping[str, JSON]]:
    """Fetch a grant's state."""
    reply = yield get(f"/v1/grants/{check_id('gnt', grant_id)}")
    return reply.json()
