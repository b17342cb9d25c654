"""`cx grant`: register what a borrower agreed to, and relay that they withdrew it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.subjects import IdFile, read_subject
from exchange_client.cli.telling import tell
from exchange_client.errors import UsageError
from exchange_client.grants import Grant


def register(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    file: Annotated[Path, typer.Argument(help="a grant as the SDK saved it")],
    id_file: IdFile,
) -> None:
    """Register a grant, bound to the subject it was made for."""
    grant = Grant.load(file)
    identifiers = read_subject(id_file)
    if len(identifiers) != 1:
        raise UsageError("a grant is of one identifier")
    with open_exchange(telling, pinned, keyed) as exchange:
        state = exchange.register_grant(grant, identifiers[0])
    tell(
        {**state, "grant_id": grant.grant_id},
        _lines(grant.grant_id, state),
        as_json=telling.as_json,
    )


def withdraw(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    grant_id: Annotated[str, typer.Argument(help="gnt_…")],
) -> None:
    """Relay the subject's withdrawal: the next question under this grant is refused."""
    with open_exchange(telling, pinned, keyed) as exchange:
        state = exchange.withdraw_grant(grant_id)
    tell({**state, "grant_id": grant_id}, _lines(grant_id, state), as_json=telling.as_json)


def _lines(grant_id: str, state: Mapping[str, object]) -> str:
    shown = {name: one for name, one in state.items() if isinstance(one, str | int)}
    return "\n".join([grant_id, *(f"  {name}: {one}" for name, one in shown.items())])
