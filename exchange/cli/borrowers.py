"""`exchange borrower …`: whose a passkey is, one that is lost, sessions that are over."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from exchange.cli.opening import open_ports
from exchange.cli.signing import KeyFiles, Names, two_people, two_sign

borrower = typer.Typer(no_args_is_help=True, help="Borrowers' passkeys and sessions.")

Member = Annotated[str, typer.Argument(help="the lender whose grant the key signed")]
Grant = Annotated[str, typer.Argument(help="gnt_…, which the borrower's receipt names")]


@borrower.command()
def confirm(member: Member, grant_id: Grant, key_file: KeyFiles = None, by: Names = None) -> None:
    """Open the whole file to the key that signed a grant, after proofing its owner in person.

    Example: exchange borrower confirm lender-a gnt_… --key-file anna.json --key-file ben.json
    """
    from exchange.services.borrower.attend_keys import confirm_person

    signers = two_people(key_file, by, names_suffice=_suffices())
    with open_ports() as ports:
        act = ("person_confirmed", member, {"grant": grant_id})
        words = two_sign(act, signers, ports)
        confirm_person(member, _grant(grant_id), words, ports)


@borrower.command()
def end_key(member: Member, grant_id: Grant, key_file: KeyFiles = None, by: Names = None) -> None:
    """End the key that signed a grant, and its sessions; its owner lost it.

    Example: exchange borrower end-key lender-a gnt_… --key-file anna.json --key-file ben.json
    """
    from exchange.services.borrower.attend_keys import end_key

    signers = two_people(key_file, by, names_suffice=_suffices())
    with open_ports() as ports:
        act = ("passkey_ended", member, {"grant": grant_id})
        words = two_sign(act, signers, ports)
        end_key(member, _grant(grant_id), words, ports)


@borrower.command()
def forget() -> None:
    """Delete sessions of the pages that are over. Run it daily: `exchange borrower forget`."""
    from exchange import settings
    from exchange.services.borrower.attend_keys import forget_sessions

    kept = settings.load().page_session_seconds_max
    with open_ports() as ports:
        print(f"{forget_sessions(kept, ports)} sessions deleted")


def _grant(text: str) -> UUID:
    from exchange.domain.ids import parse

    return parse("gnt", text, field="grant_id")


def _suffices() -> bool:
    from exchange import settings

    return settings.load().one_person_suffices
