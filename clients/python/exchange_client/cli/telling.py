"""What a command says, and the number it leaves with.

    0  done: read the answer, for no exit code says whether a borrower is clean
    1  refused by the exchange, withheld, or faulty rows or identifiers
    2  the command, a file or a setting is wrong
    3  no answer was had: try again; nothing may be concluded
    4  not verified: a receipt, a proof or a description does not prove what it claims

Nothing here holds a value of a subject.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer

from exchange_client.core.encoding import printable
from exchange_client.errors import CxError, Outage, PinMismatch, ReceiptInvalid, UsageError

DONE, REFUSED, USAGE, OUTAGE, UNVERIFIED = range(5)

EXIT_CODES = (
    "Exit codes: 0 done (read the answer: no exit code says whether a borrower is clean); "
    "1 refused, withheld or faulty; 2 usage, files, settings; 3 outage, nothing may be "
    "concluded; 4 not verified."
)


def tell(value: Mapping[str, object], text: str, *, as_json: bool) -> None:
    """Print a result: for a program or for a person."""
    if as_json:
        typer.echo(json.dumps(value))  # ASCII: nothing in it moves a terminal's cursor
        return
    for line in text.splitlines():
        typer.echo(printable(line, characters_max=4000))


def note(text: str) -> None:
    """Say something to a person beside the result."""
    typer.echo(printable(text), err=True)


def exit_code(error: CxError) -> int:
    """Return the number that a command leaves with on this error."""
    if isinstance(error, UsageError):
        return USAGE
    if isinstance(error, Outage):
        return OUTAGE
    if isinstance(error, ReceiptInvalid | PinMismatch):
        return UNVERIFIED
    return REFUSED


@contextmanager
def faults(*, as_json: bool) -> Iterator[None]:
    """Tell an error of the SDK, or of a file, and leave with its number."""
    try:
        yield
    except CxError as error:
        _tell_error(error.code, str(error), as_json=as_json)
        raise typer.Exit(exit_code(error)) from error
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else "a file"
        _tell_error("usage.file", f"{name}: {error.strerror}", as_json=as_json)
        raise typer.Exit(USAGE) from error


def _tell_error(code: str, message: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"error": code, "message": message}))
        return
    for line in f"{code}: {message}".splitlines():
        note(line)
