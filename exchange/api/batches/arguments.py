"""Read what the target of a request about a file says, each name once and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from exchange.api.edge.transport import CSV_TYPE, LINES_TYPE, PART_TYPE
from exchange.domain.batches import Packing
from exchange.domain.ids import parse
from exchange.domain.queries import Asker
from exchange.errors import InvalidField, WrongMediaType
from exchange.services.batches.ports import BatchKey
from exchange.services.batches.take_part import Part

LIST_MAX = 10_000  # entries of one answer
LINE = re.compile(r"0|[1-9][0-9]{0,8}")
ACCOUNT = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_COUNT = re.compile(r"0|[1-9][0-9]{0,14}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PART = ("batch", "offset", "total", "sha256")

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # refused later, with its line
_STARTS = {
    LINES_TYPE: b"{",
    CSV_TYPE: b"#",
    "application/gzip": Packing.GZIP.value,
    "application/zstd": Packing.ZSTD.value,
}

Arguments = Mapping[str, Sequence[str]]


def part_arguments(arguments: Arguments, media: str | None, body: bytes) -> Part | None:
    """Return where a part belongs; None for a file that is sent whole.

    Args:
        media: what the body is said to be.

    Raises:
        InvalidField: a name is unknown, missing or stands twice, or its value is not in its form.
        WrongMediaType: the body is not what it is said to be.
    """
    if not arguments:
        start = _STARTS.get(media or "")
        if start is None or not body.removeprefix(_BYTE_ORDER_MARK).startswith(start):
            raise WrongMediaType("the body is not what its Content-Type says")
        return None
    given = _once(arguments, _PART)
    for name in _PART:
        form = _SHA256 if name == "sha256" else _COUNT
        if name not in given or (name != "batch" and not form.fullmatch(given[name])):
            raise InvalidField("is missing or not in its form", field=name)
    if media != PART_TYPE:
        raise WrongMediaType(f"a part is {PART_TYPE}")
    return Part(
        batch_id=parse("bat", given["batch"], field="batch"),
        offset=int(given["offset"]),
        total=int(given["total"]),
        digest=bytes.fromhex(given["sha256"]),
    )


def list_arguments(arguments: Arguments, form: re.Pattern[str]) -> tuple[str, bool]:
    """Return what a list goes on behind ("" for its start), and whether it is asked for as CSV.

    Args:
        form: of what a list can go on behind.

    Raises:
        InvalidField: a name is unknown or stands twice, or its value is not in its form.
    """
    given = _once(arguments, ("after", "format"))
    after, spelled = given.get("after", ""), given.get("format", "ndjson")
    if after and not form.fullmatch(after):
        raise InvalidField("is not in its form", field="after")
    if spelled not in ("ndjson", "csv"):
        raise InvalidField("must be ndjson or csv", field="format")
    return after, spelled == "csv"


def batch_key(batch_id: str, caller: Asker) -> BatchKey:
    """Return which file of the caller a path names.

    Raises:
        AbsentError: it is no id.
    """
    return BatchKey(caller.member, parse("bat", batch_id, field="batch_id"))


def _once(arguments: Arguments, names: Sequence[str]) -> dict[str, str]:
    for name, values in arguments.items():
        if name not in names:
            raise InvalidField("there is no such argument here")
        if len(values) != 1:
            raise InvalidField("stands twice", field=name)
    return {name: values[0] for name, values in arguments.items()}
