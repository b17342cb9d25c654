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
from types import MappingProxyType

import typer

from exchange_client.core.encoding import printable
from exchange_client.errors import CxError, Outage, PinMismatch, ReceiptInvalid, UsageError

DONE, REFUSED, USAGE, OUTAGE, UNVERIFIED = range(5)

EXIT_CODES = (
    "Exit codes: 0 done (read the answer: no exit code says whether a borrower is clean); "
    "1 refused, withheld or faulty; 2 usage, files, settings; 3 outage, nothing may be "
    "concluded; 4 not verified."
)

_BATCH = "bat_0192f3a0000070008000000000000001"
_DISPUTE = "dsp_0192f3a0000070008000000000000001"
_MONTHS = "jan.ndjson feb.ndjson mar.ndjson"
_GRANT = "gnt_0192f3a0000070008000000000000001"
_NOTICE = '--notice notice.json --name "Lender X" --contact "+86 10 0000 0000"'
_EVIDENCE = "--terms terms.toml --evidence form.pdf --id-file subject.txt --out consent.json"

# One of each command, shown under its help; key file and pins stand in the environment.
EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "init": "cx init lender-x --exchange cx-sandbox",
        "pin": "cx pin https://exchange.example",
        "prove": "cx key prove",
        "query": f"cx query --purpose credit_application --grant {_GRANT} --id-file subject.txt",
        "upload": "cx upload rows.ndjson --receipt rows.receipt",
        "staff": "cx staff people.txt",
        "disburse": "cx disburse --account acc-1 --id-file subject.txt",
        "register": "cx grant register consent.json --id-file subject.txt",
        "request": "cx grant request consent.json --id-file subject.txt",
        "withdraw": f"cx grant withdraw {_GRANT}",
        "pause": f"cx grant pause {_GRANT}",
        "resume": f"cx grant resume {_GRANT}",
        "make": f"cx grant make {_EVIDENCE}",
        "renew": f"cx grant renew consent.json {_EVIDENCE.replace('consent', 'next')}",
        "show": f"cx grant show {_GRANT}",
        "confirm_stop": f"cx grant confirm-stop {_GRANT}",
        "evidence": f"cx grant evidence {_GRANT} form.pdf",
        "decide": "cx grant decide consent.json --purpose credit_application",
        "list_reasons": "cx grant list-reasons",
        "list_notices": "cx grant list-notices",
        "receipts.verify": "cx receipt verify one.receipt",
        "fetch": "cx receipt fetch one.receipt",
        "check": "cx policy check policy.toml",
        "deciding.decide": "cx policy decide policy.toml one.receipt",
        "gate": "cx policy gate one.receipt --application app-1",
        "test": "cx policy test policy.toml one.receipt --old before.toml",
        "explain": f"cx policy explain policy.toml one.receipt {_NOTICE}",
        "looks.verify": "cx looks verify looks.jws",
        "show_policy": "cx log policy",
        "logs.verify": "cx log verify --policy policy.txt mirror",
        "mirror": "cx log mirror --policy policy.txt https://exchange.example/log mirror",
        "search": "cx audit search --member lender-a --outcome WITHHELD",
        "export": "cx audit export evidence",
        "auditing.verify": "cx audit verify --policy policy.txt evidence",
        "open_person": "cx audit open --id-file subject.txt --case case-7",
        "release": "cx audit release opn_0192f3a0000070008000000000000001 --case case-7",
        "flags": "cx audit flags --member lender-a",
        "lend_first": "cx audit lend-first --member lender-a",
        "canary": "cx audit canary --member lender-a --operator op-77 --late-seconds 300",
        "log": "cx audit log",
        "validate": "cx batch validate rows.ndjson",
        "faults": f"cx batch faults {_BATCH}",
        "absent": f"cx batch absent {_BATCH}",
        "state": "cx state --account acc-1 --text text.txt",
        "open_": "cx dispute open --account acc-1 --cause WRONG_AMOUNT --text text.txt",
        "list_": "cx dispute list",
        "disputing.show": f"cx dispute show {_DISPUTE}",
        "answer": f"cx dispute answer {_DISPUTE} --result ACCURATE --text text.txt",
        "close": f"cx dispute close {_DISPUTE} --agreed",
        "put": "cx record put row.json",
        "amend": "cx record amend row.json",
        "delete": "cx record delete acc-1 --reason DELETE_ERROR",
        "quality": "cx report quality",
        "consortium": "cx report consortium --out consortium.jws",
        "strata_": "cx book strata mar.ndjson --flags flags.csv",
        "roll_": "cx report roll jan.ndjson feb.ndjson mar.ndjson",
        "vintage": "cx report vintage jan.ndjson feb.ndjson mar.ndjson",
        "classes_": "cx report classes mar.ndjson",
        "provision_": "cx report provision mar.ndjson --rates rates.toml",
        "stress_": f"cx report stress {_MONTHS} --rates rates.toml --severity 0.25 --shift-days 30",
    }
)


def example_of(module: str, function: str) -> str:
    """Return the example of a command, "" where its own text holds one.

    Args:
        module: of its function.
        function: its name; with the module before it where two commands share the name.
    """
    noun = module.rpartition(".")[2]
    return EXAMPLES.get(f"{noun}.{function}") or EXAMPLES.get(function, "")


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
    told = message if message.startswith(f"{code}: ") else f"{code}: {message}"
    for line in told.splitlines():
        note(line)
