"""`exchange grant …`: check the registry of grants, and end what should never have been."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from consent.grants import InvalidateCause, RevokeReason
from exchange.cli.opening import open_ports

if TYPE_CHECKING:
    from exchange.services.grants.show_grant import Standing

grant = typer.Typer(no_args_is_help=True, help="The registry of grants.")

Member = Annotated[str, typer.Argument(help="the grantee, such as lender-a")]
Grant = Annotated[str, typer.Argument(help="gnt_…")]


@grant.command()
def verify() -> None:
    """Verify every stored grant again, as every night: `exchange grant verify`.

    Exits with 1 where something differs; the member's grants are paused then.
    """
    from exchange.services.grants.verify_grants import verify_grants

    with open_ports() as ports:
        found = verify_grants(ports)
    print(f"{found.grants} grants verified, {len(found.differences)} differ, {found.frozen} paused")
    for one in found.differences:
        print(f"  {one.member} gnt_{one.grant_id.hex}: {one.what}")
    if found.differences:
        raise typer.Exit(1)


@grant.command("sample-evidence")
def sample_evidence(
    day: Annotated[datetime | None, typer.Option(help="UTC; yesterday if not given")] = None,
) -> None:
    """Ask for the evidence of some grants of a day, end those never shown: run it daily.

    Example: exchange grant sample-evidence
    """
    from exchange import settings
    from exchange.cli.opening import open_log_ports
    from exchange.services.evidence.sample_evidence import DAY_SECONDS, end_unshown
    from exchange.services.evidence.sample_evidence import sample_evidence as ask

    permille = settings.load().evidence_samples_per_thousand
    with open_log_ports() as ports:
        for standing in end_unshown(ports.ports):
            _tell(standing)
        now = ports.ports.now()
        first = int(day.replace(tzinfo=UTC).timestamp()) if day else now - DAY_SECONDS
        for standing in ask(first - first % DAY_SECONDS, permille, ports):
            print(f"gnt_{standing.grant.grant_id.hex}  {standing.grant.held.grantee}  asked")


@grant.command()
def resume(member: Member, grant_id: Grant) -> None:
    """Let a grant go on that the exchange paused: `exchange grant resume lender-a gnt_…`."""
    _change(member, grant_id, "resume", "checked")


@grant.command()
def revoke(
    member: Member,
    grant_id: Grant,
    reason: Annotated[RevokeReason, typer.Option(help="why")],
) -> None:
    """End a grant: `exchange grant revoke lender-a gnt_… --reason fraud`."""
    _change(member, grant_id, "revoke", reason.value)


@grant.command()
def invalidate(
    member: Member,
    grant_id: Grant,
    cause: Annotated[InvalidateCause, typer.Option(help="why")],
) -> None:
    """Find a grant never valid: `exchange grant invalidate lender-a gnt_… --cause wrong_person`."""
    _change(member, grant_id, "invalidate", cause.value)


@grant.command("stolen-key")
def stolen_key(
    member: Member,
    key: Annotated[str, typer.Argument(help="name of the key, such as k1")],
    since: Annotated[datetime, typer.Option(help="UTC; from then on others had it")],
) -> None:
    """Revoke a key and invalidate what it signed.

    Example: exchange grant stolen-key lender-a k1 --since 2026-11-01
    """
    from exchange.services.grants.invalidate_by_key import invalidate_by_key

    with open_ports() as ports:
        moment = int(since.replace(tzinfo=UTC).timestamp())
        for standing in invalidate_by_key(member, key, moment, ports):
            _tell(standing)


def _change(member: str, grant_id: str, event: str, reason: str) -> None:
    from consent.grants import GrantEvent
    from exchange.domain.ids import parse
    from exchange.services.grants.change_grant import by_exchange, change_grant

    with open_ports() as ports:
        change = by_exchange(GrantEvent(event), reason, ports)
        wanted = parse("gnt", grant_id, field="grant_id")
        _tell(change_grant(member, wanted, change, ports))


def _tell(standing: Standing) -> None:
    print(f"gnt_{standing.grant.grant_id.hex}  {standing.state}")
    for leaf_hash in standing.answers:
        print(f"  carried the answer of leaf {leaf_hash.hex()}")
