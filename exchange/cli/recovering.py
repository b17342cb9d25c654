"""`exchange recover`: give up a log that cannot be continued, and open another under a new key."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.signing import Act, KeyFiles, Names, two_people, two_sign


def recover(
    key_file: KeyFiles = None,
    by: Names = None,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="what was signed and is gone stays gone")
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="the last cosigned one, from a witness or a mirror [the outside file]"),
    ] = None,
) -> None:
    """Open the log that `log_restart` names, in place of one whose database is lost.

    Prints each receipt that will never be proven, one a line: leaf hash, kind, member, time.

    Example: exchange recover --accept-loss --key-file lena.json --key-file omar.json
    """
    from exchange import settings
    from exchange.app.ports import make_ports, open_database
    from exchange.services.log.approve import Approval
    from exchange.services.log.ports import LogPorts
    from exchange.services.log.recover_log import recover_log
    from exchange.store.log.checkpoint_file import CheckpointFiles

    if not accept_loss:
        raise ValueError("nothing was done: it takes --accept-loss; first look for a newer copy")
    current = settings.load()
    signers = two_people(key_file, by, names_suffice=current.one_person_suffices)
    with closing(open_database(current)) as database:
        ports = LogPorts(ports=make_ports(current, database), begin=database.begin)
        act: Act = ("log_given_up", current.log_restart or "", {})
        words = two_sign(act, signers, ports.ports)
        read = CheckpointFiles(current.checkpoint_file).read
        note = None if checkpoint is None else checkpoint.read_bytes()
        done = recover_log(Approval(*words[:2]), note, read, ports)
    print(f"{done.given_up} given up at {done.signed_size} signed leaves, {done.held} of them here")
    print(f"{done.opened} opened; every member pins it anew, by `cx pin`")
    for one in done.unproven:
        print(f"{one.leaf} {one.kind} {one.member or '-'} {one.t}")
