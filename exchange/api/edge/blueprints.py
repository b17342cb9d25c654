"""Routes with a policy, a strictly read body and a page in the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, wraps
from http import HTTPStatus
from typing import Any, NamedTuple, ParamSpec, TypeAlias, TypeVar

from flask import Blueprint, Response
from marshmallow import Schema

from exchange.api.edge.application import Answer, Application
from exchange.api.edge.document import Document, Page
from exchange.api.edge.fields import load
from exchange.api.edge.guard import Edge, current_caller
from exchange.api.edge.transport import JSON_TYPE, LINES_TYPE, Body, RoutePolicy
from exchange.domain.strict_json import DEFAULT_LIMITS, JsonLimits, loads
from exchange.errors import ExchangeError, Fault, InvalidField, TooLarge

P = ParamSpec("P")
V = TypeVar("V")
View: TypeAlias = Callable[P, Answer]
# Turns strict JSON into what a service takes, or raises ValueError; see `Routes.body`.
Reader: TypeAlias = Callable[[object], object]
# Reads the bytes of a body or a line at once, or returns None where it is in any doubt.
QuickReader: TypeAlias = Callable[[bytes], object | None]
_READ_HERE = frozenset({Body.JSON, Body.QUERY_LINES})  # bodies that `Routes` reads for the view


class Line(NamedTuple):
    """One line of a body: its exact bytes, without the line feed, and what they were read into."""

    raw: bytes
    value: object


@cache
def _instance(schema: type[Schema]) -> Schema:
    """Return the one instance of a schema: it keeps nothing of what it reads, and costs 0.3 ms."""
    return schema()


def _in_doubt(_: bytes) -> None:
    """Read no line."""


class Routes(Blueprint):
    """The routes of one noun."""

    def __init__(self, name: str, *, description: str = "") -> None:
        super().__init__(name, __name__)
        self.description = description
        self.policies: dict[str, RoutePolicy] = {}
        self.direct: dict[str, Page] = {}  # routes to POST that need no framework, by their rule
        self.pages: list[Page] = []

    def signed(
        self, method: str, rule: str, *, policy: RoutePolicy
    ) -> Callable[[View[P]], View[P]]:
        """Register a route that answers signed requests only."""

        def register(view: View[P]) -> View[P]:
            endpoint = view.__name__
            pages = view.__dict__.setdefault("_apidoc", {})
            pages.setdefault("manual_doc", {})["security"] = [{"signature": []}]
            self._add(rule, Page(endpoint, view, method))
            self.policies[endpoint] = policy
            if method == "POST" and "<" not in rule and policy.body in _READ_HERE:
                self.direct[rule] = self.pages[-1]
            return view

        return register

    def open(self, rule: str) -> Callable[[View[P]], View[P]]:
        """Register a route to GET that needs no signature; the edge must name it as well."""

        def register(view: View[P]) -> View[P]:
            self._add(rule, Page(view.__name__, view, "GET"))
            return view

        return register

    def _add(self, rule: str, page: Page) -> None:
        self.add_url_rule(rule, page.endpoint, page.view, methods=[page.method])
        self.pages.append(page)

    def body(
        self,
        schema: type[Schema],
        *,
        reader: Reader | None = None,
        quick: QuickReader = _in_doubt,
        limits: JsonLimits = DEFAULT_LIMITS,
    ) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """Read the body as strict JSON and hand it to the view as its first argument.

        Args:
            schema: documents the body, names every fault, and reads it where no reader is given.
            reader: a faster way to the same value, for hot routes. What it refuses with
                ValueError goes to the schema for its faults.
            quick: reads plain bodies by itself; every other one goes the strict way.
            limits: of the JSON, where a route takes longer texts than others.
        """
        instance = _instance(schema)

        def decorate(view: Callable[..., Answer]) -> Callable[..., Answer]:
            @wraps(view)
            def with_body(*args: object, **parts: object) -> Answer:
                raw = current_caller().body
                value = quick(raw) or _read(instance, reader, loads(raw, limits), "")
                return view(value, *args, **parts)

            return _document_body(with_body, {"schema": instance, "content_type": JSON_TYPE})

        return decorate

    def lines(
        self,
        schema: type[Schema],
        *,
        lines_max: int,
        reader: Reader | None = None,
        quick: QuickReader = _in_doubt,
    ) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """Read each line of the body as strict JSON; the view gets a list of `Line` first.

        Args:
            quick: reads plain lines by itself; every other one goes the strict way.
        """
        instance = _instance(schema)

        def decorate(view: Callable[..., Answer]) -> Callable[..., Answer]:
            @wraps(view)
            def with_lines(*args: object, **parts: object) -> Answer:
                lines = [
                    Line(raw, quick(raw) or _read_line(instance, reader, raw, at=number))
                    for number, raw in enumerate(split_lines(current_caller().body, lines_max))
                ]
                return view(lines, *args, **parts)

            return _document_body(with_lines, {"schema": instance, "content_type": LINES_TYPE})

        return decorate

    def raw(
        self, schema: type[Schema] | None, *, media: str
    ) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """Document a body that the view reads by itself, from the caller's exact bytes."""
        bare = {"type": "string", "format": "binary"}
        described: dict[str, object] = {
            "schema": _instance(schema) if schema else bare,
            "content_type": media,
        }
        return lambda view: _document_body(view, described)

    def takes(self, **arguments: str) -> Callable[[View[P]], View[P]]:
        """Document arguments behind the path, each optional, with what it does."""

        def decorate(view: View[P]) -> View[P]:
            pages = view.__dict__.setdefault("_apidoc", {}).setdefault("manual_doc", {})
            pages["parameters"] = [
                {"in": "query", "name": name, "description": does, "schema": {"type": "string"}}
                for name, does in arguments.items()
            ]
            return view

        return decorate

    def answers(
        self, status: int, schema: type[Schema] | None = None, *, media: str = JSON_TYPE
    ) -> Callable[[View[P]], View[P]]:
        """Document what a route answers when it does not refuse."""

        def decorate(view: View[P]) -> View[P]:
            content = {"schema": _instance(schema), "content_type": media} if schema else {}
            described = {
                "description": HTTPStatus(status).phrase,
                "content_type": media,
                **content,
            }
            response = view.__dict__.setdefault("_apidoc", {}).setdefault("response", {})
            response.setdefault("responses", {}).setdefault(status, []).append(described)
            return view

        return decorate


class Api:
    """The registration of routes behind the edge, and the OpenAPI document of them all."""

    def __init__(self, app: Application, edge: Edge, *, version: str) -> None:
        self._app = app
        self._edge = edge
        self._version = version
        self._registered: list[Routes] = []

    def register_blueprint(self, routes: Routes) -> None:
        """Register routes and hand their policies to the edge."""
        self._app.register_blueprint(routes)
        self._registered.append(routes)
        for endpoint, policy in routes.policies.items():
            self._edge.policies[f"{routes.name}.{endpoint}"] = policy
        for rule, page in routes.direct.items():
            policy = routes.policies[page.endpoint]
            self._app.direct["POST", rule] = self._edge.guarded(rule, policy, page.view)

    def document(self) -> dict[str, Any]:
        """Write the OpenAPI document; who asks for it pays for it, and no start of a process."""
        document = Document(self._app, self._version)
        for routes in self._registered:
            document.add(routes.name, routes.description, routes.pages)
        return document.written()


def answer(value: Mapping[str, object], status: int = 200) -> Response:
    """Return a JSON response."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Response(body, status=status, content_type=JSON_TYPE)


def split_lines(body: bytes, lines_max: int) -> list[bytes]:
    """Split a body into its lines, each ended by one LF and none of them blank.

    Raises:
        InvalidField: the last line does not end, a line is blank, or there is none.
        TooLarge: more lines than the limit.
    """
    if body.count(b"\n") > lines_max:
        raise TooLarge(f"the body may have at most {lines_max} lines")
    if not body.endswith(b"\n"):
        raise InvalidField("the body must be one line or more, each ended by LF")
    lines = body[:-1].split(b"\n")
    for number, line in enumerate(lines):
        if not line or line.isspace():
            expected = "must not be blank"
            fault = Fault(f"/{number}", InvalidField.code, expected)
            raise InvalidField(expected, faults=(fault,))
    return lines


def _read(schema: Schema, reader: Reader | None, value: object, at: str) -> object:
    if reader is None:
        return load(schema, value, at=at)
    try:
        return reader(value)
    except ValueError:
        load(schema, value, at=at)  # Names the faults.
    raise InvalidField("the body is not of the documented form", field=at.lstrip("/") or None)


def _read_line(schema: Schema, reader: Reader | None, raw: bytes, *, at: int) -> object:
    """Read one line; every fault of it says which line it is."""
    try:
        value = loads(raw)
    except ExchangeError as error:
        error.faults = tuple(
            Fault(f"/{at}{fault.pointer}", fault.code, fault.detail) for fault in error.faults
        ) or (Fault(f"/{at}", error.code, str(error)),)
        raise
    return _read(schema, reader, value, f"/{at}")


def _document_body(
    view: Callable[..., Answer], described: dict[str, object]
) -> Callable[..., Answer]:
    view.__dict__["_apidoc"] = {
        **view.__dict__.get("_apidoc", {}),
        "arguments": {"parameters": [{"in": "json", "required": True, **described}]},
    }
    return view
