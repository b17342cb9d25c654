"""`exchange seat …`: which people of members and regulators may sign in to the console."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from exchange.cli.opening import open_ports
from exchange.cli.signing import KeyFiles, Names, two_people, two_sign

seat = typer.Typer(no_args_is_help=True, help="People at the console, by their passkeys.")

Member = Annotated[str, typer.Argument(help="for whom they sit there, such as lender-a")]
Name = Annotated[str, typer.Argument(help="of the person: 2 to 39 of a-z, 0-9, - and _")]


@seat.command()
def enrol(
    member: Member,
    name: Name,
    hours: Annotated[int, typer.Option(help="how long the link opens", min=1, max=72)] = 24,
    key_file: KeyFiles = None,
    by: Names = None,
) -> None:
    """Give a person a seat and print the link by which they make their passkey, once.

    Who has a seat gets a new link, which ends the passkey before: it was lost.

    Example: exchange seat enrol authority mei --key-file anna.json --key-file ben.json
    """
    from exchange import settings
    from exchange.domain.base64url import b64url
    from exchange.services.seats.manage_seats import SEAT_PATH, enrol_seat
    from exchange.services.seats.ports import SeatName

    current = settings.load()
    signers = two_people(key_file, by, names_suffice=current.one_person_suffices)
    with open_ports() as ports:
        words = two_sign(("seat_enrolled", member, {"name": name}), signers, ports)
        secret = enrol_seat(SeatName(member, name), hours, words, ports)
    print(f"{current.pages_base_url}{SEAT_PATH}#{b64url(secret)}")


@seat.command()
def retire(member: Member, name: Name) -> None:
    """Take a seat away: its passkey and sessions open nothing any more; one person may.

    Example: exchange seat retire authority mei
    """
    from exchange.services.seats.manage_seats import retire_seat
    from exchange.services.seats.ports import SeatName

    with open_ports() as ports:
        retire_seat(SeatName(member, name), ports)


@seat.command("list")
def list_() -> None:
    """List seats, and which of them have a passkey.

    Example: exchange seat list
    """
    from exchange.services.seats.manage_seats import list_seats

    with open_ports() as ports:
        for one in list_seats(ports):
            print(f"{one.seat.member}/{one.seat.name}  {_state(one.retired_at, one.key_made_at)}")


def _state(retired_at: int | None, key_made_at: int | None) -> str:
    if retired_at is not None:
        return f"retired {_day(retired_at)}"
    return "waits for its person" if key_made_at is None else f"taken {_day(key_made_at)}"


def _day(when: int) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d")
