"""Draw tables: as text with shades for a terminal, and as a page of HTML by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from typing import Final

from rich.cells import cell_len

WITHHELD: Final = "*"
NOTHING: Final = "-"
SHADES: Final = " ░▒▓█"
BAR_WIDTH: Final = 24
_STYLE: Final = (
    "body{font:14px/1.4 sans-serif;margin:2em;max-width:80em}"
    "table{border-collapse:collapse;margin:0 0 2em}caption{text-align:left;font-weight:bold}"
    "td,th{padding:.2em .5em;text-align:right;border:1px solid #ddd;white-space:nowrap}"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """One cell: its text, and how strongly it is shaded, 0 to 1."""

    text: str
    heat: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One table as people read it."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Mark]]

    def as_text(self) -> str:
        """Draw it for a terminal: columns in line, the shade after each figure."""
        lines = [list(self.head), *([_shaded(mark) for mark in row] for row in self.rows)]
        widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
        drawn = []
        for first, *others in lines:
            named = first + " " * (widths[0] - cell_len(first))
            cells = zip(others, widths[1:], strict=True)
            drawn.append("  ".join([named, *(_right(one, width) for one, width in cells)]))
        return "\n".join([self.caption, *(f"  {line}".rstrip() for line in drawn)])

    def as_html(self) -> str:
        """Draw it as one element of a page."""
        head = "".join(f"<th>{escape(one)}</th>" for one in self.head)
        rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in self.rows)
        return f"<table><caption>{escape(self.caption)}</caption><tr>{head}</tr>{rows}</table>"


def page(title: str, notes: Iterable[str], grids: Iterable[Grid]) -> str:
    """Write a page: no script, and nothing from elsewhere."""
    body = "".join(f"<p>{escape(note)}</p>" for note in notes)
    tables = "".join(grid.as_html() for grid in grids)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{body}{tables}</html>\n"
    )


def amount(value: int | None) -> str:
    """Write minor units."""
    return WITHHELD if value is None else f"{value:,}"


def percent(share: Fraction | None, *, withheld: bool = False) -> str:
    """Write a share in per cent, two decimals."""
    if share is None:
        return WITHHELD if withheld else NOTHING
    return f"{round(share * 10_000) / 100:.2f}%"


def shaded(share: Fraction | None, *, withheld: bool = False) -> Mark:
    """Write a share, shaded by itself; where there is none, little."""
    if share == 0:
        return Mark(".")
    return Mark(percent(share, withheld=withheld), None if share is None else float(share))


def bar(share: Fraction | None) -> str:
    """Draw a share as a bar."""
    return "█" * round(BAR_WIDTH * (share or 0))


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text


def _shaded(mark: Mark) -> str:
    if mark.heat is None:
        return mark.text
    # What is above nothing shows, however little it is.
    shade = min(len(SHADES) - 1, int(mark.heat * len(SHADES)) or (mark.heat > 0))
    return f"{mark.text} {SHADES[shade]}"


def _cell(mark: Mark) -> str:
    if not mark.heat:
        return f"<td>{escape(mark.text)}</td>"
    return (
        f'<td style="background:rgba(200,60,40,{min(1.0, mark.heat):.2f})">{escape(mark.text)}</td>'
    )
