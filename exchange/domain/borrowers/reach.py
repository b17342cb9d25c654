"""Reach: how far a passkey opens its subject's file.

Vouched for by one member: that member's grants, looks and records. Vouched for by a second one
too, or confirmed by the operator's proofing: the whole file. Source: consent.md, 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

OPERATOR = ""  # the voucher that stands for the operator's proofing of a person
_VOUCHERS_FOR_ALL = 2
EVERYBODY: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a passkey opens under one of its subject's tokens."""

    token_index: bytes
    vouchers: frozenset[str]  # members, and OPERATOR

    @property
    def whole(self) -> bool:
        """Tell whether it opens the whole file."""
        return OPERATOR in self.vouchers or len(self.vouchers) >= _VOUCHERS_FOR_ALL

    @property
    def members(self) -> tuple[str | None, ...]:
        """Whose entries it opens; EVERYBODY alone where it opens all."""
        return (EVERYBODY,) if self.whole else tuple(sorted(self.vouchers))

    def covers(self, member: str) -> bool:
        """Tell whether it opens what this member did."""
        return self.whole or member in self.vouchers


def reach_of(vouched: Iterable[tuple[bytes, str]]) -> list[Reach]:
    """Gather (token index, voucher) into what they open together."""
    by_index: dict[bytes, set[str]] = {}
    for token_index, voucher in vouched:
        by_index.setdefault(token_index, set()).add(voucher)
    return [
        Reach(token_index=token_index, vouchers=frozenset(vouchers))
        for token_index, vouchers in by_index.items()
    ]
