"""The regulator's interface, `/audit/v1`."""

from exchange.api.audit.routes import audit_routes

__all__ = ["audit_routes"]
