"""`exchange member proposals|approve`: the second person's half of a change of the membership."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.opening import open_ports

if TYPE_CHECKING:
    from exchange.services.members.ports import Proposal

_PREFIX = "prp"
By = Annotated[str, typer.Option(help="your name, as operator; another one has to approve")]


def put_forward(kind: str, member_id: str, details: Mapping[str, object], by: str) -> None:
    """Propose a change, or carry it out where one person suffices."""
    from exchange import settings
    from exchange.domain.ids import show
    from exchange.services.members.change_members import change_alone, propose_change
    from exchange.services.members.ports import Change, ChangeKind

    current = settings.load()
    if not by and not current.one_person_suffices:
        raise typer.BadParameter("must name you: the change takes two people", param_hint="--by")
    with open_ports() as ports:
        whole = {**details, "profile": ports.terms.profile.id} if kind == "enrol" else details
        change = Change(kind=ChangeKind(kind), member=member_id, details=whole)
        if current.one_person_suffices:
            change_alone(change, ports)
            return
        proposal = propose_change(change, by, ports, days=current.proposal_days_max)
    proposed = show(_PREFIX, proposal.proposal_id)
    print(f"proposed {proposed}; nothing is changed until another operator says")
    print(f"  exchange member approve {proposed}{_asks_for(proposal)} --by NAME")


def proposals() -> None:
    """Show what waits for a second person.

    Example: exchange member proposals
    """
    from exchange.domain.ids import show
    from exchange.services.members.change_members import list_proposals

    with open_ports() as ports:
        for one in list_proposals(ports):
            lapses = datetime.fromtimestamp(one.lapses_at, UTC).strftime("%Y-%m-%d")
            told = {name: value for name, value in one.change.details.items() if name != "proof"}
            print(
                f"{show(_PREFIX, one.proposal_id)}  {one.change.kind}  {one.change.member}"
                f"  by {one.proposed_by}, lapses {lapses}  {told}"
            )


def approve(
    proposal: Annotated[str, typer.Argument(help="prp_…, as it was proposed")],
    fingerprint: Annotated[
        str, typer.Option(help="of a key: what the member read out to you, on another channel")
    ] = "",
    by: By = "",
) -> None:
    """Carry out a proposal as the second person.

    Example: exchange member approve PROPOSAL --by ben
    """
    from exchange.domain.ids import parse
    from exchange.services.members.change_members import approve_change

    if not by:
        raise typer.BadParameter("must name you", param_hint="--by")
    with open_ports() as ports:
        proposal_id = parse(_PREFIX, proposal, field="proposal")
        done = approve_change(proposal_id, by, fingerprint, ports)
    print(f"done: {done.kind} of {done.member}")


def _asks_for(proposal: Proposal) -> str:
    from exchange.services.members.ports import ChangeKind

    return ' --fingerprint "…"' if proposal.change.kind is ChangeKind.KEY else ""
