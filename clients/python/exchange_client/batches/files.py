"""Build one batch file: header, rows, trailer with control totals.

In:  rows with tokens, and the options of the batch.
Out: a BatchFile, the exact bytes to send. The same id with the same bytes is the same batch.
Source: the record rules of the exchange, section "Batches".
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, TypedDict

from exchange_client.batches.packing import MEDIA, gzipped, packing_of, unpacked, zstandard
from exchange_client.core.calls import NDJSON_TYPE
from exchange_client.core.encoding import JSON, dumps, loads_object
from exchange_client.core.ids import check_id
from exchange_client.errors import UsageError
from exchange_client.merkle import root_of_leaves

FORMAT: Final = "cx-batch/1"
NORM: Final = "norm_v1"
CSV_START: Final = b"#cx-batch "
CSV_TYPE: Final = "text/csv"
SUMMED: Final = ("balance_minor", "overdue_minor")


class UploadOptions(TypedDict, total=False):
    """What a member may say about a batch; every option has a default."""

    profile: str  # e.g. `cn@1`; by default the first that the exchange lists
    kind: Literal["DELTA", "FULL"]  # FULL: open accounts that are missing are listed as absent
    mode: Literal["ACCEPT_PARTIAL", "ALL_OR_NOTHING"]
    dry_run: bool
    sequence: int  # greater than every earlier one of the member; by default milliseconds
    batch_id: str  # `bat_…`; by default a new one


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHeader:
    """The first line of a batch file."""

    batch_id: str
    member: str
    epoch: str
    profile: str
    kind: str = "DELTA"
    mode: str = "ACCEPT_PARTIAL"
    dry_run: bool = False
    sequence: int
    created: int  # unix seconds

    def line(self, as_of: Sequence[str]) -> bytes:
        """Write the header of rows with these days."""
        return dumps(
            {
                "format": FORMAT,
                "batch_id": self.batch_id,
                "member": self.member,
                "epoch": self.epoch,
                "norm": NORM,
                "profile": self.profile,
                "kind": self.kind,
                "mode": self.mode,
                "dry_run": self.dry_run,
                "sequence": self.sequence,
                "as_of_from": min(as_of),
                "as_of_to": max(as_of),
                "created": self.created,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """The exact bytes of a batch. Keep them to send the same batch again."""

    batch_id: str
    content: bytes = field(repr=False)  # unpacked
    packed: bytes | None = field(default=None, repr=False)  # gzip or zstd, if it is sent so

    @property
    def sent(self) -> bytes:
        """The bytes that go over the wire."""
        return self.content if self.packed is None else self.packed

    @property
    def media(self) -> str:
        """The media type of what is sent."""
        if self.packed is not None:
            return MEDIA[packing_of(self.packed) or b""]
        return CSV_TYPE if self.content.startswith(CSV_START) else NDJSON_TYPE

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file: with the id, the name under which it is idempotent."""
        return hashlib.sha256(self.content).digest()

    @property
    def profile(self) -> str:
        """The profile that the header names, e.g. `cn@1`."""
        return str(_header(self.content).get("profile"))

    @property
    def row_lines(self) -> list[bytes]:
        """The exact bytes of each row, without its line end."""
        lines = self.content.split(b"\n")[:-1]
        if lines and lines[0].endswith(b"\r"):
            lines = [line[:-1] for line in lines]
        return lines[2 if self.content.startswith(CSV_START) else 1 : -1]

    @property
    def rows_root(self) -> bytes:
        """The RFC 6962 root over the rows, as the receipt must state it."""
        return root_of_leaves(self.row_lines)

    def gzipped(self) -> BatchFile:
        """Return the same batch, to be sent as one gzip member; always the same bytes."""
        return replace(self, packed=gzipped(self.content))

    def zstandard(self) -> BatchFile:
        """Return the same batch, to be sent as one zstd frame.

        Raises:
            UsageError: the extra `[zstd]` is not installed.
        """
        return replace(self, packed=zstandard(self.content))

    def save(self, path: Path | str) -> None:
        """Keep the file. It holds tokens and no identifier."""
        Path(path).write_bytes(self.sent)

    @classmethod
    def load(cls, path: Path | str) -> BatchFile:
        """Read a batch file that was built before: NDJSON or CSV, plain, gzip or zstd.

        Raises:
            UsageError: it is none.
        """
        sent = Path(path).read_bytes()
        packed = sent if packing_of(sent) else None
        try:
            content = unpacked(sent)
            header = _header(content)
        except (UsageError, ValueError) as error:
            raise UsageError(f"{path}: no batch file: {error}") from None
        if header.get("format") != FORMAT or not content.rstrip(b"\r\n").endswith(b"}"):
            raise UsageError(f"{path}: no whole {FORMAT} file")
        batch_id = check_id("bat", str(header.get("batch_id")))
        return cls(batch_id=batch_id, content=content, packed=packed)


def _header(content: bytes) -> dict[str, JSON]:
    return loads_object(content.partition(b"\n")[0].removeprefix(CSV_START))


def is_batch(path: Path) -> bool:
    """Tell by its first bytes whether a file is a batch, and not a member's own rows."""
    with path.open("rb") as opened:
        start = opened.read(64)
    return start.startswith((*MEDIA, CSV_START)) or b'"format":"cx-batch/' in start


def build(header: BatchHeader, rows: Sequence[Mapping[str, object]]) -> BatchFile:
    """Write the file of these rows.

    Raises:
        UsageError: there is no row, or one without `as_of`.
    """
    if not rows:
        raise UsageError("a batch needs at least one row")
    body = b"".join(dumps(dict(row)) + b"\n" for row in rows)
    lines = (header.line([_day(row) for row in rows]), b"\n", body, _trailer(rows, body), b"\n")
    return BatchFile(batch_id=header.batch_id, content=b"".join(lines))


def _trailer(rows: Sequence[Mapping[str, object]], body: bytes) -> bytes:
    return dumps(
        {
            "rows": len(rows),
            "rows_by_status": Counter(str(_status(row)) for row in rows),
            "sums": _sums(rows),
            "rows_sha256": hashlib.sha256(body).hexdigest(),
        }
    )


def _status(row: Mapping[str, object]) -> object:
    return row.get("reason") if row.get("op") == "DELETE" else row.get("status")


def _day(row: Mapping[str, object]) -> str:
    day = row.get("as_of")
    if not isinstance(day, str):
        raise UsageError("a row needs `as_of`, a date")
    return day


def _sums(rows: Sequence[Mapping[str, object]]) -> dict[str, dict[str, int]]:
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        currency = row.get("currency")
        if not isinstance(currency, str):
            continue
        of_currency = sums.setdefault(currency, dict.fromkeys(SUMMED, 0))
        for name in SUMMED:
            amount = row.get(name)
            of_currency[name] += amount if isinstance(amount, int) else 0
    return sums
