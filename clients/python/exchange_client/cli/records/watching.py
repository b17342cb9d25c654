"""`cx watch`: be told of what changes elsewhere about the borrowers of your own accounts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import typer

from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.subjects import IdFile, read_subject
from exchange_client.cli.telling import note, tell
from exchange_client.core.ids import new_id
from exchange_client.core.records.watching import NewWatch, Watch

Purposes = Literal["account_review", "portfolio_monitoring"]
WatchId = Annotated[str, typer.Argument(help="wch_…")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Whom to watch, and what for."""

    account: Annotated[str, typer.Option(help="your own reference of the open account")]
    grant: Annotated[str, typer.Option(help="gnt_…, for this purpose")]
    id_file: IdFile
    purpose: Annotated[Purposes, typer.Option(help="what for")] = "portfolio_monitoring"
    kind: Annotated[
        list[str] | None, typer.Option(help="of events, once for each; else all that are allowed")
    ] = None
    watch_id: Annotated[
        str | None, typer.Option(help="of a watch that got no answer, to send it again")
    ] = None


def add(telling: Telling, pinned: Pinned, keyed: Keyed, watched: Watched) -> None:
    """Watch the borrower of an open account; what is told stands in `cx events`.

    `cx watch add --account acc-1 --grant gnt_… --id-file id.txt`
    """
    new = NewWatch(
        account_ref=watched.account,
        identifiers=read_subject(watched.id_file),
        purpose=watched.purpose,
        grant=watched.grant,
        kinds=tuple(watched.kind or ()),
        watch_id=watched.watch_id or new_id("wch"),
    )
    with open_exchange(telling, pinned, keyed) as exchange:
        note(f"watch id {new.watch_id}")
        _tell(exchange.add_watch(new), telling)


def list_(telling: Telling, pinned: Pinned, keyed: Keyed) -> None:
    """List your watches: `cx watch list`."""
    with open_exchange(telling, pinned, keyed) as exchange:
        found = exchange.watches()
    lines = "\n".join(_line(one) for one in found) or "no watches"
    tell({"watches": [asdict(one) for one in found]}, lines, as_json=telling.as_json)


def renew(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    watch_id: WatchId,
    grant: Annotated[str | None, typer.Option(help="gnt_… that it rests on from now")] = None,
) -> None:
    """Let a watch live on from now: `cx watch renew wch_… --grant gnt_…`."""
    with open_exchange(telling, pinned, keyed) as exchange:
        _tell(exchange.renew_watch(watch_id, grant), telling)


def end(telling: Telling, pinned: Pinned, keyed: Keyed, watch_id: WatchId) -> None:
    """End a watch: `cx watch end wch_…`."""
    with open_exchange(telling, pinned, keyed) as exchange:
        _tell(exchange.remove_watch(watch_id), telling)


def _tell(watch: Watch, telling: Telling) -> None:
    tell(asdict(watch), _line(watch), as_json=telling.as_json)


def _line(watch: Watch) -> str:
    stands = f"ended {watch.ended_cause}" if watch.ended_cause else "live"
    kinds = ",".join(watch.kinds)
    return f"{watch.watch_id}  {watch.account_ref}  {watch.purpose}  {stands}  {kinds}"
