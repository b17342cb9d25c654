"""`exchange dispute …`: speak for a borrower who came to the operator, and watch the clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from exchange.cli.opening import open_ports
from exchange.domain.life.disputes import Cause, DisputeState

if TYPE_CHECKING:
    from exchange.services.disputes.show_disputes import DisputeView

dispute = typer.Typer(
    no_args_is_help=True, help="Disputes: speak for a borrower, list what is overdue."
)

Id = Annotated[str, typer.Argument(help="dsp_…")]
Words = Annotated[
    Path, typer.Option("--text", exists=True, dir_okay=False, help="file with the words, UTF-8")
]
_LIST_ROWS = 500  # fetched at a time


@dispute.command("open")
def open_(
    member: Annotated[str, typer.Argument(help="the lender that reports the account")],
    account: Annotated[str, typer.Argument(help="its reference of the account")],
    cause: Annotated[Cause, typer.Option(help="why the borrower disputes it")],
    text: Words,
    dispute_id: Annotated[
        str,
        typer.Option("--id", help="of an opening whose end you did not see: never opened twice"),
    ] = "",
) -> None:
    """Open a dispute for a borrower; every answer carries its flag from now on.

    Example: exchange dispute open lender-a acc-1 --cause WRONG_AMOUNT --text text.txt
    """
    from exchange.domain.ids import show, uuid7
    from exchange.services.disputes.open_for_borrower import SpokenFor, open_for_borrower

    with open_ports() as ports:
        wanted = _id(dispute_id) if dispute_id else uuid7(ports.now_ms(), ports.random_bytes)
        print(f"dispute {show('dsp', wanted)}")
        spoken = SpokenFor(
            dispute_id=wanted, member=member, account_ref=account, cause=cause, text=_words(text)
        )
        _tell(open_for_borrower(spoken, ports))


@dispute.command("list")
def list_(
    overdue: Annotated[bool, typer.Option("--overdue", help="overdue answers only")] = False,
    state: Annotated[DisputeState | None, typer.Option(help="where it stands")] = None,
    member: Annotated[str, typer.Option(help="of this lender's records only")] = "",
) -> None:
    """List disputes, without what was said in them: `exchange dispute list --overdue`."""
    from exchange.domain.lists.pages import PageAsk
    from exchange.services.disputes.show_disputes import DisputeFilter, list_disputes
    from exchange.services.disputes.voices import of_operator

    chosen = DisputeFilter(state=state, overdue=overdue, member=member or None)
    after: str | None = ""
    with open_ports() as ports:
        while after is not None:
            ask = PageAsk(rows=_LIST_ROWS, after=after or None)
            page = list_disputes(chosen, of_operator(), ask, ports)
            for one in page.rows:
                print(_line(one))
            after = page.next


@dispute.command()
def show(dispute_id: Id) -> None:
    """Show a dispute with everything that was said in it: `exchange dispute show dsp_…`."""
    from exchange.services.disputes.show_disputes import show_dispute
    from exchange.services.disputes.voices import of_operator

    with open_ports() as ports:
        _tell(show_dispute(_id(dispute_id), of_operator(), ports))


@dispute.command()
def facts(dispute_id: Id, text: Words) -> None:
    """Add what the borrower found out since; where the profile says so, the clock is extended once.

    Example: exchange dispute facts dsp_… --text text.txt
    """
    from exchange.services.disputes.change_dispute import add_facts
    from exchange.services.disputes.voices import of_operator

    with open_ports() as ports:
        _tell(add_facts(_id(dispute_id), _words(text), of_operator(), ports))


@dispute.command()
def close(
    dispute_id: Id,
    agreed: Annotated[bool, typer.Option("--agreed/--not-agreed", help="the borrower's word")],
) -> None:
    """Close a dispute by the borrower's word: an answered one, or an open one that is taken back.

    Example: exchange dispute close dsp_… --not-agreed
    """
    from exchange.services.disputes.change_dispute import close_dispute
    from exchange.services.disputes.voices import of_operator

    with open_ports() as ports:
        _tell(close_dispute(_id(dispute_id), of_operator(), ports, agreed=agreed))


@dispute.command()
def reopen(dispute_id: Id, text: Words) -> None:
    """Open a closed dispute again, within 30 days; its clock starts anew.

    Example: exchange dispute reopen dsp_… --text text.txt
    """
    from exchange.services.disputes.change_dispute import reopen_dispute
    from exchange.services.disputes.voices import of_operator

    with open_ports() as ports:
        _tell(reopen_dispute(_id(dispute_id), _words(text), of_operator(), ports))


def _id(text: str) -> UUID:
    from exchange.domain.ids import parse

    return parse("dsp", text, field="dispute_id")


def _words(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise typer.BadParameter("must be UTF-8", param_hint="--text") from error


def _tell(view: DisputeView) -> None:
    print(_line(view))
    for said in view.history:
        result = f" {said.result}" if said.result else ""
        print(f"  {_time(said.at)}  {said.actor}  {said.event}{result}")
        for line in said.text.splitlines():
            print(f"    {line}")


def _line(view: DisputeView) -> str:
    from exchange.domain.ids import show

    one = view.dispute
    told = [show("dsp", one.dispute_id), one.member, one.account_ref, one.cause, one.state]
    told += [one.result] if one.result else []
    told += [f"opened {_time(one.opened_at)} by {one.opened_by}", f"due {one.due_on}"]
    late = f"{view.days_late} days late" if view.days_late else "on time"
    told.append(f"OVERDUE, {view.days_late} days" if view.overdue else late)
    return "  ".join(told)


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
