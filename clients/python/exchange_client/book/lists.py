"""Read the member's own lists of accounts: flags, events, collectors; CSV files with a header.

Every fault is named by file, line and column, never by its value.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from exchange_client.book.collecting import FLAGS, Event
from exchange_client.core.encoding import loads_object
from exchange_client.errors import UsageError
from exchange_client.validating.forms import is_date

LINES_MAX: Final = 1_000_000
FEED_BYTES_MAX: Final = 64 << 20
SECONDS_END: Final = 2**33  # in the year 2242


def read_flags(path: Path) -> dict[str, set[str]]:
    """Read `account_ref,flag`; an account may stand there several times.

    Raises:
        UsageError: another header, or a flag that does not exist.
    """
    flags: dict[str, set[str]] = {}
    for line, cells in _lines(path, ("account_ref", "flag")):
        if cells["flag"] not in FLAGS:
            raise UsageError(f"{path}: line {line}: flag: must be one of {', '.join(FLAGS)}")
        flags.setdefault(cells["account_ref"], set()).add(cells["flag"])
    return flags


def read_events(path: Path) -> list[Event]:
    """Read what watches told: `kind,account_ref,day`, or what `cx events --json` wrote.

    Raises:
        UsageError: another header, a day that is none, or no such JSON.
    """
    if path.suffix == ".json":
        return _feed(path)
    events = []
    for line, cells in _lines(path, ("kind", "account_ref", "day")):
        if not is_date(cells["day"]):
            raise UsageError(f"{path}: line {line}: day: must be YYYY-MM-DD")
        day = date.fromisoformat(cells["day"])
        events.append(Event(kind=cells["kind"], account_ref=cells["account_ref"], day=day))
    return events


def _feed(path: Path) -> list[Event]:
    """Read a feed as it was fetched; what speaks of no account is left out."""
    with path.open("rb") as file:
        content = file.read(FEED_BYTES_MAX + 1)
    if len(content) > FEED_BYTES_MAX:
        raise UsageError(f"{path}: longer than {FEED_BYTES_MAX} bytes")
    try:
        listed = loads_object(content).get("events")
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        raise UsageError(f"{path}: not what `cx events --json` writes")
    return [event for one in listed if (event := _told(one))]


def _told(one: object) -> Event | None:
    told = one if isinstance(one, dict) else {}
    kind, made_at, facts = told.get("kind"), told.get("made_at"), told.get("facts")
    account = facts.get("account_ref") if isinstance(facts, dict) else None
    if not isinstance(kind, str) or not isinstance(account, str):
        return None
    if not isinstance(made_at, int) or not 0 <= made_at < SECONDS_END:
        return None
    day = datetime.fromtimestamp(made_at, UTC).astimezone().date()  # where this machine is
    return Event(kind=kind, account_ref=account, day=day)


def read_placed(path: Path) -> dict[str, str]:
    """Read `account_ref,collector`: which account was given to whom.

    Raises:
        UsageError: another header, or an account given twice.
    """
    placed: dict[str, str] = {}
    for line, cells in _lines(path, ("account_ref", "collector")):
        if cells["account_ref"] in placed:
            raise UsageError(f"{path}: line {line}: account_ref: given twice")
        placed[cells["account_ref"]] = cells["collector"]
    return placed


def read_allowed(path: Path) -> set[str]:
    """Read `collector`: the allow-list, one a line.

    Raises:
        UsageError: another header.
    """
    return {cells["collector"] for _, cells in _lines(path, ("collector",))}


def _lines(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            if next(reader, []) != list(columns):
                raise UsageError(f"{path}: line 1: must be {','.join(columns)}")
            for cells in reader:
                line = reader.line_num
                if line > LINES_MAX:
                    raise UsageError(f"{path}: more than {LINES_MAX} lines")
                if len(cells) != len(columns):
                    raise UsageError(f"{path}: line {line}: must have {len(columns)} cells")
                named = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
                if empty := next((name for name, cell in named.items() if not cell), None):
                    raise UsageError(f"{path}: line {line}: {empty}: is empty")
                yield line, named
    except (UnicodeDecodeError, csv.Error):
        raise UsageError(f"{path}: after line {line}: no CSV in UTF-8") from None
