"""`exchange member …`: enrol members, change their standing, register their keys."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.cli.opening import open_ports

_DAY_SECONDS = 86_400

member = typer.Typer(no_args_is_help=True, help="Enrol members and change their standing.")
member_key = typer.Typer(no_args_is_help=True, help="Members' public keys.")
member.add_typer(member_key, name="key")

Id = Annotated[str, typer.Argument(help="the member's id, such as lender-a")]


@member.command()
def enrol(
    member_id: Id,
    name: Annotated[str, typer.Option(help="full name")],
    contact: Annotated[str, typer.Option(help="where borrowers reach it")],
    role: Annotated[list[str], typer.Option(help="contributor, asker, regulator or evaluator")],
    zone: Annotated[str, typer.Option(help="IANA time zone of its dates")] = "Asia/Shanghai",
) -> None:
    """Enrol: `exchange member enrol lender-a --name … --contact … --role asker`."""
    from exchange.domain.members import Member, MemberStatus, Role
    from exchange.services.members.manage_members import enrol_member

    with open_ports() as ports:
        enrol_member(
            Member(
                member=member_id,
                name=name,
                contact=contact,
                status=MemberStatus.ACTIVE,
                roles=frozenset(Role(one) for one in role),
                zone=zone,
                profile=ports.terms.profile.id,
            ),
            ports,
        )


@member.command("list")
def list_() -> None:
    """List members, their standing and their keys: `exchange member list`."""
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
    """Refuse a member from its next request on: `exchange member suspend lender-a`."""
    _set_standing(member_id, "SUSPENDED")


@member.command()
def retire(member_id: Id) -> None:
    """End a membership: `exchange member retire lender-a`."""
    _set_standing(member_id, "RETIRED")


@member_key.command()
def add(
    member_id: Id,
    key: Annotated[str, typer.Argument(help="name of the key, such as k1")],
    public_key: Annotated[str, typer.Option(help="public half, base64url, as `cx init` prints it")],
    algorithm: Annotated[str, typer.Option(help="ed25519 or ecdsa-p256-sha256")] = "ed25519",
    days: Annotated[int, typer.Option(help="validity from now", min=1, max=400)] = 365,
) -> None:
    """Register a public key: `exchange member key add lender-a k1 --public-key …`."""
    from exchange.crypto.keyring import fingerprint
    from exchange.domain.base64url import unb64url
    from exchange.domain.members import Algorithm, NewKey
    from exchange.services.members.manage_members import add_key

    public = unb64url(public_key)
    with open_ports() as ports:
        now = ports.now()
        new = NewKey(
            key=key,
            algorithm=Algorithm(algorithm),
            public_key=public,
            not_before=now,
            not_after=now + days * _DAY_SECONDS,
        )
        add_key(member_id, new, ports)
    print(f"fingerprint {fingerprint(public)}: have the member read it back to you")


@member_key.command()
def revoke(member_id: Id, key: Annotated[str, typer.Argument(help="name of the key")]) -> None:
    """Revoke a key from the next request on: `exchange member key revoke lender-a k1`."""
    from exchange.services.members.manage_members import revoke_key

    with open_ports() as ports:
        revoke_key(member_id, key, ports)


def _set_standing(member_id: str, status: str) -> None:
    from exchange.domain.members import MemberStatus
    from exchange.services.members.manage_members import set_standing

    with open_ports() as ports:
        set_standing(member_id, MemberStatus(status), ports)
