"""`exchange security …`: what was refused, by whom, how often."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.opening import open_ports

if TYPE_CHECKING:
    from exchange.domain.security.events import SecurityEvent

_HOUR_SECONDS = 3_600

security = typer.Typer(no_args_is_help=True, help="Requests that were refused.")


@security.callback()
def _group() -> None:
    """Keep `events` a command of its own while it is the only one."""


@security.command()
def events(
    hours: Annotated[int, typer.Option(help="how far back", min=1, max=10_000)] = 24,
    member: Annotated[str, typer.Option(help="only this member's, or `none`")] = "",
    code: Annotated[str, typer.Option(help="only this error, such as auth.signature")] = "",
    rows_max: Annotated[int, typer.Option(help="the newest of them", min=1, max=100_000)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """Show refused requests, newest last: `exchange security events --hours 1`."""
    from exchange.domain.security.events import EventFilter
    from exchange.services.security.list_events import list_events

    with open_ports() as ports:
        since = ports.now() - hours * _HOUR_SECONDS
        wanted = EventFilter(since=since, member=member, code=code, rows_max=rows_max)
        found = list_events(wanted, ports)
    for event in found:
        print(_as_json(event) if as_json else _as_line(event))


def _as_json(event: SecurityEvent) -> str:
    return json.dumps({name: getattr(event, name) for name in event.__slots__})


def _as_line(event: SecurityEvent) -> str:
    when = datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    who = event.member if event.key == event.member else f"{event.member}/{event.key}"
    more = f"  and {event.dropped} more" if event.dropped else ""
    return (
        f"{when}  {event.code}  {event.route}  {who}  {event.peer}  {event.body_bytes} B"
        f"  {event.request_id}{more}"
    )
