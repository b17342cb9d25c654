"""How the fake refuses: the codes and statuses of the real exchange."""

from __future__ import annotations

from dataclasses import dataclass

from exchange_client.core.encoding import dumps

PROBLEM_TYPE = "application/problem+json"


@dataclass(slots=True)
class Refusal(Exception):
    """The fake refuses a request."""

    status: int  # HTTP
    code: str
    field: str = ""  # JSON pointer, "" for the whole
    retry_after_seconds: int | None = None

    def document(self) -> bytes:
        """Write the problem document (RFC 9457)."""
        faults = [{"pointer": self.field, "code": self.code, "detail": "see code"}]
        return dumps(
            {
                "type": f"https://exchange.test/docs/errors#{self.code}",
                "title": f"The fake exchange refused the request ({self.code})",
                "status": self.status,
                "code": self.code,
                "request_id": "req-fake",
                "retryable": self.status in (429, 503),
                "errors": faults if self.field else [],
            }
        )
