"""`cx grant`: register what a borrower agreed to, see where it stands, relay what they wish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.subjects import IdFile, read_one
from exchange_client.cli.telling import REFUSED, tell
from exchange_client.client import Exchange
from exchange_client.core.encoding import JSON
from exchange_client.errors import Refused, UsageError
from exchange_client.grants import Grant
from exchange_client.grants.permissions import REASONS, Look, foresee
from exchange_client.identifiers import Identifier

GrantId = Annotated[str, typer.Argument(help="gnt_…")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What would be asked."""

    purpose: Annotated[str, typer.Option(help="what you would ask for")]
    detail: Annotated[str, typer.Option(help="bands or flag")] = "bands"
    own_account: Annotated[
        bool, typer.Option("--own-account", help="you have the account that the purpose asks for")
    ] = False


def register(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    file: Annotated[Path, typer.Argument(help="a grant as the SDK saved it")],
    id_file: IdFile,
) -> None:
    """Register a grant, bound to the subject it was made for."""
    with open_exchange(telling, pinned, keyed) as exchange:
        _enter(exchange.register_grant, file, id_file, telling)


def request(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    file: Annotated[Path, typer.Argument(help="a grant that was made without evidence")],
    id_file: IdFile,
) -> None:
    """Request a grant that the borrower signs: the link opens once, pass it on unread."""
    with open_exchange(telling, pinned, keyed) as exchange:
        _enter(exchange.request_grant, file, id_file, telling)


def withdraw(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    grant_id: GrantId,
) -> None:
    """Relay the subject's withdrawal: the next question under this grant is refused."""
    with open_exchange(telling, pinned, keyed) as exchange:
        state = exchange.withdraw_grant(grant_id)
    tell({**state, "grant_id": grant_id}, _lines(grant_id, state), as_json=telling.as_json)


def pause(telling: Telling, pinned: Pinned, keyed: Keyed, grant_id: GrantId) -> None:
    """Relay the subject's wish to pause: the next question under this grant is refused."""
    with open_exchange(telling, pinned, keyed) as exchange:
        state = exchange.pause_grant(grant_id)
    tell({**state}, _lines(grant_id, state), as_json=telling.as_json)


def resume(telling: Telling, pinned: Pinned, keyed: Keyed, grant_id: GrantId) -> None:
    """Relay the subject's wish to go on after a pause of theirs."""
    with open_exchange(telling, pinned, keyed) as exchange:
        state = exchange.resume_grant(grant_id)
    tell({**state}, _lines(grant_id, state), as_json=telling.as_json)


def confirm_stop(telling: Telling, pinned: Pinned, keyed: Keyed, grant_id: GrantId) -> None:
    """Confirm that you stopped using what an ended grant allowed, as you were told to."""
    with open_exchange(telling, pinned, keyed) as exchange:
        state = exchange.confirm_stop(grant_id)
    tell({**state}, _lines(grant_id, state), as_json=telling.as_json)


def evidence(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    grant_id: GrantId,
    file: Annotated[Path, typer.Argument(help="the very file that the grant was made with")],
) -> None:
    """Send the evidence that the exchange asked for; it compares the hash and keeps no bytes."""
    content = _content(file)
    with open_exchange(telling, pinned, keyed) as exchange:
        state = exchange.show_evidence(grant_id, content)
    tell({**state}, _lines(grant_id, state), as_json=telling.as_json)


def show(telling: Telling, pinned: Pinned, keyed: Keyed, grant_id: GrantId) -> None:
    """Show where a grant of yours stands."""
    with open_exchange(telling, pinned, keyed) as exchange:
        state = exchange.grant(grant_id)
    tell({**state}, _lines(grant_id, state), as_json=telling.as_json)


def decide(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    file: Annotated[Path, typer.Argument(help="a grant as `cx grant make` wrote it")],
    asking: Asking,
) -> None:
    """Tell what the exchange would decide, without asking: leaves 1 where it would refuse."""
    grant = Grant.load(file)
    with open_exchange(telling, pinned, keyed) as exchange:
        standing = _standing(exchange, grant)
    look = Look(purpose=asking.purpose, detail=asking.detail, own_account=asking.own_account)
    found = foresee(look, grant, standing, pinned.load(), now=telling.outside.clock())
    value = {"permitted": found.permitted, "reason": found.reason, "policy": found.policy}
    shown = f"{found.reason} (by {found.policy})"
    if found.permitted:
        shown += f": {found.detail}, {found.lookback_months} months back"
    tell({**value, "limits": list(found.limits)}, shown, as_json=telling.as_json)
    if not found.permitted:
        raise typer.Exit(REFUSED)


def list_reasons(telling: Telling) -> None:
    """List every reason for which a question may be refused, in the order of the tests."""
    tell({"reasons": list(REASONS)}, "\n".join(REASONS), as_json=telling.as_json)


def list_notices(telling: Telling, pinned: Pinned, keyed: Keyed) -> None:
    """List the notices that a grant may name; show the borrower a live one, word for word."""
    with open_exchange(telling, pinned, keyed) as exchange:
        notices = exchange.notices()
    lines = [
        f"{one['id']} {one['version']} {one['lang']}  {one['kind']}  {one['purpose']}"
        f"  {one['state']}\n  {one['sha256']}"
        for one in notices
    ]
    tell({"notices": [dict(one) for one in notices]}, "\n".join(lines), as_json=telling.as_json)


def _enter(
    enter: Callable[[Grant, Identifier], Mapping[str, JSON]],
    file: Path,
    id_file: Path,
    telling: Telling,
) -> None:
    grant = Grant.load(file)
    state = enter(grant, read_one(id_file))
    tell({**state}, _lines(grant.grant_id, state), as_json=telling.as_json)


def _standing(exchange: Exchange, grant: Grant) -> Mapping[str, JSON] | None:
    """Return what the exchange says of a grant; None where it is not registered."""
    try:
        return exchange.grant(grant.grant_id)
    except Refused as error:
        if error.code != "absent":
            raise
        return None


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error


def _lines(grant_id: str, state: Mapping[str, object]) -> str:
    shown = {name: one for name, one in state.items() if isinstance(one, str | int)}
    return "\n".join([grant_id, *(f"  {name}: {one}" for name, one in shown.items())])
