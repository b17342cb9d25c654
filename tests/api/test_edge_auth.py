"""Who is heard at the edge, who is not, and what is signed in return."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exchange.api.edge.guard import current_caller
from exchange.domain.members import Role
from exchange.domain.queries import Asker
from tests.support.edge_app import private_key
from tests.support.edge_client import NOW, EdgeClient, as_member, code_of, is_signed
from tests.support.signed_requests import signed_headers

STRANGERS = {
    "no signature": None,
    "unknown key": "member-a/k9",
    "unknown member": "nobody/k1",
    "suspended": "suspended/k1",
    "retired": "retired/k1",
    "revoked": "member-a/revoked",
    "ended": "member-a/ended",
    "not yet": "member-a/future",
}


@pytest.fixture
def client() -> EdgeClient:
    """The application, fresh for each test."""
    return EdgeClient()


@pytest.mark.parametrize(
    ("keyid", "algorithm"),
    [("member-a/k1", "ed25519"), ("member-a/p1", "ecdsa-p256-sha256")],
)
def test_a_signed_request_is_answered_and_the_answer_is_signed(
    client: EdgeClient, keyid: str, algorithm: str
) -> None:
    """The whole way, for both kinds of key: a lender gets an answer it can trust."""
    response = client.send(as_member(client.draft(), keyid, algorithm))

    assert (200, {"count": 5}) == (response.status_code, response.json)
    assert is_signed(response)
    assert response.headers["Cx-Version"] == "2026-12-01"
    assert response.headers["Cache-Control"] == "no-store"


def test_an_open_route_needs_no_signature_and_gives_none(client: EdgeClient) -> None:
    """A probe without a key must be able to see that the process lives."""
    response = client.world.app.test_client().get("/healthz")

    assert (200, {"live": True}) == (response.status_code, response.json)
    assert "Signature" not in response.headers


def test_a_route_without_a_policy_is_absent(client: EdgeClient) -> None:
    """Forgetting to state who may call a route must close it, not open it."""
    assert client.world.app.test_client().get("/v1/forgotten").status_code == 404

    response = client.ask("GET", "/v1/forgotten")

    assert (404, "absent") == (response.status_code, code_of(response))
    assert is_signed(response)


@pytest.mark.parametrize("who", STRANGERS)
def test_a16_a17_a18_strangers_are_answered_alike(client: EdgeClient, who: str) -> None:
    """Nobody may learn from an answer which members exist, or how they stand."""
    keyid = STRANGERS[who]
    draft = client.draft()
    if keyid is None:
        response = client.send(draft, Signature=None, Signature_Input=None)
    else:
        response = client.send(replace(draft, keyid=keyid))

    wrong_key = client.send(draft, key=private_key("somebody else"))
    assert (401, "auth.signature") == (response.status_code, code_of(response))
    assert _without_id(wrong_key.json) == _without_id(response.json)
    assert set(wrong_key.headers.keys()) == set(response.headers.keys())
    assert not is_signed(response)
    assert "cx-1-request" in response.headers["Accept-Signature"]
    assert client.world.nonces.spent == set()


def test_a17_a_key_of_another_algorithm_than_registered_is_refused(client: EdgeClient) -> None:
    """One algorithm a key: the message does not choose."""
    draft = replace(client.draft(), keyid="member-a/k1", algorithm="ecdsa-p256-sha256")

    response = client.send(draft, key=private_key("member-a/p1", "ecdsa-p256-sha256"))

    assert (401, "auth.signature") == (response.status_code, code_of(response))


@pytest.mark.parametrize(
    ("offset", "status"), [(-61, 401), (-60, 200), (-59, 200), (29, 200), (30, 200), (31, 401)]
)
def test_a20_the_clock_window_is_exact(client: EdgeClient, offset: int, status: int) -> None:
    """Sixty seconds back and thirty ahead are heard, one more is not."""
    response = client.send(replace(client.draft(), created=NOW + offset))

    assert status == response.status_code
    if status == 401:
        assert code_of(response) == "auth.stale"


@pytest.mark.parametrize(("expires", "status"), [(1, 200), (0, 401), (-1, 401)])
def test_a20_a_request_past_its_expiry_is_refused(
    client: EdgeClient, expires: int, status: int
) -> None:
    """What its sender has let die stays dead."""
    response = client.send(replace(client.draft(), expires=NOW + expires))

    assert status == response.status_code


def test_a22_a_changed_body_is_refused_before_it_is_parsed(client: EdgeClient) -> None:
    """Bytes nobody signed must not reach a parser: here they are not even JSON."""
    draft = client.draft()
    headers = signed_headers(draft, private_key(draft.keyid))

    response = client.send_raw(replace(draft, body=b"{not json"), headers)

    assert (401, "auth.digest") == (response.status_code, code_of(response))
    assert not is_signed(response)
    assert client.world.nonces.spent == set()


def test_a23_a_verbatim_replay_is_refused(client: EdgeClient) -> None:
    """A captured request acts once, and the second time its sender learns why."""
    draft = replace(client.draft(), nonce="n" * 22)

    first = client.send(draft)
    second = client.send(draft)

    assert (200, 409) == (first.status_code, second.status_code)
    assert code_of(second) == "auth.replayed"
    assert is_signed(second)
    assert client.world.effects == ["member-a"]


def test_a_nonce_is_one_members_own(client: EdgeClient) -> None:
    """No member can burn another's nonces."""
    draft = replace(client.draft("DELETE", "/v1/things/x"), nonce="n" * 22)

    assert client.send(draft).status_code == 204
    assert client.send(as_member(draft, "member-c/k1")).status_code == 204


def test_a_key_that_dies_while_its_request_is_on_the_way_is_not_heard(client: EdgeClient) -> None:
    """Revocation holds from the transaction that spends the nonce, whatever a cache says."""
    client.world.nonces.dead.add("member-a")

    response = client.ask()

    assert (401, "auth.signature") == (response.status_code, code_of(response))
    assert not is_signed(response)
    assert client.world.effects == []


def test_a66_a_member_without_the_role_is_refused_by_name(client: EdgeClient) -> None:
    """A contributor may not ask; it is told so, signed, and its nonce is spent."""
    response = client.send(as_member(client.draft(), "member-c/k1"))

    assert (403, "auth.role") == (response.status_code, code_of(response))
    assert is_signed(response)
    assert len(client.world.nonces.spent) == 1


@pytest.mark.parametrize(
    ("way", "status", "spent"),
    [("spends", 200, 1), ("forgets", 200, 1), ("refuses", 422, 1), ("fails-after", 503, 1)],
)
def test_a_nonce_left_to_the_service_is_spent_in_every_case(
    client: EdgeClient, way: str, status: int, spent: int
) -> None:
    """However a service ends, no request of it can be played again."""
    draft = replace(client.draft(path=f"/v1/services/{way}"), nonce="n" * 22)

    first = client.send(draft)
    second = client.send(draft)

    assert status == first.status_code
    assert spent == len(client.world.nonces.spent)
    assert is_signed(first)
    assert (409, "auth.replayed") == (second.status_code, code_of(second))
    assert is_signed(second)


def test_a_form_error_on_a_route_that_spends_itself_spends_the_nonce(client: EdgeClient) -> None:
    """The service never ran, so the edge must spend for it."""
    draft = replace(client.draft(path="/v1/services/spends", body=b"{"), nonce="n" * 22)

    assert client.send(draft).status_code == 400
    assert client.send(draft).status_code == 409


def test_a_nonce_that_cannot_be_spent_stops_the_request(client: EdgeClient) -> None:
    """No evidence of uniqueness, no answer: 503 and nothing done."""
    client.world.nonces.down = True

    at_the_edge = client.ask()
    by_the_service = client.ask(path="/v1/services/refuses")

    assert (503, 503) == (at_the_edge.status_code, by_the_service.status_code)
    assert client.world.effects == []


def test_a_request_without_a_body_is_signed_without_content_fields(client: EdgeClient) -> None:
    """GET and DELETE are signed too, and an empty answer is signed as such."""
    response = client.ask("DELETE", "/v1/things/x")

    assert (204, b"") == (response.status_code, response.data)
    assert "Content-Type" not in response.headers
    assert is_signed(response)


def test_an_open_route_has_no_caller(client: EdgeClient) -> None:
    """A route that asks who sent an unsigned request must fail, not guess."""
    with client.world.app.test_request_context("/healthz"):
        with pytest.raises(TypeError):
            current_caller()
        client.world.app.preprocess_request()
        with pytest.raises(TypeError):
            current_caller()


def test_a_caller_is_known_to_the_services_by_its_signature(client: EdgeClient) -> None:
    """Member, key and nonce of the transaction are those that were verified."""
    draft = replace(client.draft(path="/v1/services/spends"), nonce="n" * 22)

    client.send(draft)

    roles = frozenset({Role.ASKER, Role.CONTRIBUTOR})
    expected = Asker(member="member-a", key="k1", nonce="n" * 22, roles=roles)
    assert [expected] == client.world.askers


def _without_id(document: object) -> dict[str, object]:
    assert isinstance(document, dict)
    return {name: one for name, one in document.items() if name != "request_id"}
