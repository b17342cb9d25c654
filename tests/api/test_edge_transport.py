"""Sizes, types, methods and targets: refused before anything is verified or parsed."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from urllib.parse import unquote
from wsgiref.types import WSGIEnvironment

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app
from werkzeug.wrappers import Request

from tests.support.edge_app import VALID, private_key
from tests.support.edge_client import BASE, EdgeClient, as_member, code_of, is_signed
from tests.support.signed_requests import signed_headers


@pytest.fixture
def client() -> EdgeClient:
    """The application, fresh for each test."""
    return EdgeClient()


def run(client: EdgeClient, **changes: object) -> TestResponse:
    """Send a right request whose WSGI environment is changed; None removes an entry."""
    draft = client.draft()
    headers = signed_headers(draft, private_key(draft.keyid))
    environ = EnvironBuilder(
        "/v1/queries", method="POST", data=draft.body, headers=Headers(headers)
    ).get_environ()
    for name, value in changes.items():
        environ.pop(name, None)
        if value is not None:
            environ[name] = value
    return run_environ(client, environ)


def run_environ(client: EdgeClient, environ: WSGIEnvironment) -> TestResponse:
    """Hand the application exactly this environment; the test client would mend it."""
    body, status, headers = run_wsgi_app(client.world.app, environ)
    return TestResponse(body, status, headers, Request(environ))


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"CONTENT_LENGTH": None}, 411, "request.length"),
        ({"CONTENT_LENGTH": None, "HTTP_TRANSFER_ENCODING": "chunked"}, 411, "request.length"),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411, "request.length"),
        ({"CONTENT_LENGTH": "+4"}, 400, "request.form"),
        ({"CONTENT_LENGTH": "-1"}, 400, "request.form"),
        ({"CONTENT_LENGTH": "4 "}, 400, "request.form"),
        ({"CONTENT_LENGTH": "\u0664"}, 400, "request.form"),
        ({"CONTENT_LENGTH": "1" * 13}, 400, "request.form"),
        ({"CONTENT_LENGTH": "4,4"}, 400, "request.duplicate_header"),
        ({"CONTENT_LENGTH": str(64 * 1024 + 1)}, 413, "request.too_large"),
        ({"CONTENT_TYPE": None}, 415, "request.media_type"),
        ({"CONTENT_TYPE": "application/json,application/json"}, 400, "request.duplicate_header"),
        ({"CONTENT_TYPE": "application/json; charset=utf-8"}, 415, "request.media_type"),
        ({"CONTENT_TYPE": "application/evil+json"}, 415, "request.media_type"),
        ({"CONTENT_TYPE": "Application/JSON"}, 415, "request.media_type"),
        ({"CONTENT_TYPE": "text/plain"}, 415, "request.media_type"),
        ({"CONTENT_TYPE": "application/x-ndjson"}, 415, "request.media_type"),
        ({"HTTP_CONTENT_ENCODING": "gzip"}, 415, "request.media_type"),
        ({"HTTP_CONTENT_ENCODING": "gzip, gzip"}, 415, "request.media_type"),
        ({"HTTP_CONTENT_ENCODING": "identity"}, 415, "request.media_type"),
        ({"RAW_URI": "http://elsewhere.example/v1/queries"}, 400, "request.form"),
        ({"RAW_URI": "//v1/queries"}, 400, "request.form"),
        ({"RAW_URI": "/v1/queries#x"}, 400, "request.form"),
        ({"RAW_URI": "/v1/queries x"}, 400, "request.form"),
        ({"RAW_URI": "/v1/quer\u00edes"}, 400, "request.form"),
        ({"RAW_URI": "*", "REQUEST_URI": None}, 400, "request.form"),
        ({"REQUEST_METHOD": "post"}, 405, "request.method"),
        ({"REQUEST_METHOD": "TRACE"}, 405, "request.method"),
        ({"REQUEST_METHOD": "OPTIONS"}, 405, "request.method"),
        ({"REQUEST_METHOD": "PATCH"}, 405, "request.method"),
        ({"REQUEST_METHOD": "QUERY"}, 405, "request.method"),
    ],
    ids=str,
)
def test_a_request_of_another_shape_is_refused(
    client: EdgeClient, changes: dict[str, object], status: int, code: str
) -> None:
    """The framework would read most of these as something else than was signed."""
    response = run(client, **changes)

    assert (status, code) == (response.status_code, code_of(response))
    assert client.world.effects == []
    assert client.world.nonces.spent == set()


def test_the_host_header_is_never_read(client: EdgeClient) -> None:
    """Whoever sits between can set it; the target is what the consortium configured."""
    assert run(client, HTTP_HOST="evil.example").status_code == 200


def test_a8_an_underscore_header_is_no_header_of_ours(client: EdgeClient) -> None:
    """A proxy that joins both spellings must not smuggle an identity in."""
    response = client.send(client.draft(), X_Member_Id="member-b", X_Forwarded_User="root")

    assert response.status_code == 200
    assert client.world.effects == ["member-a"]


def test_a_body_of_the_limit_is_taken_and_no_byte_more(client: EdgeClient) -> None:
    """64 KiB of JSON pass, and 64 KiB and one byte do not."""
    fits = json.dumps(VALID).encode().ljust(64 * 1024)

    assert client.ask(body=fits).status_code == 200
    assert client.ask(body=fits + b" ").status_code == 413


def test_each_route_has_its_own_limit_and_type(client: EdgeClient) -> None:
    """A file may be long where files are taken, and nowhere else."""
    lines = replace(
        client.draft(path="/v1/batches", body=b"x" * 8192), content_type="application/x-ndjson"
    )

    assert client.send(lines).status_code == 200
    assert client.send(replace(lines, body=b"x" * 8193)).status_code == 413
    assert client.send(replace(lines, content_type="application/json")).status_code == 415
    assert (
        client.send(replace(lines, content_type="application/cx-batch+ndjson")).status_code == 415
    )


def test_a_refused_shape_is_signed_where_its_sender_is_known(client: EdgeClient) -> None:
    """A member whose file is too long must be able to trust that this is the reason."""
    too_long = client.ask(body=b"x" * 70_000)
    wrong_type = client.send(replace(client.draft(), content_type="text/plain"))
    stranger = client.send(as_member(client.draft(body=b"x" * 70_000), "suspended/k1"))

    assert (413, 415, 413) == (
        too_long.status_code,
        wrong_type.status_code,
        stranger.status_code,
    )
    assert is_signed(too_long)
    assert is_signed(wrong_type)
    assert not is_signed(stranger)


def test_a_body_where_none_is_taken_is_refused(client: EdgeClient) -> None:
    """What nobody reads must not be sent: it could hide a second request."""
    draft = replace(client.draft("DELETE", "/v1/things/x", b"{}"), content_type="application/json")

    response = client.send(draft)

    assert (400, "request.transport") == (response.status_code, code_of(response))


def test_a_body_shorter_than_announced_is_refused(client: EdgeClient) -> None:
    """A cut line must never be taken for a shorter message."""
    response = run(client, **{"wsgi.input": io.BytesIO(b'{"count"')})

    assert (400, "request.form") == (response.status_code, code_of(response))


def test_a_body_that_arrives_in_pieces_is_read_whole(client: EdgeClient) -> None:
    """A slow line delivers a message in parts."""

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(7, size or 7))

    assert run(client, **{"wsgi.input": Slow(client.draft().body)}).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/v1//queries", "/v1/./queries", "/v1/%2e%2e/v1/queries", "/v1/queries%00"],
)
def test_a13_other_spellings_of_a_path_are_absent_and_never_redirected(
    client: EdgeClient, path: str
) -> None:
    """A redirect would send a signed request somewhere it was not signed for."""
    environ = EnvironBuilder(base_url=BASE).get_environ()

    response = run_environ(client, environ | {"PATH_INFO": unquote(path), "RAW_URI": path})

    assert response.status_code == 404
    assert "Location" not in response.headers


def test_head_is_for_open_routes_alone(client: EdgeClient) -> None:
    """A probe may use it; a signed route answers what was asked and nothing less."""
    assert client.world.app.test_client().head("/healthz").status_code == 200

    response = client.ask("HEAD", "/v1/faults/absent")

    assert response.status_code == 405


def test_no_route_redirects_for_a_slash(client: EdgeClient) -> None:
    """The request that arrives is the one that was signed."""
    response = client.ask(path="/v1/queries/")

    assert response.status_code in (200, 404)
    assert "Location" not in response.headers
