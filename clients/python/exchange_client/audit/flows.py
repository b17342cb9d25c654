"""What a regulator asks the exchange for: searches, exports, opened persons, findings."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from exchange_client.audit.manifest import read_manifest
from exchange_client.core.calls import Flow, get, post_json
from exchange_client.core.encoding import JSON, b64url
from exchange_client.core.setup import Desk
from exchange_client.core.tokens import evaluate
from exchange_client.errors import UnverifiedResponse, UsageError
from exchange_client.identifiers import Identifier
from exchange_client.log.mirroring import keep
from exchange_client.log.policy import STATEMENTS, Policy
from exchange_client.notes import ED25519, VerifierKey, key_id, parse_vkey
from exchange_client.pins import Pins

EXPORT_ENTRIES = 10_000  # of one part, where the exchange names no limit
PAGE_ROWS = 500
MANIFEST = "manifest"  # with it, a part is whole
_NOT_OVERWRITTEN = "holds an export already; nothing is overwritten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found: its rows, their number, and the checkpoint they reflect."""

    rows: list[Mapping[str, JSON]]
    total: int
    checkpoint: str


def search(asked: Mapping[str, str], *, rows_max: int) -> Flow[Found]:
    """Search the log, page after page, up to so many rows."""
    rows: list[Mapping[str, JSON]] = []
    arguments = {**asked, "limit": str(min(PAGE_ROWS, rows_max))}
    while True:
        page = (yield get(f"/audit/v1/entries?{urlencode(arguments)}")).json()
        listed, cursor = page.get("entries"), page.get("next")
        total, checkpoint = page.get("total"), page.get("checkpoint")
        if not isinstance(listed, list) or type(total) is not int:
            raise UnverifiedResponse("a page without entries or total")
        rows += [row for row in listed if isinstance(row, dict)]
        if not isinstance(cursor, str) or len(rows) >= rows_max:
            return Found(rows=rows[:rows_max], total=total, checkpoint=str(checkpoint))
        arguments["cursor"] = cursor


def export(pins: Pins, folder: Path, first: int, end: int | None) -> Flow[list[Path]]:
    """Export a range into a folder, in as many parts as the exchange's limit asks for.

    All parts show the checkpoint that the log had when the first was asked for. An export in parts
    that was cut goes on with those that the folder has not got whole.

    Raises:
        UsageError: the range is empty, or the folder holds an export: nothing is overwritten.
        InclusionInvalid, LogInvalid: a part in the folder is none of this exchange's.
    """
    log = (yield get("/audit/v1/log")).json()
    size = log["size"]
    if type(size) is not int:
        raise UnverifiedResponse("the log has no size")
    whole = {one.parent for one in folder.glob(f"*/{MANIFEST}")}
    for part in whole:
        size = read_manifest((part / MANIFEST).read_bytes(), policy_of(pins)).size
    stop = size if end is None else end
    limit = pins.limits.get("export_entries_max")
    step = limit if isinstance(limit, int) else EXPORT_ENTRIES
    parts = [(at, min(at + step, stop)) for at in range(first, stop, step)]
    if not parts:
        raise UsageError("the range is empty")
    places = [folder if len(parts) == 1 else folder / f"{at}-{last}" for at, last in parts]
    if whole.issuperset(places):
        raise UsageError(f"{folder}: {_NOT_OVERWRITTEN}")
    for (start, last), place in zip(parts, places, strict=True):
        if place not in whole:
            query = urlencode({"from_index": start, "to_index": last, "size": size})
            unpack((yield get(f"/audit/v1/export?{query}")).body, place)
    return places


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Why a person is opened, and until when that person does not read of it."""

    name: str
    embargo_until: int | None = None  # unix seconds; in the leaves of the log, for good

    def said(self) -> dict[str, object]:
        """Write what both persons say."""
        if self.embargo_until is None:
            return {"case": self.name}
        return {"case": self.name, "embargo_until": self.embargo_until}


def ask_subject(
    desk: Desk, identifiers: Sequence[Identifier], case: Case, opening_id: str
) -> Flow[Mapping[str, JSON]]:
    """Ask to open a person; another person of the authority releases it.

    Args:
        opening_id: made by the caller with `new_id("opn")`: asked again, it is the same opening.
    """
    epoch = desk.pins.current_epoch
    tokens = yield from evaluate(identifiers, epoch)
    body: dict[str, object] = {
        "opening_id": opening_id,
        "epoch": epoch.epoch,
        "tokens": [b64url(tokens[one]) for one in identifiers],
        **case.said(),
    }
    return (yield post_json("/audit/v1/subjects", body)).json()


def release_subject(opening_id: str, case: Case) -> Flow[Mapping[str, JSON]]:
    """Release a person that another person of the authority asked to open."""
    return (yield post_json(f"/audit/v1/subjects/{opening_id}/release", case.said())).json()


def fetch(what: str, asked: Mapping[str, str]) -> Flow[Mapping[str, JSON]]:
    """Fetch one of the authority's lists: `log`, `flags`, `lend-first`, `compliance`."""
    query = f"?{urlencode(asked)}" if asked else ""
    return (yield get(f"/audit/v1/{what}{query}")).json()


def unpack(packed: bytes, folder: Path) -> None:
    """Lay the files of an export out, its manifest last; none has a way out of its folder."""
    if (folder / MANIFEST).exists():
        raise UsageError(f"{folder}: {_NOT_OVERWRITTEN}")
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for member in sorted(tar.getmembers(), key=lambda one: one.name == MANIFEST):
            parts = Path(member.name).parts
            content = tar.extractfile(member) if member.isfile() else None
            if content is None or ".." in parts or Path(member.name).is_absolute():
                raise UnverifiedResponse("the export holds something that is no file of it")
            keep(folder.joinpath(*parts), content.read())


def policy_of(pins: Pins) -> Policy:
    """Return the policy that the pins amount to: the log's key, the statement key, no witness."""
    log = parse_vkey(pins.log_vkey)
    name = f"{pins.log_origin.rpartition('/access/')[0]}{STATEMENTS}"
    typed = bytes([ED25519]) + pins.statement_key
    statements = VerifierKey(
        name=name, kind=ED25519, public_key=pins.statement_key, key_id=key_id(name, typed)
    )
    return Policy(logs=(log, statements))
