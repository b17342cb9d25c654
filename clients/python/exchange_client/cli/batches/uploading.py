"""`cx upload`: report a batch of records. Identifiers in the file are blinded here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from exchange_client.batches.files import BatchFile, UploadOptions, is_batch
from exchange_client.batches.flows import RowFault
from exchange_client.batches.receipts import BatchReceipt
from exchange_client.batches.rows import read_rows
from exchange_client.batches.sending import Progress
from exchange_client.cli.batches.fetching import absent_lines, fault_lines
from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.telling import REFUSED, tell
from exchange_client.errors import Refused, UsageError

FAULT_SHARE: Final = "batch.fault_share"  # too many rows were faulty, or one of all


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """How the batch is to be taken."""

    dry_run: Annotated[bool, typer.Option("--dry-run", help="check it, store nothing")] = False
    full: Annotated[
        bool, typer.Option("--full", help="it holds every open account: list those it lacks")
    ] = False
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="one faulty row refuses the batch")
    ] = False
    receipt: Annotated[Path | None, typer.Option(help="file to keep the receipt in")] = None
    gzip: Annotated[bool, typer.Option("--gzip", help="send it packed")] = False
    zstd: Annotated[bool, typer.Option("--zstd", help=r"the same, with the extra \[zstd]")] = False
    keep: Annotated[
        Path | None,
        typer.Option(help="keep the batch as sent: to send it again goes on where it stopped"),
    ] = None

    @property
    def options(self) -> UploadOptions:
        """The same in the words of the SDK."""
        return {
            "dry_run": self.dry_run,
            "kind": "FULL" if self.full else "DELTA",
            "mode": "ALL_OR_NOTHING" if self.all_or_nothing else "ACCEPT_PARTIAL",
        }

    def packed(self, file: BatchFile) -> BatchFile:
        """Pack a file as was asked, unless it is packed already."""
        if self.gzip and self.zstd:
            raise UsageError("--gzip, --zstd: one of the two")
        if file.packed is not None or not (self.gzip or self.zstd):
            return file
        return file.gzipped() if self.gzip else file.zstandard()


def upload(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    batch: Batch,
    file: Annotated[
        Path,
        typer.Argument(help="rows with `identifiers` (NDJSON, or .csv), or a batch that was kept"),
    ],
) -> None:
    """Report a batch of records; leaves with 1 if a row was faulty."""
    if batch.receipt is not None and batch.receipt.exists():
        raise UsageError(f"{batch.receipt}: stands already; a receipt is never overwritten")
    with open_exchange(telling, pinned, keyed) as exchange, _drawn() as on_progress:
        if is_batch(file):
            prepared = BatchFile.load(file)
        else:
            prepared = exchange.prepare_batch(read_rows(file), **batch.options)
        prepared = batch.packed(prepared)
        if batch.keep is not None:
            prepared.save(batch.keep)
        try:
            taken = exchange.upload(prepared, on_progress=on_progress)
        except Refused as error:
            if error.code != FAULT_SHARE:
                raise
            _tell_refused(error, exchange.faults(prepared.batch_id), prepared, telling)
            raise typer.Exit(REFUSED) from error
        if batch.receipt is not None:
            taken.save(batch.receipt)
        faults = exchange.faults(taken.batch_id) if taken.faulted or taken.warned else []
        absent = exchange.absent(taken.batch_id) if taken.absent else []
    counts = ", ".join(f"{getattr(taken, name)} {name}" for name in _COUNTS)
    dry = "dry run, nothing was stored: " if taken.leaf is None else ""
    lines = [f"{taken.batch_id}: {dry}{counts}", *fault_lines(faults), *absent_lines(absent)]
    shown = _shown(taken, faults) | {"account_refs_absent": absent}
    tell(shown, "\n".join(lines), as_json=telling.as_json)
    if not taken.whole:
        raise typer.Exit(REFUSED)


def _tell_refused(
    error: Refused, faults: list[RowFault], file: BatchFile, telling: Telling
) -> None:
    """Name every row that refused the file, by its line as the fault file does."""
    shown: dict[str, object] = {
        "error": error.code,
        "message": str(error),
        "batch_id": file.batch_id,
        "faults": [asdict(one) for one in faults],
    }
    told = f"{file.batch_id}: {error.code}: nothing was stored"
    tell(shown, "\n".join([told, *fault_lines(faults)]), as_json=telling.as_json)


@contextmanager
def _drawn() -> Iterator[Callable[[Progress], None]]:
    """Draw progress on stderr; without a terminal nothing is drawn."""
    console = Console(stderr=True)
    left = TextColumn("{task.fields[left]}")
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), left)
    with Bar(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=None, left="")

        def on_progress(progress: Progress) -> None:
            bar.update(
                task,
                description=progress.stage,
                completed=progress.done,
                total=progress.total or None,
                left="" if progress.seconds_left is None else f"{progress.seconds_left} s left",
            )

        yield on_progress


_COUNTS: Final = ("stored", "unchanged", "amended", "deleted", "faulted", "warned", "absent")


def _shown(taken: BatchReceipt, faults: list[RowFault]) -> dict[str, object]:
    return {
        "batch_id": taken.batch_id,
        "dry_run": taken.leaf is None,
        **{name: getattr(taken, name) for name in _COUNTS},
        "faults": [asdict(one) for one in faults],
        "receipt": taken.text,
    }
