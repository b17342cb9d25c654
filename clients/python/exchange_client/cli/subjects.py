"""Read the identifiers of one subject from a file or stdin: never from the command line.

What stands in the arguments is seen by everyone on the machine and kept by the shell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange_client.batches.rows import subject_of
from exchange_client.errors import UsageError
from exchange_client.identifiers import Identifier

TEXT_BYTES_MAX = 4096
STAFF_BYTES_MAX = 65_536

IdFile = Annotated[
    Path,
    typer.Option(
        help="identifiers of one subject, one a line, primary first: `TYPE COUNTRY NUMBER`, "
        "such as `ric CN …`; `-` is stdin. Never give a number as an argument."
    ),
]


def read_subject(place: Path) -> tuple[Identifier, ...]:
    """Read the identifiers of one subject.

    Raises:
        UsageError: a line has another form; it is named, its content is not.
        InvalidIdentifier: a number breaks a rule of its type.
    """
    return subject_of(read_identifiers(place, TEXT_BYTES_MAX))


def read_one(place: Path) -> Identifier:
    """Read the one identifier that a grant is of; raises what `read_subject` raises."""
    identifiers = read_subject(place)
    if len(identifiers) != 1:
        raise UsageError("a grant is of one identifier")
    return identifiers[0]


def read_identifiers(place: Path, bytes_max: int) -> list[Identifier]:
    """Read identifiers, one a line; raises what `read_subject` raises."""
    lines = _text(place, bytes_max).splitlines()
    return [_identifier(n, line) for n, line in enumerate(lines, start=1) if line.strip()]


def _text(place: Path, bytes_max: int) -> str:
    if str(place) == "-":
        raw = typer.get_binary_stream("stdin").read(bytes_max + 1)
    else:
        with place.open("rb") as file:
            raw = file.read(bytes_max + 1)
    if len(raw) > bytes_max:
        raise UsageError(f"the identifiers are {bytes_max} bytes at most")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        # `from None`: the decoder's error holds the bytes.
        raise UsageError("identifiers are UTF-8 text") from None


def _identifier(number: int, line: str) -> Identifier:
    parts = line.split(maxsplit=2)
    if len(parts) != 3:
        raise UsageError(f"line {number}: must be TYPE COUNTRY NUMBER, such as `ric CN …`")
    return Identifier.parse(parts[0], parts[1], parts[2].strip())
