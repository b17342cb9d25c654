"""Open one file of a policy and take its values strictly, each fault with its line.

Nothing here stops at a fault: it is written down, and the next thing is looked at.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from exchange_client.core.encoding import printable
from exchange_client.policy import places
from exchange_client.policy.places import line_of, lines_of
from exchange_client.policy.values import PolicyFault

T = TypeVar("T", bool, int, str)

FILE_BYTES_MAX: Final = 256 * 1024
SHOWN_CHARACTERS_MAX: Final = 80  # of a name from the file, in a message

_LINE: Final = re.compile(r"\(at line (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One file as it was read, and where everything in it stands."""

    path: Path
    digest: str  # SHA-256 of its bytes, in hex
    table: Mapping[str, object]
    lines: Mapping[places.Path, int]
    faults: list[PolicyFault] = field(repr=False)  # shared by the files of one policy

    def fault(self, at: places.Path, code: str, detail: str) -> None:
        """Write a fault down."""
        line = line_of(self.lines, at)
        self.faults.append(
            PolicyFault(file=str(self.path), line=line, code=code, detail=printable(detail))
        )

    def take(self, table: Mapping[str, object], at: places.Path, kind: type[T]) -> T | None:
        """Return a value of a table, the last part of its path; None, and a fault, if unfit."""
        value = table.get(str(at[-1]))
        if type(value) is kind:  # A bool is no integer here.
            return value
        self.fault(at, "policy.value", f"{shown(at[-1])} must be {_KINDS[kind]}")
        return None

    def tables(self, name: str) -> dict[str, dict[str, object]]:
        """Return the tables that a table of the file holds."""
        found = self.table_of(self.table, (name,))
        return {one: self.table_of(found, (name, one)) for one in found}

    def table_of(self, table: Mapping[str, object], at: places.Path) -> dict[str, object]:
        """Return a table inside of another, empty where it is absent; no table is a fault."""
        value = table.get(str(at[-1]), {})
        if isinstance(value, dict):
            return value
        self.fault(at, "policy.value", f"{shown(at[-1])} must be a table")
        return {}

    def check_names(
        self,
        table: Mapping[str, object],
        at: places.Path,
        known: Collection[str],
        needed: Collection[str] = (),
    ) -> None:
        """Fault what is unknown in a table, and what it lacks."""
        for name in table:
            if name not in known:
                named = ", ".join(sorted(known))
                self.fault((*at, name), "policy.unknown_field", f"{shown(name)}: known are {named}")
        for name in needed:
            if name not in table:
                self.fault(at, "policy.missing", f"{name} is needed here")


def open_sheet(path: Path, faults: list[PolicyFault]) -> Sheet | None:
    """Read a file; None, and a fault, where it is no TOML.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        content = stream.read(FILE_BYTES_MAX + 1)
    try:
        if len(content) > FILE_BYTES_MAX:
            raise ValueError(f"has more than {FILE_BYTES_MAX} bytes")
        text = content.decode("utf-8")
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        line = _fault_line(str(error), content)
        detail = printable(str(error) or "nested too deeply")
        faults.append(PolicyFault(file=str(path), line=line, code="policy.toml", detail=detail))
        return None
    digest = hashlib.sha256(content).hexdigest()
    return Sheet(path=path, digest=digest, table=table, lines=lines_of(text), faults=faults)


def _fault_line(message: str, content: bytes) -> int:
    """Return the line that `tomllib` names in its message; 1 where it names none."""
    if "(at end of document)" in message:
        return content.count(b"\n") + 1
    found = _LINE.search(message)
    return int(found[1]) if found else 1


def shown(name: object) -> str:
    """Write a name from the file so that a message may hold it."""
    return printable(str(name), characters_max=SHOWN_CHARACTERS_MAX)


_KINDS: Final[Mapping[type, str]] = {bool: "true or false", int: "an integer", str: "a text"}
