"""What the services need of the store about operators."""

from __future__ import annotations

from typing import Protocol

from exchange.domain.operators import Operator


class OperatorStatements(Protocol):
    """Statements about operators' keys."""

    def lock(self) -> None:
        """Let one change of the operators pass after the other, until this transaction ends."""
        ...

    def all(self) -> list[Operator]:
        """List every operator's keys, retired ones as well, the oldest first."""
        ...

    def add(self, operator: Operator) -> bool:
        """Enrol a key; say whether name and key were free."""
        ...

    def retire(self, name: str, now: int) -> bool:
        """Retire an operator's live key; say whether there was one."""
        ...
