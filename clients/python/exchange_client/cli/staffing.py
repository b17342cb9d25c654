"""`cx staff`: name the people that your own people should not look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.subjects import STAFF_BYTES_MAX, read_identifiers
from exchange_client.cli.telling import tell


def staff(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    file: Annotated[
        Path, typer.Argument(help="one person a line, `TYPE COUNTRY NUMBER`; an empty file: nobody")
    ],
) -> None:
    """Replace your staff list: looks at these people are flagged. No name or number leaves you."""
    people = read_identifiers(file, STAFF_BYTES_MAX)
    with open_exchange(telling, pinned, keyed) as exchange:
        leaf = exchange.list_staff(people)
    shown = {"people": len(set(people)), "leaf": leaf}
    tell(shown, f"{shown['people']} listed, logged as leaf {leaf}", as_json=telling.as_json)
