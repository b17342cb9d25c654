"""`exchange up|serve|sequence|work|deliver|migrate`: start and stay, or change the schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.opening import open_ports
from exchange.cli.signing import Act, KeyFiles, Names, two_people, two_sign


def up(
    data_dir: Annotated[Path, typer.Option(help="made if absent")] = Path("var/sandbox"),
    port: Annotated[int, typer.Option(help="loopback port", min=1024, max=65535)] = 8420,
) -> None:
    """Serve a sandbox with a PostgreSQL of its own until Ctrl-C: `exchange up`."""
    from exchange.jobs.up import up as run

    run(data_dir, port, lambda line: print(line, flush=True))


def serve() -> None:
    """Serve against the PostgreSQL that EXCHANGE_DATABASE_URL names: `exchange serve`."""
    from exchange import settings

    loaded = settings.load()
    import exchange.jobs.gunicorn_conf  # noqa: F401 - first: it says where processes count together
    from exchange.jobs.serve import serve as run

    run(loaded)


def sequence(
    unwitnessed: Annotated[
        bool, typer.Option("--unwitnessed", help="go on though no witness answers; two people")
    ] = False,
    key_file: KeyFiles = None,
    by: Names = None,
) -> None:
    """Give leaves their index and sign checkpoints, once a second: `exchange sequence`."""
    from exchange import settings
    from exchange.jobs.run_sequencer import run_sequencer
    from exchange.services.log.approve import Approval

    loaded, approval = settings.load(), None
    if unwitnessed:
        act: Act = ("unwitnessed", loaded.consortium, {})
        signers = two_people(key_file, by, names_suffice=loaded.one_person_suffices)
        with open_ports() as ports:
            words = two_sign(act, signers, ports)
        approval = Approval(*words[:2])
    raise typer.Exit(run_sequencer(loaded, unwitnessed=approval))


def work() -> None:
    """Work off record files, oldest first; as many of these as there are cores: `exchange work`."""
    from exchange import settings
    from exchange.jobs.work import run_worker

    run_worker(settings.load())


def deliver() -> None:
    """Ring at members' webhooks when there is an event for them: `exchange deliver`."""
    from exchange import settings
    from exchange.jobs.deliver import run_deliverer

    raise typer.Exit(run_deliverer(settings.load()))


def migrate(
    before_deployment: Annotated[bool, typer.Option(help="only revisions marked pre")] = False,
) -> None:
    """Bring the database to this version's schema: `exchange migrate`."""
    from exchange import settings
    from exchange.store.migrate import migrate as run
    from exchange.store.rights import grant_rights

    url = settings.load().libpq_url
    applied = run(url, before_deployment=before_deployment)
    grant_rights(url)
    print("\n".join(applied) or "nothing to do")
