"""Say what each row code asks, where it comes from, and whom it protects.

The catalogue is the exchange's own (codes.json), so that a fault reads the same before the file is
sent and after.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCode:
    """One code that a row may be refused or warned with."""

    fields: tuple[str, ...]  # that it may name; "" is the row as a whole, `*` any field
    rule: str
    source: str  # the law or the page of the design
    harm: str  # what happens to somebody if a row that breaks the rule counts
    innocent: str  # how an honest export comes to break it


def explained(codes: Iterable[str]) -> dict[str, RowCode]:
    """Return what the catalogue says of these codes; one that it does not know is left out."""
    told = json.loads((files(__package__) / "codes.json").read_text(encoding="utf-8"))
    return {
        code: RowCode(**told[code] | {"fields": tuple(told[code]["fields"])})
        for code in sorted(set(codes) & told.keys())
    }
