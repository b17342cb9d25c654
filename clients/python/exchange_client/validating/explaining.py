"""Say what each row code asks, where it comes from, and whom it protects.

The catalogue is the exchange's own (codes.json), so that a fault reads the same before the file is
sent and after.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
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
    told = _catalogue()
    return {code: told[code] for code in sorted(set(codes) & told.keys())}


def rule_of(code: str) -> str:
    """Return what a code asks of a row; "" for a code that is not of a row."""
    told = _catalogue().get(code)
    return told.rule if told else ""


@cache
def _catalogue() -> Mapping[str, RowCode]:
    told = json.loads((files(__package__) / "codes.json").read_text(encoding="utf-8"))
    return {code: RowCode(**one | {"fields": tuple(one["fields"])}) for code, one in told.items()}
