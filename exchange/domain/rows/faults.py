"""What can be wrong with a row: a field and a code, never a value, never another member's data."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

FAULTS_A_ROW_MAX = 8
LIVE_ACCOUNTS_MAX = 20  # of one subject with one member; more: plaus.token_on_many_accounts


class Severity(StrEnum):
    """A rejected row is not stored; a warning is stored with the row."""

    REJECT = "REJECT"
    WARN = "WARN"


class Flaw(NamedTuple):
    """A field of a row, and the code of the rule that it breaks."""

    field: str
    code: str

    @property
    def severity(self) -> Severity:
        """Tell whether the row is refused."""
        warns = self.code.startswith("plaus.") or self.code == "row.superseded"
        return Severity.WARN if warns else Severity.REJECT


class RowFault(NamedTuple):
    """A flaw and the line of the file it stands in, the header being line 1."""

    line: int
    field: str
    code: str
    severity: Severity


def rejects(flaws: list[Flaw]) -> bool:
    """Tell whether these flaws keep a row from being stored."""
    return any(flaw.severity is Severity.REJECT for flaw in flaws)


def row_faults(line: int, flaws: list[Flaw]) -> list[RowFault]:
    """Give flaws their line: refusals first, at most 8."""
    ordered = sorted(flaws, key=lambda flaw: flaw.severity is Severity.WARN)
    return [
        RowFault(line, flaw.field, flaw.code, flaw.severity) for flaw in ordered[:FAULTS_A_ROW_MAX]
    ]
