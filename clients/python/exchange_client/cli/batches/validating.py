"""`cx batch validate`: check a file offline, by the exchange's rules that need nothing stored."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from exchange_client._consent.profiles import Profile
from exchange_client.batches.files import BatchFile, BatchHeader, build, is_batch
from exchange_client.batches.flows import RowFault
from exchange_client.batches.rows import drafts, jsonable, read_rows
from exchange_client.cli.batches.fetching import fault_lines
from exchange_client.cli.options import Telling
from exchange_client.cli.telling import REFUSED, tell
from exchange_client.core.ids import new_id
from exchange_client.errors import UsageError
from exchange_client.identifiers import Identifier
from exchange_client.validating.explaining import RowCode, explained
from exchange_client.validating.files import validate as find
from exchange_client.validating.profiles import circumstances_under, profile_named

DEFAULT_PROFILE: Final = "cn@1"  # of rows, which name none


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """By which rules a file is judged."""

    profile: Annotated[
        str | None,
        typer.Option(help="of the jurisdiction, e.g. cn@1; by default the one that a batch names"),
    ] = None
    today: Annotated[
        str | None, typer.Option(help="YYYY-MM-DD where the member is; by default this machine's")
    ] = None

    def named(self, batch: str | None) -> Profile:
        """Return the profile.

        Args:
            batch: what the header of a batch names; None for rows.
        """
        profile = profile_named(self.profile or batch or DEFAULT_PROFILE)
        if batch is not None and batch != profile.ref:
            raise UsageError(f"profile: the file is of another one than {profile.ref}")
        return profile

    def day(self) -> date:
        """Return the day, where the member is."""
        try:
            # A plain day, as rows have it.
            return date.fromisoformat(self.today) if self.today else date.today()  # noqa: DTZ011 - see above
        except ValueError:
            raise UsageError("--today: not a date") from None


def validate(
    telling: Telling,
    rules: Rules,
    file: Annotated[Path, typer.Argument(help="a batch file, or rows with `identifiers`")],
    explain: Annotated[
        bool, typer.Option(help="say what each code asks, why, and how an honest export breaks it")
    ] = False,
) -> None:
    """Check a file offline; leaves with 1 if a row is faulty. Grants and history are not seen."""
    batch = BatchFile.load(file) if is_batch(file) else None
    profile = rules.named(batch.profile if batch else None)
    judged_in = circumstances_under(profile, rules.day())
    faults = find(batch or _batch_of(file, profile), judged_in)
    refused = sum(fault.severity == "REJECT" for fault in faults)
    shown: dict[str, object] = {"file": str(file), "faults": [asdict(one) for one in faults]}
    lines = _lines(file, faults)
    if explain:
        told = explained({one.code for one in faults})
        shown["codes"] = {code: asdict(one) for code, one in told.items()}
        lines = "\n".join([lines, *(_explanation(code, one) for code, one in told.items())])
    tell(shown, lines, as_json=telling.as_json)
    if refused:
        raise typer.Exit(REFUSED)


def _batch_of(file: Path, profile: Profile) -> BatchFile:
    """Return the batch that a member's rows would make."""
    taken = drafts(read_rows(file))
    rows = [
        jsonable(row.with_tokens({one: _stand_in(one) for one in row.identifiers})) for row in taken
    ]
    header = BatchHeader(
        batch_id=new_id("bat"),
        member="member",
        epoch="ep_1",
        profile=profile.ref,
        sequence=1,
        created=0,
    )
    return build(header, rows)


def _stand_in(identifier: Identifier) -> bytes:
    """Stand in for a token, which only the exchange's evaluator could help to make."""
    return hashlib.sha512(repr((identifier.kind, hash(identifier))).encode()).digest()


def _explanation(code: str, told: RowCode) -> str:
    return (
        f"{code}: {told.rule}\n  source: {told.source}\n  prevents: {told.harm}\n"
        f"  innocent: {told.innocent}"
    )


def _lines(file: Path, faults: list[RowFault]) -> str:
    return "\n".join([f"{file}: {len(faults)} faults and warnings", *fault_lines(faults)])
