"""Bodies reach a route as strict JSON and by its schema, and the OpenAPI document says so."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from werkzeug.test import TestResponse

from exchange.api.edge.blueprints import split_lines
from exchange.errors import InvalidField, TooLarge
from tests.support.edge_app import LINES_MAX, VALID
from tests.support.edge_client import EdgeClient, code_of, is_signed

CANARY = "canary-110105"


@pytest.fixture
def client() -> EdgeClient:
    """The application, fresh for each test."""
    return EdgeClient()


def pointers(response: TestResponse) -> list[str]:
    """Return where a problem document says the faults are."""
    assert response.json
    return sorted(str(one["pointer"]) for one in response.json["errors"])


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"count": True}, "/count"),
        ({"count": "5"}, "/count"),
        ({"count": None}, "/count"),
        ({"count": -1}, "/count"),
        ({"count": 1001}, "/count"),
        ({"count": [5]}, "/count"),
        ({"flag": 1}, "/flag"),
        ({"flag": "true"}, "/flag"),
        ({"flag": None}, "/flag"),
        ({"text": 5}, "/text"),
        ({"text": CANARY + "\n"}, "/text"),
        ({"token": "AAA"}, "/token"),
        ({"token": "AAAAAAAA"}, "/token"),
        ({"token": "AA=="}, "/token"),
        ({"items": [{"name": "x"}, {"name": 7}]}, "/items/1/name"),
        ({"items": [{"name": "x", "dispute_state": CANARY}]}, "/items/0/dispute_state"),
        ({"items": {"name": "x"}}, "/items"),
        ({"member_id": CANARY}, "/member_id"),
        ({CANARY: 1}, ""),
    ],
    ids=str,
)
def test_a39_a40_a_field_of_another_type_or_name_is_refused_in_its_place(
    client: EdgeClient, changes: dict[str, object], where: str
) -> None:
    """Nothing is converted and nothing is ignored; the caller learns where, and sees no value."""
    response = client.ask(body=json.dumps({**VALID, **changes}).encode())

    assert (422, "request.field") == (response.status_code, code_of(response))
    assert [where] == pointers(response)
    assert CANARY.encode() not in response.data
    assert is_signed(response)


def test_a_body_with_every_field_right_is_taken(client: EdgeClient) -> None:
    """The strict fields must take what is documented."""
    for count in (0, 1000):
        body = json.dumps({**VALID, "count": count, "token": "AAEC"}).encode()
        assert client.ask(body=body).json == {"count": count}


def test_every_fault_of_a_body_is_named_at_once(client: EdgeClient) -> None:
    """Nobody mends a form one error at a time."""
    response = client.ask(body=b'{"count":"5","flag":0,"items":[]}')

    assert ["/count", "/flag", "/text"] == pointers(response)


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"null", b"true"])
def test_a_body_that_is_no_object_is_refused(client: EdgeClient, body: bytes) -> None:
    """JSON of another shape is a field error of the whole."""
    response = client.ask(body=body)

    assert (422, [""]) == (response.status_code, pointers(response))


def test_a_reader_is_used_and_the_schema_names_what_it_refuses(client: EdgeClient) -> None:
    """The hot path must be strict by the same rules, and its faults as helpful."""
    whole = {name: VALID[name] for name in ("count", "flag", "text")}

    assert client.ask(path="/v1/fast", body=json.dumps(whole).encode()).json == {"fast": True}
    faulty = client.ask(path="/v1/fast", body=b'{"count":"5","flag":true}')
    assert ["/count", "/text"] == pointers(faulty)


def test_what_only_the_reader_refuses_stays_refused(client: EdgeClient) -> None:
    """Where the two disagree the answer is no."""
    response = client.ask(path="/v1/fast", body=json.dumps(VALID).encode())

    assert (422, "request.field") == (response.status_code, code_of(response))


def _lines(client: EdgeClient, body: bytes) -> TestResponse:
    draft = client.draft(path="/v1/query-batches", body=body)
    return client.send(replace(draft, content_type="application/x-ndjson"))


def test_lines_are_read_each_by_itself_with_their_exact_bytes(client: EdgeClient) -> None:
    """Each line is a question of its own, and its digest is over these bytes."""
    first, second = json.dumps(VALID).encode(), json.dumps(VALID, indent=None).encode() + b"  "

    response = _lines(client, first + b"\n" + second + b"\n")

    assert response.status_code == 200
    assert [len(first), len(second)] == [
        json.loads(line)["bytes"] for line in response.data.splitlines()
    ]
    assert is_signed(response)


@pytest.mark.parametrize(
    ("second", "status", "code", "where"),
    [
        (b'{"count":1.5}', 422, "request.field", "/1/count"),
        (b'{"count":1,"count":1}', 400, "request.duplicate_field", "/1"),
        (b"{} {}", 400, "request.form", "/1"),
        (b"", 422, "request.field", "/1"),
        (b" ", 422, "request.field", "/1"),
        (
            b'{"count":1,"flag":true,"text":"a","items":[{}]}',
            422,
            "request.field",
            "/1/items/0/name",
        ),
    ],
)
def test_a_fault_in_a_line_says_which_line(
    client: EdgeClient, second: bytes, status: int, code: str, where: str
) -> None:
    """In a thousand lines the caller must find the one."""
    body = json.dumps(VALID).encode() + b"\n" + second + b"\n"

    response = _lines(client, body)

    assert (status, code) == (response.status_code, code_of(response))
    assert [where] == pointers(response)


def test_lines_are_counted_before_they_are_read() -> None:
    """The limit of lines is taken, and not one more; none at all is refused."""
    assert [b"{}"] * LINES_MAX == split_lines(b"{}\n" * LINES_MAX, LINES_MAX)
    with pytest.raises(TooLarge):
        split_lines(b"{}\n" * (LINES_MAX + 1), LINES_MAX)
    for body in (b"", b"\n", b"{}", b"{}\n{}", b"{}\n\n"):
        with pytest.raises(InvalidField):
            split_lines(body, LINES_MAX)


def test_a_carriage_return_belongs_to_a_line(client: EdgeClient) -> None:
    """CRLF is white space to JSON and part of the signed bytes of its line."""
    response = _lines(client, json.dumps(VALID).encode() + b"\r\n")

    assert response.status_code == 200
    assert json.loads(response.data)["bytes"] == len(json.dumps(VALID)) + 1


def test_the_openapi_document_describes_what_the_edge_does(client: EdgeClient) -> None:
    """Members generate code from it: it must name bodies, answers, refusals and the signature."""
    document = client.world.api.document()

    post = document["paths"]["/v1/queries"]["post"]
    problem = document["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert document["openapi"] == "3.1.0"
    assert post["requestBody"]["required"]
    assert list(post["requestBody"]["content"]) == ["application/json"]
    assert post["security"] == [{"signature": []}]
    assert post["responses"]["default"]["$ref"].endswith("/DEFAULT_ERROR")
    assert list(problem) == ["application/problem+json"]
    assert "security" not in document["paths"]["/healthz"]["get"]
    lines = document["paths"]["/v1/query-batches"]["post"]["requestBody"]["content"]
    assert list(lines) == ["application/x-ndjson"]
    thing = document["components"]["schemas"]["Thing"]
    assert thing["additionalProperties"] is False
    assert thing["properties"]["count"] == {"type": "integer", "minimum": 0, "maximum": 1000}
    assert thing["properties"]["token"] == {"type": "string", "pattern": "^[A-Za-z0-9_-]{4}$"}


def test_every_registered_route_has_a_policy_or_is_open(client: EdgeClient) -> None:
    """The structure test of the real application rests on these two tables."""
    edge, rules = client.world.edge, client.world.app.url_map.iter_rules()

    without = {
        rule.endpoint
        for rule in rules
        if rule.endpoint not in edge.policies and not edge.is_open(rule.endpoint)
    }

    assert without == {"forgotten"}
