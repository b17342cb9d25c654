"""`exchange config …` and `exchange keys …`: what this exchange goes by and signs with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from exchange.settings import Settings

config = typer.Typer(no_args_is_help=True, help="Look at the settings.")
keys = typer.Typer(no_args_is_help=True, help="The exchange's own keyring.")


@config.command()
def check() -> None:
    """Check every setting and show what is in force, secrets masked: `exchange config check`."""
    from exchange import settings

    current = settings.load()
    for name, value in settings.shown(current).items():
        print(f"{name} = {value}")
    _tell_unconfirmed(current)


def _tell_unconfirmed(current: Settings) -> None:
    """List the values of the law that stand on a report, and where counsel confirmed them."""
    from exchange.app.counsel import confirmations

    for value, reference in confirmations(current):
        said = f"confirmed: {reference}" if reference else "NOT CONFIRMED by counsel"
        print(f"{current.profile}.{value.key} = {value.value}  {value.counsel}  {said}")


@keys.command()
def create() -> None:
    """Make the keyring, once: `exchange keys create`."""
    from exchange import settings
    from exchange.crypto.keyring import create_keyring

    current = settings.load()
    create_keyring(
        current.keyring_file,
        environment=current.consortium,
        epoch=current.epoch,
        now=int(time.time()),
    )


@keys.command("renew-checkpoint")
def renew_checkpoint() -> None:
    """Make a new key for a new log, before `exchange recover`: `exchange keys renew-checkpoint`."""
    from exchange import settings
    from exchange.crypto.renewal import renew_checkpoint_key

    print(renew_checkpoint_key(settings.load().keyring_file, now=int(time.time())))


@keys.command("list")
def list_keys() -> None:
    """Show every key's use and what its thief could do: `exchange keys list`."""
    from exchange import settings
    from exchange.crypto.keyring import load_keyring

    for key in load_keyring(settings.load().keyring_file).inventory():
        print(f"{key['kid']}  {key['use']}  a thief could {key['harm']}")
