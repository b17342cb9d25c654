"""`exchange member proposals|approve`: the second person's half of a change of the membership."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.opening import open_ports
from exchange.cli.signing import KeyFile, open_signer

if TYPE_CHECKING:
    from exchange.services.members.ports import Proposal

_PREFIX = "prp"


def put_forward(
    kind: str, member_id: str, details: Mapping[str, object], key_file: Path | None
) -> None:
    """Propose a change, or carry it out where one person suffices."""
    from exchange import settings
    from exchange.domain.ids import show, uuid7
    from exchange.services.members.change_members import change_alone, propose_change
    from exchange.services.members.ports import Change, ChangeKind

    current = settings.load()
    signer = None if current.one_person_suffices else open_signer(key_file)
    with open_ports() as ports:
        whole = {**details, "profile": ports.terms.profile.id} if kind == "enrol" else details
        change = Change(kind=ChangeKind(kind), member=member_id, details=whole)
        if signer is None:
            change_alone(change, ports)
            return
        proposed = show(_PREFIX, uuid7(ports.now_ms(), ports.random_bytes))
        word = signer.say(ports.terms.issuer, proposed, change.digest)
        proposal = propose_change(change, word, ports, days=current.proposal_days_max)
    print(f"proposed {proposed}; nothing is changed until another operator says")
    print(f"  exchange member approve {proposed}{_asks_for(proposal)} --key-file YOURS")


def proposals() -> None:
    """Show what waits for a second person.

    Example: exchange member proposals
    """
    from exchange.domain.ids import show
    from exchange.domain.operators import name_of
    from exchange.services.members.change_members import list_proposals

    with open_ports() as ports:
        for one in list_proposals(ports):
            lapses = datetime.fromtimestamp(one.lapses_at, UTC).strftime("%Y-%m-%d")
            told = {name: value for name, value in one.change.details.items() if name != "proof"}
            print(
                f"{show(_PREFIX, one.proposal_id)}  {one.change.kind}  {one.change.member}"
                f"  by {name_of(one.proposed_by)}, lapses {lapses}  {told}"
            )


def approve(
    proposal: Annotated[str, typer.Argument(help="prp_…, as it was proposed")],
    fingerprint: Annotated[
        str, typer.Option(help="of a key: what the member read out to you, on another channel")
    ] = "",
    key_file: KeyFile = None,
) -> None:
    """Carry out a proposal as the second person.

    Example: exchange member approve PROPOSAL --key-file ben.key.json
    """
    from exchange.domain.ids import parse
    from exchange.services.members.change_members import approve_change, find_proposal

    signer = open_signer(key_file)
    with open_ports() as ports:
        found = find_proposal(parse(_PREFIX, proposal, field="proposal"), ports)
        word = signer.say(ports.terms.issuer, proposal, found.change.digest)
        done = approve_change(word, fingerprint, ports)
    print(f"done: {done.kind} of {done.member}")


def _asks_for(proposal: Proposal) -> str:
    from exchange.services.members.change_members import KEYED

    return ' --fingerprint "…"' if proposal.change.kind in KEYED else ""
