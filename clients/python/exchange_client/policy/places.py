"""Find the line on which each key of a TOML file stands, so that a fault can name it.

In:  a text that `tomllib` has read: it is valid, so a scan need not judge it.
Out: the line of each key, table and list item, by its path such as ("rule", 0, "when").
`tomllib` says what stands in a file and not where. A property holds both to the same paths.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY: Final = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_DOT: Final = re.compile(r"[ \t]*\.[ \t]*")
_EQUALS: Final = re.compile(r"[ \t]*=[ \t]*")
# The end of a multi-line text may have up to two quotes of the text before it.
_SCALAR: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'"
    r"|[^,\]}#\n]+",
    re.DOTALL,
)


def lines_of(text: str) -> Mapping[Path, int]:
    """Return the line, from 1, of everything in a valid TOML text."""
    scan = _Scan(text)
    scan.run()
    return scan.lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of a path, or of the nearest thing above it; 1 for the whole file."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scan:
    """One pass over a text, key by key."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._tables: dict[Path, int] = {}  # how many [[tables]] stand under a path so far

    def run(self) -> None:
        table: Path = ()
        while self._peek():
            if self._takes("["):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        listed = self._takes("[")
        start, parts = self._at, self._key()
        for _ in range(1 + listed):
            self._peek()
            self._at += 1  # each closing bracket
        path: Path = ()
        for place, part in enumerate(parts):
            path = self._mark((*path, part), start)
            if listed and place == len(parts) - 1:
                self._tables[path] = self._tables.get(path, 0) + 1
            if path in self._tables:
                path = self._mark((*path, self._tables[path] - 1), start)
        return path

    def _pair(self, table: Path) -> None:
        start, path = self._at, table
        for part in self._key():
            path = self._mark((*path, part), start)
        self._skip(_EQUALS)
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._takes("["):
            number = 0
            while self._peek() != "]":
                self._value(self._mark((*path, number), self._at))
                number += 1
                self._end_item()
            self._at += 1
        elif self._takes("{"):
            while self._peek() != "}":
                self._pair(path)
                self._end_item()
            self._at += 1
        else:
            self._skip(_SCALAR)

    def _end_item(self) -> None:
        self._peek()
        self._takes(",")

    def _key(self) -> list[str]:
        self._peek()
        parts = [self._part()]
        while _DOT.match(self._text, self._at):
            self._skip(_DOT)
            parts.append(self._part())
        return parts

    def _part(self) -> str:
        written = self._skip(_KEY)
        if written[0] not in "\"'":
            return written
        return str(tomllib.loads(f"key = {written}")["key"])

    def _peek(self) -> str:
        """Skip blanks and comments; return the next character, "" at the end."""
        self._skip(_BLANK)
        return self._text[self._at : self._at + 1]

    def _takes(self, mark: str) -> bool:
        found = self._text.startswith(mark, self._at)
        self._at += found
        return found

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise AssertionError("the text was not valid")
        self._at = found.end()
        return found[0]

    def _mark(self, path: Path, at: int) -> Path:
        self.lines.setdefault(path, bisect_right(self._starts, at))
        return path
