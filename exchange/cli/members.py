"""`exchange member …`: enrol members, change their standing, register their keys.

Enrolment, roles, keys and the way back from a suspension take two people: one proposes, another
approves. Suspending, retiring and revoking protect, and take one.
"""

from __future__ import annotations

from typing import Annotated
from zoneinfo import available_timezones

import typer

from exchange.cli.opening import open_ports
from exchange.cli.proposals import approve, proposals, put_forward
from exchange.cli.signing import KeyFile
from exchange.domain.base64url import unb64url
from exchange.domain.members import Algorithm, Role

member = typer.Typer(no_args_is_help=True, help="Enrol members and change their standing.")
member_key = typer.Typer(no_args_is_help=True, help="Members' public keys.")
member.add_typer(member_key, name="key")
member.command()(proposals)
member.command()(approve)


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise typer.BadParameter("must be an IANA time zone, such as Asia/Shanghai or UTC")
    return name


def _base64url(text: str) -> str:
    try:
        unb64url(text)
    except ValueError as error:
        raise typer.BadParameter("must be unpadded base64url: A-Z a-z 0-9 - _") from error
    return text


Id = Annotated[str, typer.Argument(help="the member's id, such as lender-a")]
Roles = Annotated[list[Role], typer.Option("--role", help="may stand repeatedly")]
Zone = Annotated[str, typer.Option(help="IANA time zone of its dates", callback=_zone)]
Encoded = Annotated[
    str, typer.Option(help="as `cx init` prints it, base64url", callback=_base64url)
]


@member.command()
def enrol(  # noqa: PLR0913 - each is a field of the member
    member_id: Id,
    name: Annotated[str, typer.Option(help="full name")],
    contact: Annotated[str, typer.Option(help="where borrowers reach it")],
    role: Roles,
    zone: Zone = "Asia/Shanghai",
    key_file: KeyFile = None,
) -> None:
    """Enrol a member: it is heard once it has a key.

    Example: exchange member enrol lender-x --name X --contact ops@x.example --role asker
    """
    details = {"name": name, "contact": contact, "roles": _values(role), "zone": zone}
    put_forward("enrol", member_id, details, key_file)


@member.command()
def roles(member_id: Id, role: Roles, key_file: KeyFile = None) -> None:
    """Give a member these roles and no others.

    Example: exchange member roles lender-x --role asker --role contributor
    """
    put_forward("roles", member_id, {"roles": _values(role)}, key_file)


@member.command("list")
def list_() -> None:
    """List members, their standing and their keys.

    Example: exchange member list
    """
    from exchange.crypto.keyring import fingerprint
    from exchange.services.members.manage_members import list_members

    with open_ports() as ports:
        for one, held in list_members(ports):
            print(f"{one.member}  {one.status}  {','.join(sorted(one.roles))}  {one.name}")
            for key in held:
                state = "live" if key.live(ports.now()) else "dead"
                print(f"  {one.member}/{key.key}  {state}  {fingerprint(key.public_key)}")


@member.command()
def suspend(member_id: Id) -> None:
    """Refuse a member from its next request on; one person may.

    Example: exchange member suspend lender-x
    """
    _set_standing(member_id, "SUSPENDED")


@member.command()
def reactivate(member_id: Id, key_file: KeyFile = None) -> None:
    """Hear a suspended member again.

    Example: exchange member reactivate lender-x
    """
    put_forward("reactivate", member_id, {}, key_file)


@member.command()
def retire(member_id: Id) -> None:
    """End a membership; one person may.

    Example: exchange member retire lender-x
    """
    _set_standing(member_id, "RETIRED")


@member_key.command()
def add(  # noqa: PLR0913 - each is a part of the key, or who wants it
    member_id: Id,
    key: Annotated[str, typer.Argument(help="name of the key, such as k1")],
    public_key: Encoded,
    proof: Encoded,
    algorithm: Annotated[Algorithm, typer.Option(help="of the key")] = Algorithm.ED25519,
    days: Annotated[int, typer.Option(help="validity from now", min=1, max=400)] = 365,
    key_file: KeyFile = None,
) -> None:
    """Register a public key; the line that `cx init --exchange ID` and `cx key prove` print.

    Example: exchange member key add lender-x k1 --public-key=PUBLIC --proof=PROOF
    """
    details = {
        "key": key,
        "algorithm": algorithm.value,
        "public_key": public_key,
        "days": days,
        "proof": proof,
    }
    put_forward("key", member_id, details, key_file)


@member_key.command()
def revoke(member_id: Id, key: Annotated[str, typer.Argument(help="name of the key")]) -> None:
    """Revoke a key from the next request on; one person may.

    Example: exchange member key revoke lender-x k1
    """
    from exchange.services.members.manage_members import revoke_key

    with open_ports() as ports:
        revoke_key(member_id, key, ports)


def _values(named: list[Role]) -> list[str]:
    return sorted({one.value for one in named})


def _set_standing(member_id: str, status: str) -> None:
    from exchange.domain.members import MemberStatus
    from exchange.services.members.manage_members import set_standing

    with open_ports() as ports:
        set_standing(member_id, MemberStatus(status), ports)
