"""How balances moved between two snapshots: roll rates.

    moved[i][j] = balance then of accounts in state i then and in j now

What was not told again since is in X with its last balance. A sold debt is in the state of its
sale at first and gone afterwards. Source: records.md, 15.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from exchange.domain.records import TERMINAL, RecordPayload
from exchange.domain.reports.classes import STATES, UNREPORTED, state
from exchange.domain.reports.suppression import TOTAL, Crowd, withheld
from exchange.domain.reports.tables import Figure


@dataclass(slots=True)
class Rolls:
    """The moves, while they are counted."""

    moved: list[list[int]] = field(default_factory=lambda: [[0] * len(STATES) for _ in STATES])
    crowds: dict[tuple[str, str], Crowd] = field(default_factory=dict)
    opened_minor: int = 0  # of accounts that the earlier snapshot did not know

    def add_new(self, now: RecordPayload) -> None:
        """Count an account that was not known then."""
        self.opened_minor += now.balance_minor

    def add(
        self, subject: int, member: str, moved: tuple[RecordPayload, RecordPayload], told: Told
    ) -> None:
        """Count an account's move.

        Args:
            moved: what was known of it then, and what is now.
            told: whether it had been told anew before each of the two.
        """
        then, now = moved
        if then.status in TERMINAL:
            return
        before = state(then) if told.then else UNREPORTED
        after = state(now) if told.now else UNREPORTED
        self.moved[before][after] += then.balance_minor
        crowd = self.crowds.setdefault((STATES[before], STATES[after]), Crowd())
        crowd.add(subject, member, then.balance_minor)

    def shown(self) -> dict[str, Figure]:
        """Write it whole."""
        return {"moved_minor": [list(row) for row in self.moved], "opened_minor": self.opened_minor}

    def shown_outward(self, *, whole: bool) -> dict[str, Figure]:
        """Write what may leave, null where it is withheld.

        A row's sum is a figure as well: where it is withheld the whole row is, or its cells would
        add up to it.
        """
        hidden = withheld(STATES, STATES, self.crowds)
        moved: list[Figure] = []
        for before, row in zip(STATES, self.moved, strict=True):
            shut = not whole or (before, TOTAL) in hidden
            moved.append(
                [
                    None if shut or (before, after) in hidden else minor
                    for after, minor in zip(STATES, row, strict=True)
                ]
            )
        return {"moved_minor": moved}


@dataclass(frozen=True, slots=True)
class Told:
    """Whether an account had been told anew before the earlier and before the later snapshot."""

    then: bool
    now: bool
