"""`cx events`, `cx webhook`, `cx grant status`: what the exchange tells its member unasked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.telling import tell
from exchange_client.errors import UsageError
from exchange_client.statuses import verify_list


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which events shall ring again."""

    first: Annotated[str, typer.Argument(help="evt_…")]
    last: Annotated[str | None, typer.Argument(help="evt_…; else the first alone")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a grant stands in the lists, as its registration said."""

    list_number: Annotated[int, typer.Argument(metavar="LIST")]
    idx: Annotated[int, typer.Argument(metavar="IDX")]
    file: Annotated[
        Path | None, typer.Option(help="a list that was fetched before; no connection is made")
    ] = None


WebhookId = Annotated[str, typer.Argument(help="whk_…")]


def events(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    after: Annotated[
        str | None, typer.Option(help="evt_… that you hold; else from the first")
    ] = None,
) -> None:
    """List what the member was told since an event: `cx events --after evt_…`."""
    with open_exchange(telling, pinned, keyed) as exchange:
        found = list(exchange.events(after))
    listed = [
        {
            "event_id": one.event_id,
            "kind": one.kind,
            "made_at": one.made_at,
            "facts": dict(one.facts),
            **({} if one.bands is None else {"bands": dict(one.bands)}),
        }
        for one in found
    ]
    lines = [
        f"{one.event_id}  {one.kind}  {_words({**one.facts, **(one.bands or {})})}" for one in found
    ]
    tell({"events": listed}, "\n".join(lines) or "no news", as_json=telling.as_json)


def add_webhook(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    url: Annotated[str, typer.Argument(help="https://…, where it is rung at")],
) -> None:
    """Register an endpoint; keep the secret: `cx webhook add https://hooks.member.example/cx`."""
    with open_exchange(telling, pinned, keyed) as exchange:
        made = exchange.add_webhook(url)
    tell(made, _lines(made), as_json=telling.as_json)


def list_webhooks(telling: Telling, pinned: Pinned, keyed: Keyed) -> None:
    """List the member's endpoints: `cx webhook list`."""
    with open_exchange(telling, pinned, keyed) as exchange:
        found = exchange.webhooks()
    text = "\n".join(_lines(one) for one in found) or "none"
    tell({"webhooks": [dict(one) for one in found]}, text, as_json=telling.as_json)


def remove_webhook(telling: Telling, pinned: Pinned, keyed: Keyed, webhook_id: WebhookId) -> None:
    """Forget an endpoint: `cx webhook remove whk_…`."""
    with open_exchange(telling, pinned, keyed) as exchange:
        gone = exchange.remove_webhook(webhook_id)
    tell(gone, f"removed {webhook_id}", as_json=telling.as_json)


def rotate_webhook(telling: Telling, pinned: Pinned, keyed: Keyed, webhook_id: WebhookId) -> None:
    """Make a new secret; the one before stays live: `cx webhook rotate whk_…`."""
    with open_exchange(telling, pinned, keyed) as exchange:
        made = exchange.rotate_webhook(webhook_id)
    tell(made, _lines(made), as_json=telling.as_json)


def replay_webhook(
    telling: Telling, pinned: Pinned, keyed: Keyed, webhook_id: WebhookId, span: Span
) -> None:
    """Let one event or a range ring again: `cx webhook replay whk_… evt_… evt_…`."""
    with open_exchange(telling, pinned, keyed) as exchange:
        done = exchange.replay_webhook(webhook_id, span.first, span.last or span.first)
    tell(done, f"{done.get('events')} will ring again", as_json=telling.as_json)


def status(telling: Telling, pinned: Pinned, keyed: Keyed, place: Place) -> None:
    """Say from a signed list whether a grant stands: `cx grant status 1 4711`."""
    if place.file is not None:
        listed = verify_list(_read(place.file), pinned.load(), now=telling.outside.clock())
    else:
        with open_exchange(telling, pinned, keyed) as exchange:
            listed = exchange.status_list(place.list_number)
    found = listed.status(place.idx)
    told = {"status": found.name, "issued_at": listed.issued_at, "expires": listed.expires}
    tell(told, found.name, as_json=telling.as_json)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("no readable list stands in that file") from error


def _words(facts: Mapping[str, object]) -> str:
    return " ".join(f"{name}={one}" for name, one in facts.items() if one not in ("", None))


def _lines(webhook: Mapping[str, object]) -> str:
    return "\n".join(
        f"  {name}: {', '.join(map(str, one)) if isinstance(one, list) else one}"
        for name, one in webhook.items()
        if one is not None
    )
