"""Options that several commands share, and how a command takes them.

A command takes groups: frozen dataclasses whose fields are options. `add` unfolds them for
typer, and turns every error of the SDK into its exit code. Only these options read the
environment; the SDK itself never does.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, get_type_hints

import httpx2
import typer

from exchange_client.cli.telling import EXIT_CODES, example_of, faults
from exchange_client.client import Exchange
from exchange_client.core.setup import Settings
from exchange_client.errors import UsageError
from exchange_client.keys import is_wrapped
from exchange_client.pins import Pins

PINS_FILE = Path("exchange.pins.json")
CHECKPOINTS_SUFFIX = ".checkpoints"  # beside the pins: what log this member was shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the program meets outside of itself; tests hand in their own."""

    transport: httpx2.BaseTransport | None = None
    clock: Callable[[], int] = lambda: int(time.time())


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How a command tells its result, and what it meets outside."""

    context: typer.Context
    as_json: Annotated[
        bool, typer.Option("--json", help="one JSON object on stdout, errors as well")
    ] = False

    @property
    def outside(self) -> Outside:
        """What the program was started with."""
        found = self.context.obj
        return found if isinstance(found, Outside) else Outside()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """Which exchange is meant."""

    pins: Annotated[Path, typer.Option(envvar="CX_PINS", help="what is pinned of the exchange")] = (
        PINS_FILE
    )

    def load(self) -> Pins:
        """Read the pins."""
        return Pins.load(self.pins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """Who asks."""

    key_file: Annotated[Path, typer.Option(envvar="CX_KEY_FILE", help="the member's key file")]
    operator: Annotated[
        str, typer.Option(help="your own pseudonym of the person or program that asks")
    ] = "unattended"


def open_exchange(telling: Telling, pinned: Pinned, keyed: Keyed) -> Exchange:
    """Open the SDK; a sealed key file asks for its passphrase on the terminal."""
    outside = telling.outside
    settings: Settings = {
        "operator": keyed.operator,
        "clock": outside.clock,
        "checkpoints": pinned.pins.with_name(pinned.pins.name + CHECKPOINTS_SUFFIX),
    }
    if is_wrapped(keyed.key_file):
        settings["passphrase"] = ask_passphrase(confirm=False)
    return Exchange(keyed.key_file, pinned.load(), transport=outside.transport, **settings)


def ask_passphrase(*, confirm: bool) -> str:
    """Ask for a passphrase without showing it.

    Raises:
        UsageError: there is no terminal to ask on, or nothing was typed.
    """
    try:
        typed = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    except typer.Abort as error:
        raise UsageError("the passphrase is asked for on a terminal") from error
    return str(typed)


def add(app: typer.Typer, name: str, function: Callable[..., None]) -> None:
    """Add a command to a program, its groups unfolded into options."""
    hints = get_type_hints(function, include_extras=True)
    groups = {
        name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)
    }

    def run(**given: object) -> None:
        taken = {
            name: group(**{one.name: given.pop(one.name) for one in fields(group)})
            for name, group in groups.items()
        }
        with faults(as_json=any(isinstance(t, Telling) and t.as_json for t in taken.values())):
            function(**taken, **given)

    parameters = _unfold(function, hints)
    example = example_of(function.__module__, function.__name__)
    run.__doc__ = inspect.cleandoc(function.__doc__ or "")
    if example:
        run.__doc__ += f"\n\nExample: {example}"
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    vars(run)["__signature__"] = inspect.Signature(parameters)
    app.command(name, epilog=EXIT_CODES)(run)


def _unfold(function: Callable[..., None], hints: dict[str, object]) -> list[inspect.Parameter]:
    """Return the parameters of a command, each field of a group as one of its own."""
    unfolded = []
    for name, parameter in inspect.signature(function).parameters.items():
        group = hints[name]
        if not (isinstance(group, type) and is_dataclass(group)):
            unfolded.append(_option(name, group, parameter.default))
            continue
        of_group = get_type_hints(group, include_extras=True)
        for one in fields(group):
            default = inspect.Parameter.empty if one.default is MISSING else one.default
            unfolded.append(_option(one.name, of_group[one.name], default))
    return unfolded


def _option(name: str, annotation: object, default: object) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )
