"""What is another member's is absent, and a route of another role is closed (A63 to A66).

The matrix is generated from the application's own routes: a route that somebody adds is in it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from exchange.api.edge.guard import Edge
from exchange.api.edge.transport import JSON_TYPE, LINES_TYPE, PART_TYPE, Body, RoutePolicy
from exchange.domain.members import Role
from exchange.domain.security.events import EventFilter
from exchange.services.security.list_events import list_events
from exchange_client.core.ids import new_id
from tests.support.grant_desk import GrantDesk, answer_claims
from tests.support.outward.ringing import register
from tests.support.outward.watching import WatchDesk
from tests.support.sandbox import BASE, Sandbox, make_sandbox
from tests.support.signed_requests import Draft, signed_headers

ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
# Ids that are the same for everybody: texts and lists that all members may read.
COMMON = {"sha256", "number"}
# Names that a member gives itself: another's is not looked up at all.
OWN = {"account_ref"}
MEDIA = {Body.NONE: None, Body.JSON: JSON_TYPE, Body.EVIDENCE: PART_TYPE}  # others: lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """An exchange with one member's things, another member, and a regulator."""

    sandbox: Sandbox
    owner: WatchDesk
    stranger: GrantDesk
    regulator: GrantDesk
    things: dict[str, str]  # by argument name: an id of the owner's
    absent: dict[str, str]  # by argument name: an id of nobody's


@pytest.fixture(scope="module")
def matrix(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    """The owner has one of everything that has an id."""
    folder: Path = tmp_path_factory.mktemp("matrix")
    sandbox = make_sandbox(shared_database_url, folder, webhook_loopback=True)
    owner = WatchDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    asked = answer_claims(owner.ask(owner.granted(1), 1))
    batch = owner.upload(owner.file([owner.late(2, "acc-2")])).get_json()
    owner.reported()
    things = {
        "query_id": str(asked["jti"]),
        "leaf": str(asked["leaf"]),
        "grant_id": owner.granted(3),
        "batch_id": str(batch.get("batch_id") or answer_of(batch)["batch"]),
        "dispute_id": owner.opened_dispute(),
        "webhook_id": str(register(owner, "http://127.0.0.1:9/x")["webhook_id"]),
        "watch_id": str(owner.watching(4)["watch_id"]),
    }
    yield Matrix(
        sandbox=sandbox,
        owner=owner,
        stranger=GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-b")),
        regulator=GrantDesk(sandbox=sandbox, key=sandbox.enrol("regulator", Role.REGULATOR)),
        things=things,
        absent={name: absent_like(one) for name, one in things.items()},
    )
    sandbox.close()


def answer_of(reply: dict[str, object]) -> dict[str, object]:
    """Return the claims of the receipt in a reply."""
    payload = str(reply["receipt"]).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert isinstance(claims, dict)
    return claims


def absent_like(one: str) -> str:
    """Return an id of the same kind that nobody made."""
    if named := re.fullmatch("([a-z]{3})_[0-9a-f]{32}", one):
        return new_id(named[1])
    return one[:-8] + "AAAAAAAA"


def edge_of(sandbox: Sandbox) -> Edge:
    """Return the edge that guards the application."""
    guard = sandbox.app.before_request_funcs[None][-1]
    edge = guard.__self__  # type: ignore[union-attr]  # it is a bound method
    assert isinstance(edge, Edge)
    return edge


def signed_routes(sandbox: Sandbox) -> list[tuple[str, str, RoutePolicy]]:
    """Return (method, rule, policy) of every signed route."""
    policies = edge_of(sandbox).policies
    return [
        (method, rule.rule, policies[rule.endpoint])
        for rule in sandbox.app.url_map.iter_rules()
        if rule.endpoint in policies
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def filled(rule: str, ids: Mapping[str, str]) -> str:
    """Return a path of this rule with these ids."""
    for name in ARGUMENT.findall(rule):
        rule = re.sub(rf"<(?:\w+:)?{name}>", ids[name], rule)
    return rule


def send(desk: GrantDesk, method: str, path: str, policy: RoutePolicy) -> TestResponse:
    """Send a signed request that is of the form this route takes, and says nothing."""
    media = MEDIA.get(policy.body, LINES_TYPE)
    body = b"" if media is None else b"{}" if media == JSON_TYPE else b"{}\n"
    draft = Draft(
        method=method,
        target_uri=BASE + path,
        created=desk.sandbox.ports.now(),
        body=body,
        content_type=media,
        keyid=desk.key.keyid,
    )
    return desk.sandbox.app.test_client().open(
        path, method=method, data=body or None, headers=signed_headers(draft, desk.private)
    )


def told(response: TestResponse) -> tuple[int, object]:
    """Return what a response says, without what differs between any two."""
    document = response.get_json(silent=True)
    if isinstance(document, dict):
        document = {name: one for name, one in document.items() if name != "request_id"}
    return response.status_code, document or response.data


def events(sandbox: Sandbox, code: str) -> int:
    """Count the security events of one code."""
    sandbox.app.extensions["exchange.security"].flush()
    return len(list_events(EventFilter(since=0, code=code, rows_max=10_000), sandbox.ports))


def test_a63_a64_a65_what_is_anothers_is_told_like_what_is_nowhere(matrix: Matrix) -> None:
    """A member that can tell the two apart learns with whom its rivals do business."""
    tried = 0

    for method, rule, policy in signed_routes(matrix.sandbox):
        names = set(ARGUMENT.findall(rule))
        if not names or names & (COMMON | OWN) or Role.REGULATOR in policy.roles:
            continue
        assert names <= matrix.things.keys(), f"{rule}: let the matrix own one of these"
        paths = [filled(rule, ids) for ids in (matrix.things, matrix.absent)]
        theirs, nowhere = (told(send(matrix.stranger, method, path, policy)) for path in paths)
        assert theirs == nowhere, rule
        assert theirs[0] in ((404,) if policy.body is Body.NONE else (404, 422)), (rule, theirs)
        if method == "GET":  # The owner's own; the others would change what is there.
            assert 404 != send(matrix.owner, method, paths[0], policy).status_code, rule
        tried += 1

    assert tried > 10
    assert events(matrix.sandbox, "absent") > 0


def test_a66_a_route_of_another_role_is_closed(matrix: Matrix) -> None:
    """A regulator must not be able to report, nor a member to read the log of all."""
    before, tried = events(matrix.sandbox, "auth.role"), 0
    ids = matrix.absent | {"account_ref": "acc-1", "sha256": "0" * 64, "member": "member-b"}
    ids["number"] = "0"
    ids["opening_id"] = new_id("opn")

    for method, rule, policy in signed_routes(matrix.sandbox):
        path = filled(rule, ids)
        for desk, roles in (
            (matrix.stranger, {Role.ASKER, Role.CONTRIBUTOR}),
            (matrix.regulator, {Role.REGULATOR}),
        ):
            if not policy.roles or policy.roles & roles:
                continue
            status, document = told(send(desk, method, path, policy))
            assert isinstance(document, dict)
            assert (403, "auth.role") == (status, document["code"]), (method, rule)
            tried += 1

    assert tried > 10
    # One peer sent them all: what it sent beyond its share of a minute is counted, not stored.
    assert events(matrix.sandbox, "auth.role") > before
