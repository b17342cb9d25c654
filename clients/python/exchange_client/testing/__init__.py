"""For lenders' own tests: an exchange inside the process, and documented synthetic borrowers."""

from __future__ import annotations

from exchange_client.testing.fake import FakeExchange
from exchange_client.testing.personas import Persona

__all__ = ["FakeExchange", "Persona"]
