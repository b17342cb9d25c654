"""`cx log`: write a policy of the pins; verify an access log, or mirror it, by a policy alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from exchange_client.audit.flows import policy_of
from exchange_client.cli.options import Pinned, Telling
from exchange_client.cli.telling import tell
from exchange_client.errors import Outage
from exchange_client.log.mirroring import Mirrored, mirror_log
from exchange_client.log.policy import AGE_SECONDS_MAX, Policy, Witnessed
from exchange_client.log.sources import Folder, Source, Url, is_url
from exchange_client.log.verifying import verify_log


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """Whose signatures count."""

    policy: Annotated[
        Path, typer.Option(envvar="CX_POLICY", help="the log's and its witnesses' keys")
    ]

    def load(self) -> Policy:
        """Read the policy."""
        return Policy.load(self.policy)


def show_policy(telling: Telling, pinned: Pinned) -> None:
    """Write the policy that your pins amount to: the keys of the log, and no witness yet."""
    keys = [key.vkey for key in policy_of(pinned.load()).logs]
    lines = [*(f"log {key}" for key in keys), "quorum none"]
    tell({"log": keys, "quorum": "none"}, "\n".join(lines), as_json=telling.as_json)


def verify(
    telling: Telling,
    trusted: Trusted,
    place: Annotated[str, typer.Argument(help="a folder, or the URL before /checkpoint")],
) -> None:
    """Verify every entry of a log and the root over them: only the policy's keys are needed."""
    policy = trusted.load()
    started = time.perf_counter()
    with _source(place, telling) as source, _progress(telling) as on_entries:
        found = verify_log(source, policy, on_entries)
    if is_url(place):
        policy.check_fresh(found.witnessed, telling.outside.clock(), AGE_SECONDS_MAX)
    seconds = time.perf_counter() - started
    size = found.witnessed.checkpoint.head.size
    shown = {
        **_shown(found.witnessed),
        "verified": True,
        "tiles": found.tiles,
        "entries_per_s": int(size / seconds) if seconds else 0,
    }
    text = f"verified     {size} entries and {found.tiles} tiles of {shown['origin']}\n"
    tell(shown, text + _lines(found.witnessed), as_json=telling.as_json)


def mirror(
    telling: Telling,
    trusted: Trusted,
    url: Annotated[str, typer.Argument(help="the URL before /checkpoint, or another mirror")],
    folder: Annotated[Path, typer.Argument(help="where it is kept")],
    every: Annotated[
        int, typer.Option(min=0, max=86_400, help="pull again after so many seconds; 0: once")
    ] = 0,
) -> None:
    """Pull a log, verify everything, keep it; a fork is refused and both notes are shown."""
    policy = trusted.load()
    _pull(telling, policy, url, folder)
    while every:
        time.sleep(every)
        try:
            _pull(telling, policy, url, folder)
        except Outage as error:  # The next pull goes on where this one stopped.
            tell({"error": error.code}, f"{error.code}: {error}", as_json=telling.as_json)


def _pull(telling: Telling, policy: Policy, url: str, folder: Path) -> None:
    with _source(url, telling) as source, _progress(telling) as on_entries:
        pulled = mirror_log(source, folder, policy, on_entries)
    if is_url(url):
        policy.check_fresh(pulled.witnessed, telling.outside.clock(), AGE_SECONDS_MAX)
    shown = {**_shown(pulled.witnessed), "fresh": pulled.after - pulled.before}
    tell(shown, _mirrored(pulled), as_json=telling.as_json)


@contextmanager
def _source(place: str, telling: Telling) -> Iterator[Source]:
    if not is_url(place):
        yield Folder(Path(place))
        return
    with Url(place, telling.outside.transport) as source:
        yield source


@contextmanager
def _progress(telling: Telling) -> Iterator[Callable[[int], None]]:
    """Show how many entries were read, where a person watches."""
    console = Console(stderr=True)
    with Progress(console=console, disable=telling.as_json or not console.is_terminal) as bar:
        task = bar.add_task("entries", total=None)
        yield lambda count: bar.update(task, completed=count)


def _shown(witnessed: Witnessed) -> dict[str, object]:
    checkpoint = witnessed.checkpoint
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.head.size,
        "root": checkpoint.head.root.hex(),
        "cosigned_at": dict(checkpoint.cosigned_at),
        "quorum_at": witnessed.quorum_at,
    }


def _mirrored(pulled: Mirrored) -> str:
    fresh = pulled.after - pulled.before
    return f"mirrored     {pulled.after} entries, {fresh} of them new\n" + _lines(pulled.witnessed)


def _lines(witnessed: Witnessed) -> str:
    checkpoint = witnessed.checkpoint
    lines = [f"root         {checkpoint.head.root.hex()}"]
    lines += [f"cosigned     {name} at {at}" for name, at in checkpoint.cosigned_at.items()]
    if not checkpoint.cosigned_at:
        lines.append("not checked: witnesses; the policy names none that has cosigned")
    return "\n".join(lines)
