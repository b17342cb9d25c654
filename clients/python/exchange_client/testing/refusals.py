"""What the fake answers, and how it refuses: the codes and statuses of the real exchange."""

from __future__ import annotations

from dataclasses import dataclass, field

from exchange_client.core.calls import JSON_TYPE
from exchange_client.core.encoding import dumps

PROBLEM_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a route answers; the front signs it."""

    body: bytes
    content_type: str = JSON_TYPE
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The fake refuses a request."""

    def __init__(
        self,
        status: int,
        code: str,
        *,
        pointer: str = "",
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status  # HTTP
        self.code = code
        self.pointer = pointer  # JSON pointer, "" for the whole
        self.retry_after_seconds = retry_after_seconds

    def answered(self) -> Answered:
        """Return the problem document (RFC 9457)."""
        fault = {"pointer": self.pointer, "code": self.code, "detail": "see the code"}
        document: dict[str, object] = {
            "type": f"https://exchange.test/docs/errors#{self.code}",
            "title": f"The fake exchange refused the request ({self.code})",
            "status": self.status,
            "code": self.code,
            "request_id": "req-fake",
            "retryable": self.status in (429, 503),
            "errors": [fault] if self.pointer else [],
        }
        seconds = self.retry_after_seconds
        return Answered(
            body=dumps(document),
            content_type=PROBLEM_TYPE,
            status=self.status,
            headers={} if seconds is None else {"Retry-After": str(seconds)},
        )
