"""Write the OpenAPI document of all routes.

The one place that touches flask-smorest, which has no types: it documents, and does nothing else.
Its own routing, parsing, error shape and pagination are not used; see ecosystem.md, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, NamedTuple

import flask_smorest  # type: ignore[import-untyped]  # it ships no types
from flask import Flask
from flask_smorest.utils import prepare_response  # type: ignore[import-untyped]  # the same
from marshmallow import Schema, fields

from exchange.api.edge.application import Answer
from exchange.api.edge.fields import ByteText
from exchange.api.edge.problems import PROBLEM_TYPE


class FaultSchema(Schema):
    """One refused field."""

    pointer = fields.String(required=True, metadata={"description": "JSON pointer"})
    code = fields.String(required=True)
    detail = fields.String(required=True)


class ProblemSchema(Schema):
    """A problem document (RFC 9457). No value of the request is ever repeated in it."""

    type = fields.URL(required=True, metadata={"description": "page of this error"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "stable"})
    detail = fields.String()
    request_id = fields.String(required=True)
    retryable = fields.Boolean(required=True)
    errors = fields.List(fields.Nested(FaultSchema))


class Page(NamedTuple):
    """One route of the document; what is said about it, its view carries."""

    endpoint: str
    view: Callable[..., Answer]
    method: str


class Document(flask_smorest.Api):  # type: ignore[misc]  # untyped base
    """The OpenAPI document while it is written."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask, version: str) -> None:
        super().__init__(
            app,
            spec_kwargs={
                "title": "Shared overdue-credit exchange",
                "version": version,
                "openapi_version": "3.1.0",
            },
        )
        self.register_field(ByteText, "string", None)
        self.spec.components.security_scheme(
            "signature",
            {
                "type": "http",
                "scheme": "signature",
                "description": "RFC 9421 with tag cx-1-request",
            },
        )

    def add(self, name: str, description: str, pages: Iterable[Page]) -> None:
        """Describe the routes of one noun."""
        noun = flask_smorest.Blueprint(name, __name__)
        for page in pages:
            noun._store_endpoint_docs(page.endpoint, page.view, None, None, methods=[page.method])
        noun.register_views_in_doc(self, self._app, self.spec, name=name, parameters=None)
        self.spec.tag({"name": name, "description": description})

    def written(self) -> dict[str, Any]:
        """Return the document as it is served."""
        written: dict[str, Any] = self.spec.to_dict()
        return written

    def _register_error_handlers(self) -> None:
        """Leave every error to the edge."""

    def _register_responses(self) -> None:
        for status in HTTPStatus:
            self._register_response(status.name, status.phrase)
        self._register_response(self.DEFAULT_ERROR_RESPONSE_NAME, "Refused")

    def _register_response(self, name: str, description: str) -> None:
        response = {"description": description, "schema": self.ERROR_SCHEMA}
        prepare_response(response, self.spec, PROBLEM_TYPE)
        self.spec.components.response(name, response, lazy=True)
