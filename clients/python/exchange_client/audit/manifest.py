"""The manifest of an export: a note under the exchange's statement key that lists every file.

credit-exchange/export/v1
origin exchange.example/access/2026
range 0 5
size 5
root BOTUXH6/j7BteIv2cgNX1PDJouAbLI4AP69YZj2C1Bw=
file 1740613f… checkpoint
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from exchange_client.errors import LogInvalid
from exchange_client.log.policy import Policy
from exchange_client.notes import open_statement, read_base64, read_number

_LABEL = "credit-exchange/export/v1"
_FILE = re.compile(r"file ([0-9a-f]{64}) ([a-z0-9]+(?:[./][a-z0-9]+)*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an export says of itself."""

    origin: str
    first: int
    end: int  # the first index that is not in it
    size: int  # of the tree
    root: bytes  # 32 bytes
    files: Mapping[str, str]  # SHA-256 in hex, by path


def read_manifest(note: bytes, policy: Policy) -> Manifest:
    """Verify and read a manifest.

    Raises:
        InclusionInvalid: no pinned statement key has signed it.
        LogInvalid: it is not in the form of one.
    """
    text = open_statement(note, policy.statement_keys)
    match text.split("\n"):
        case [label, origin, reach, size, root, *files, ""] if label == _LABEL:
            first, _, end = _after("range", reach).partition(" ")
            read = Manifest(
                origin=_after("origin", origin),
                first=read_number(first),
                end=read_number(end),
                size=read_number(_after("size", size)),
                root=read_base64(_after("root", root)),
                files=_files(files),
            )
            if read.first < read.end <= read.size:
                return read
    raise LogInvalid("(1) the statement is no manifest of an export")


def _after(label: str, line: str) -> str:
    if not line.startswith(f"{label} "):
        raise LogInvalid(f"(1) the manifest has no {label}")
    return line[len(label) + 1 :]


def _files(lines: list[str]) -> dict[str, str]:
    """Read the list of files; a path has no way out of its folder."""
    listed = {}
    for line in lines:
        found = _FILE.fullmatch(line)
        if found is None or found[2] in listed:
            raise LogInvalid("(1) a line of the manifest names no file, or one twice")
        listed[found[2]] = found[1]
    return listed
