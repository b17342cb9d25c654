"""One index of an export, as it was opened or accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exchange_client.core.encoding import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLeaf:
    """One index of an export."""

    index: int
    subject: Mapping[str, JSON] | None  # payloads; None: closed
    audit: Mapping[str, JSON] | None
    erased_by: int | None = None  # index of the erasure that closed it

    @property
    def kind(self) -> str:
        """What it is about; empty where it is closed."""
        return "" if self.subject is None else str(self.subject.get("kind", ""))

    def said(self, name: str) -> JSON:
        """Return what either payload says under this name."""
        for slot in (self.subject, self.audit):
            if slot is not None and name in slot:
                return slot[name]
        return None
