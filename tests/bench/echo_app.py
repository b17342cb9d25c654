"""The yardstick: a bare flask-smorest application that answers with a body of the same size."""

from __future__ import annotations

from flask import Flask, Response
from flask_smorest import Api, Blueprint  # type: ignore[import-untyped]  # it ships no types
from marshmallow import Schema, fields

ANSWER_BYTES = 2_972  # of a query's answer


class EchoSchema(Schema):
    """One text."""

    text = fields.String(required=True)


def create_app() -> Flask:
    """Build the echo."""
    app = Flask("echo")
    app.config.update(API_TITLE="echo", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    routes = Blueprint("echo", __name__)
    body = b'{"text":"' + b"x" * (ANSWER_BYTES - 11) + b'"}'

    def echo(given: dict[str, str]) -> Response:
        return Response(body, content_type="application/json")

    routes.route("/echo", methods=["POST"])(routes.arguments(EchoSchema)(echo))

    Api(app).register_blueprint(routes)
    return app
