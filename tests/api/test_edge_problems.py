"""Every refusal is one problem document, says what its catalogue says, and gives nothing away."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from exchange import errors
from exchange.api.edge.problems import Problems, status_of, title_of
from exchange.errors import ExchangeError, QuotaError
from tests.support.edge_client import BASE, EdgeClient, code_of, is_signed

CANARY = "11010519491231002X"


def every_error(kind: type[ExchangeError] = ExchangeError) -> Iterator[type[ExchangeError]]:
    """Walk the error tree."""
    yield kind
    for below in kind.__subclasses__():
        yield from every_error(below)


ERRORS = [one for one in every_error() if one.__module__ == errors.__name__]


@pytest.fixture
def client() -> EdgeClient:
    """The application, fresh for each test."""
    return EdgeClient()


@pytest.mark.parametrize("kind", ERRORS, ids=lambda one: str(one.__name__))
def test_every_error_makes_a_whole_document(kind: type[ExchangeError]) -> None:
    """A client that meets any error learns its code, its page and whether to try again."""
    error = QuotaError(retry_after_seconds=3) if issubclass(kind, QuotaError) else kind()

    response = Problems(public_base=BASE).response(error, "req-1")

    document = json.loads(response.get_data())
    assert {
        "type": f"{BASE}/docs/errors#{kind.code}",
        "title": title_of(kind),
        "status": status_of(kind),
        "code": kind.code,
        "request_id": "req-1",
        "retryable": kind.retryable,
    } == document
    assert response.content_type == "application/problem+json"
    assert document["title"].endswith((".", "fork."))
    assert response.status_code == document["status"]


def test_codes_are_unique() -> None:
    """A code that meant two errors would be no code."""
    codes = [kind.code for kind in ERRORS]

    assert sorted(set(codes)) == sorted(codes)


@pytest.mark.parametrize(
    ("kind", "status", "retry_after"),
    [("absent", 404, None), ("quota", 429, "17"), ("down", 503, "2"), ("damaged", 503, "2")],
)
def test_a_refusal_has_its_status_and_says_when_to_come_back(
    client: EdgeClient, kind: str, status: int, retry_after: str | None
) -> None:
    """A client must know whether waiting helps."""
    response = client.ask("GET", f"/v1/faults/{kind}")

    assert status == response.status_code
    assert retry_after == response.headers.get("Retry-After")
    assert is_signed(response)


def test_a_fault_of_ours_is_opaque_and_alarms(client: EdgeClient) -> None:
    """A bug must neither tell a stranger anything nor go unseen."""
    response = client.ask("GET", "/v1/faults/bug")

    (refusal,) = client.world.refusals
    assert (500, "exchange.internal") == (response.status_code, code_of(response))
    assert is_signed(response)
    assert CANARY.encode() not in response.data
    assert refusal.alarm
    assert refusal.trace[-1] == "ValueError"
    assert CANARY not in repr(refusal)


def test_damaged_evidence_alarms(client: EdgeClient) -> None:
    """Bytes that are not what was stored need a person at once."""
    client.ask("GET", "/v1/faults/damaged")

    assert [True] == [one.alarm for one in client.world.refusals]


def test_a_refusal_is_reported_once_and_without_values(client: EdgeClient) -> None:
    """Operators see who was refused where and why; the log holds no body, token or signature."""
    body = json.dumps({"count": CANARY, "flag": True, "text": CANARY}).encode()

    response = client.ask(body=body)

    (refusal,) = client.world.refusals
    assert ("request.field", 422) == (refusal.code, refusal.status)
    assert ("member-a", "k1") == (refusal.member, refusal.key)
    assert ("/v1/queries", "POST", len(body)) == (refusal.route, refusal.method, refusal.body_bytes)
    assert refusal.request_id == response.headers["Cx-Request-Id"]
    assert not refusal.alarm
    assert CANARY not in repr(refusal)
    assert CANARY.encode() not in response.data


def test_an_unsigned_refusal_names_no_member(client: EdgeClient) -> None:
    """A name that nobody proved must not stand in the log as if somebody had."""
    client.send(client.draft(), Signature=None)

    (refusal,) = client.world.refusals
    assert (None, None, "auth.signature") == (refusal.member, refusal.key, refusal.code)


def test_the_clients_request_id_comes_back_everywhere(client: EdgeClient) -> None:
    """A person with an id finds the request in the answer, the document and the log."""
    response = client.send(client.draft("GET", "/v1/faults/absent"), Cx_Request_Id="case-7.a:1_b")

    assert response.headers["Cx-Request-Id"] == "case-7.a:1_b"
    assert response.json
    assert response.json["request_id"] == "case-7.a:1_b"
    assert client.world.refusals[0].request_id == "case-7.a:1_b"


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "a,b", "<script>", "%0a", "é"])
def test_a_request_id_that_is_no_safe_name_is_replaced(client: EdgeClient, given: str) -> None:
    """It goes into logs and pages."""
    response = client.send(client.draft(), Cx_Request_Id=given)

    assert response.headers["Cx-Request-Id"] != given
    assert len(response.headers["Cx-Request-Id"]) == 32


def test_a_longest_request_id_is_kept(client: EdgeClient) -> None:
    """64 characters are the limit, and are taken."""
    response = client.send(client.draft(), Cx_Request_Id="a" * 64)

    assert response.headers["Cx-Request-Id"] == "a" * 64


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nowhere", 404, "absent"),
        ("GET", "/v1/queries", 405, "request.method"),
        ("DELETE", "/healthz", 405, "request.method"),
    ],
)
def test_what_no_route_takes_is_a_document_too(
    client: EdgeClient, method: str, path: str, status: int, code: str
) -> None:
    """The framework's own pages never show, and a signed request gets a signed refusal."""
    unsigned = client.world.app.test_client().open(path, method=method)
    signed = client.ask(method, path)

    for response in (unsigned, signed):
        assert (status, code) == (response.status_code, code_of(response))
    assert "Signature" not in unsigned.headers
    assert is_signed(signed)
    if status == 405:
        assert unsigned.headers["Allow"] in ("POST", "GET")
