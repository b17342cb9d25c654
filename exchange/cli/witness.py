"""`exchange witness …` and `exchange publish`: cosign checkpoints, and have them cosigned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

witness = typer.Typer(no_args_is_help=True, help="Be a witness of the access log.")

KeyFile = Annotated[Path, typer.Argument(help="the witness's key file")]


@witness.command("create-key")
def create_key(
    file: KeyFile,
    name: Annotated[str, typer.Option(help="name of the key, such as member-a.example/witness")],
) -> None:
    """Make a key and print its line for policies: `exchange witness create-key FILE --name …`."""
    from exchange.crypto.note_keys import create_witness_key

    print(create_witness_key(file, name))


@witness.command("serve")
def serve(
    file: KeyFile,
    policy: Annotated[Path, typer.Option(help="policy file that names the logs to witness")],
    state: Annotated[Path, typer.Option(help="directory of what was cosigned last")],
    listen: Annotated[str, typer.Option(help="address:port")] = "127.0.0.1:8430",
) -> None:
    """Serve until it is stopped: `exchange witness serve FILE --policy … --state …`."""
    from exchange.jobs.witness import serve_witness

    serve_witness(file, state, policy, listen)


def publish() -> None:
    """Bring each checkpoint to its witnesses, every few seconds: `exchange publish`."""
    from exchange import settings
    from exchange.jobs.run_publisher import run_publisher

    raise typer.Exit(run_publisher(settings.load()))
