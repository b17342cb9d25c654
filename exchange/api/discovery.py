"""Discovery: the signed description that members pin, open to anyone."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import StrictSchema
from exchange.services.describe_exchange import describe_exchange
from exchange.services.ports import Ports


class DescriptionSchema(StrictSchema):
    """The signed description."""

    description = fields.String(
        required=True, metadata={"description": "compact JWS, typ cx-description+jwt"}
    )


def discovery_routes(ports: Ports, limits: Mapping[str, int]) -> Routes:
    """Build the one open route of the API."""
    routes = Routes("discovery", description="What a member pins.")

    @routes.open("/.well-known/cx-exchange")
    @routes.answers(200, DescriptionSchema)
    def describe() -> Response:
        """Describe this exchange: names, keys, epochs, log, limits."""
        return answer({"description": describe_exchange(ports, limits)})

    return routes
