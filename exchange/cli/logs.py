"""`exchange log …`: who may mirror the access log, and what in it may be opened no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from exchange.services.erasure.ports import ErasePorts
    from exchange.services.log.ports import LogPorts

log = typer.Typer(no_args_is_help=True, help="Access to the log, and erasure.")

Member = Annotated[str, typer.Argument(help="the member's id")]


@log.command()
def access(member: Member) -> None:
    """Give a member a path of its own to tiles, shown this once: `exchange log access lender-a`."""
    from exchange.services.log.grant_access import grant_access

    with _opened() as (ports, _):
        base = ports.ports.terms.public_base
        print(f"{base}/log/{grant_access(member, ports)}")


@log.command()
def revoke(member: Member) -> None:
    """End every path of a member from the next request on: `exchange log revoke lender-a`."""
    from exchange.services.log.grant_access import revoke_access

    with _opened() as (ports, _):
        print(f"{revoke_access(member, ports)} ended")


@log.command("erase-subject")
def erase_subject(
    pseudonym: Annotated[str, typer.Argument(help="as the log names the subject: p:…")],
    basis: Annotated[str, typer.Option(help="the law or ruling that orders it")],
    case: Annotated[str, typer.Option(help="the order's reference")],
) -> None:
    """Destroy what opens leaves about a subject.

    Example: exchange log erase-subject p:… --basis consent --case case-7
    """
    from exchange.services.erasure.shred_openings import erase_subject as erase

    with _opened() as (_, ports):
        print(f"{erase(pseudonym, basis, case, ports).keys} keys shredded")


@log.command("erase-quarter")
def erase_quarter(quarter: Annotated[str, typer.Argument(help="such as 2020Q1")]) -> None:
    """Destroy what opens leaves of a quarter past its retention: `exchange log erase-quarter …`."""
    from exchange.services.erasure.shred_openings import erase_quarter as erase

    with _opened() as (_, ports):
        print(f"{erase(quarter, ports).keys} keys shredded")


@contextmanager
def _opened() -> Iterator[tuple[LogPorts, ErasePorts]]:
    """Open the database for one command."""
    from exchange import settings
    from exchange.app.ports import make_erase_ports, make_ports, open_database
    from exchange.services.log.ports import LogPorts

    current = settings.load()
    with closing(open_database(current)) as database:
        ports = make_ports(current, database)
        log_ports = LogPorts(ports=ports, begin=database.begin)
        yield log_ports, make_erase_ports(current, ports, database)
