"""`exchange config …`, `exchange profile …`, `exchange keys …`: what it goes by and signs with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from exchange.cli.opening import open_ports
from exchange.cli.proposals import put_forward
from exchange.cli.signing import KeyFile

if TYPE_CHECKING:
    from exchange.settings import Settings

profile = typer.Typer(no_args_is_help=True, help="The profile of the law in force.")
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
    place = current.keyring_file
    create_keyring(
        place,
        environment=current.consortium,
        epoch=current.epoch,
        now=int(time.time()),
    )
    print(f"{place}: keep a copy offline, in two hands; `exchange keys list` shows what is in it")


@keys.command("renew-checkpoint")
def renew_checkpoint() -> None:
    """Make a new key for a new log, before `exchange recover`: `exchange keys renew-checkpoint`."""
    from exchange import settings
    from exchange.crypto.renewal import renew_checkpoint_key

    print(renew_checkpoint_key(settings.load().keyring_file, now=int(time.time())))


@keys.command("list")
def list_keys() -> None:
    """Show every key's use and what its thief could do, and what is read out to members.

    Example: exchange keys list
    """
    from exchange import settings
    from exchange.crypto.keyring import load_keyring

    keyring = load_keyring(settings.load().keyring_file)
    for key in keyring.inventory():
        print(f"{key['kid']}  {key['use']}  a thief could {key['harm']}")
    print(f"fingerprint to read out to who pins: {keyring.fingerprint}")


@profile.command("show")
def show_profile() -> None:
    """Show the profile of this software, and whether it is the one in force.

    Example: exchange profile show
    """
    from consent.profiles import profile_sha256

    with open_ports() as ports:
        here = ports.terms.profile
        with ports.begin() as work:
            stands = work.members.profile_in_force()
    digest = profile_sha256(here.id)
    print(f"{here.ref}  {digest.hex()}")
    print("in force" if stands == digest else "not in force: exchange profile propose")


@profile.command()
def propose(key_file: KeyFile = None) -> None:
    """Put the profile of this software in force, once another operator approves.

    Example: exchange profile propose --key-file anna.key.json
    """
    from exchange.services.members.profile_in_force import profile_change

    with open_ports() as ports:
        change = profile_change(ports.terms.profile)
    put_forward(change.kind.value, change.member, change.details, key_file)
