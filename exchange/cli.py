"""The operator's command: `exchange …`. Each command calls one service or one job.

Exit codes: 0 done, 1 refused, 2 usage or settings, 3 the log must not be continued.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.errors import ExchangeError, SettingsError

if TYPE_CHECKING:
    from exchange.services.ports import Ports

EXIT_REFUSED, EXIT_SETTINGS = 1, 2
_DAY_SECONDS = 86_400

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
config = typer.Typer(no_args_is_help=True, help="Look at the settings.")
member = typer.Typer(no_args_is_help=True, help="Enrol members and change their standing.")
member_key = typer.Typer(no_args_is_help=True, help="Members' public keys.")
keys = typer.Typer(no_args_is_help=True, help="The exchange's own keyring.")
app.add_typer(config, name="config")
app.add_typer(member, name="member")
member.add_typer(member_key, name="key")
app.add_typer(keys, name="keys")

Id = Annotated[str, typer.Argument(help="the member's id, such as lender-a")]


@app.command()
def up(
    data_dir: Annotated[Path, typer.Option(help="made if absent")] = Path("var/sandbox"),
    port: Annotated[int, typer.Option(help="loopback port", min=1024, max=65535)] = 8420,
) -> None:
    """Serve a sandbox with a PostgreSQL of its own until Ctrl-C: `exchange up`."""
    from exchange.jobs.up import up as run

    run(data_dir, port, lambda line: print(line, flush=True))


@app.command()
def serve() -> None:
    """Serve against the PostgreSQL that EXCHANGE_DATABASE_URL names: `exchange serve`."""
    from exchange.jobs.serve import serve as run

    run()


@app.command()
def sequence() -> None:
    """Give leaves their index and sign checkpoints, once a second: `exchange sequence`."""
    from exchange import settings
    from exchange.jobs.run_sequencer import run_sequencer

    raise typer.Exit(run_sequencer(settings.load()))


@app.command()
def migrate(
    before_deployment: Annotated[bool, typer.Option(help="only revisions marked pre")] = False,
) -> None:
    """Bring the database to this version's schema: `exchange migrate`."""
    from exchange import settings
    from exchange.store.migrate import migrate as run

    applied = run(settings.load().libpq_url, before_deployment=before_deployment)
    print("\n".join(applied) or "nothing to do")


@config.command()
def check() -> None:
    """Check every setting and show what is in force, secrets masked: `exchange config check`."""
    from exchange import settings

    for name, value in settings.shown(settings.load()).items():
        print(f"{name} = {value}")


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
    from exchange.services.manage_members import enrol_member

    with _ports() as ports:
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
    from exchange.services.manage_members import list_members

    with _ports() as ports:
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
    from exchange.services.manage_members import add_key

    public = unb64url(public_key)
    with _ports() as ports:
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
    from exchange.services.manage_members import revoke_key

    with _ports() as ports:
        revoke_key(member_id, key, ports)


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


@keys.command("list")
def list_keys() -> None:
    """Show every key's use and what its thief could do: `exchange keys list`."""
    from exchange import settings
    from exchange.crypto.keyring import load_keyring

    for key in load_keyring(settings.load().keyring_file).inventory():
        print(f"{key['kid']}  {key['use']}  a thief could {key['harm']}")


def main() -> None:
    """Run the command; refusals end in one clear line."""
    try:
        app()
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS) from None
    except (ExchangeError, ValueError, FileExistsError) as error:
        print(f"refused: {error}", file=sys.stderr)
        raise SystemExit(EXIT_REFUSED) from None


def _set_standing(member_id: str, status: str) -> None:
    from exchange.domain.members import MemberStatus
    from exchange.services.manage_members import set_standing

    with _ports() as ports:
        set_standing(member_id, MemberStatus(status), ports)


@contextmanager
def _ports() -> Iterator[Ports]:
    """Open the database for one command."""
    from exchange import settings
    from exchange.app import make_ports, open_database

    current = settings.load()
    with closing(open_database(current)) as database:
        yield make_ports(current, database)


if __name__ == "__main__":
    main()
