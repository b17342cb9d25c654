"""The hostile corpus about formats: A43 packed files, A44 CSV.

Each refusal leaves nothing behind: no record, no account, no batch that counts, no leaf.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from backports import zstd
from werkzeug.test import TestResponse

from tests.hostile.rows.looking import fault_of, framed
from tests.support.batches import dumps
from tests.support.csv_files import COLUMNS, csv_file, csv_line, framed_csv
from tests.support.grant_desk import answer_claims, refusal
from tests.support.record_desk import RecordDesk

GZIP, ZSTD = "application/gzip", "application/zstd"
PACKINGS = pytest.mark.parametrize(
    ("media", "packed"), [(GZIP, gzip.compress), (ZSTD, zstd.compress)], ids=["gzip", "zstd"]
)
Pack = Callable[[bytes], bytes]
SEMICOLONS = COLUMNS.replace(",", ";").encode()


def send(desk: RecordDesk, content: bytes, media: str) -> TestResponse:
    """Send a file as what it is said to be."""
    return desk.post("POST", "/v1/batches", content, media)


def header_of(desk: RecordDesk) -> Mapping[str, object]:
    """Return a right header."""
    return desk.header()


def archive(kind: str, content: bytes) -> bytes:
    """Put a file into an archive of this kind."""
    packed = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as made:
            made.writestr("rows.ndjson", content)
    else:
        with tarfile.open(fileobj=packed, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("rows.ndjson"))
    return packed.getvalue()


@pytest.mark.usefixtures("untouched")
@PACKINGS
def test_a43_a_bomb_is_refused_before_it_is_unpacked(
    desk: RecordDesk, media: str, packed: Pack
) -> None:
    """One kilobyte must not become a gigabyte in the exchange's memory."""
    start = desk.file([desk.clean()]).split(b"\n")[0] + b"\n"
    bomb = packed(start + (b" " * 127 + b"\n") * (1 << 18))

    refused = send(desk, bomb, media)

    assert (413, "request.too_large", "") == refusal(refused)
    assert "20 times its length" in refused.get_json()["detail"]


@pytest.mark.usefixtures("untouched")
@PACKINGS
@pytest.mark.parametrize(
    "spoil",
    [
        lambda packed, content: packed(content) + packed(content),
        lambda packed, content: packed(content) + b"tail",
        lambda packed, content: packed(packed(content)),
        lambda packed, content: packed(content)[:12] + b"\xff" * 4_000,
        lambda packed, content: archive("zip", content),
        lambda packed, content: archive("tar", content),
        lambda packed, content: packed(archive("tar", content)),
        lambda packed, content: content,
    ],
    ids=["two members", "tail", "twice", "broken", "zip", "tar", "packed tar", "plain"],
)
def test_a43_a_file_is_packed_once_and_in_one_piece(
    desk: RecordDesk, spoil: Callable[[Pack, bytes], bytes], media: str, packed: Pack
) -> None:
    """What two programs could unpack differently is refused."""
    refused = send(desk, spoil(packed, desk.file([desk.clean()])), media)

    assert (415, "request.media_type", "") == refusal(refused)


@pytest.mark.usefixtures("untouched")
@PACKINGS
def test_a43_packed_bytes_that_end_too_early_are_truncated(
    desk: RecordDesk, media: str, packed: Pack
) -> None:
    """Half a packed file is half a file."""
    sent = packed(desk.file([desk.clean(1, f"a-{n}") for n in range(9)]))

    assert (400, "batch.truncated", "") == refusal(send(desk, sent[:-20], media))


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda content: b"\xef\xbb\xbf" + content, 1),
        (lambda content: content.replace(COLUMNS.encode(), COLUMNS.encode() + b",dpd"), 2),
        (lambda content: content.replace(COLUMNS.encode(), b"," * 9_999), 2),
        (lambda content: content.replace(COLUMNS.encode(), b"c," * 2_000 + b"c"), 2),
        (lambda content: content.replace(b"account_ref,id", b"id,account_ref", 1), 2),
        (
            lambda content: content.replace(COLUMNS.encode(), COLUMNS.encode().replace(b",", b";")),
            2,
        ),
        (lambda content: content.replace(b"PUT,a-1", b"PUT,a\r-1", 1), 3),
        (lambda content: content + b"\n", 6),
        (lambda content: content.replace(b"\n#cx-end", b"\n\n#cx-end"), 5),
        (lambda content: content.replace(b"PUT,a-1", b"PUT,a" + b"x" * (1 << 20), 1), 3),
    ],
    ids=[
        "BOM",
        "column twice",
        "10,000 columns",
        "2,001 columns",
        "order",
        ";",
        "CR",
        "empty last line",
        "empty line before the trailer",
        "1 MiB cell",
    ],
)
def test_a44_a_broken_csv_frame_names_its_line(
    desk: RecordDesk, spoil: Callable[[bytes], bytes], line: int
) -> None:
    """There is one dialect, and the lender is told where its export leaves it."""
    content = csv_file([desk.clean(1, "a-1"), desk.clean(2, "a-2")], header_of(desk))

    refused = send(desk, spoil(content), "text/csv")

    assert (422, "batch.rule", f"/{line - 1}", "batch.line") == fault_of(refused)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: line.replace(b"a-1", b"a\0-1"),
        lambda line: line.replace(b",", b";"),
        lambda line: line + b",",
        lambda line: line.replace(b"a-1", b'"a-1'),
        lambda line: line.replace(b"a-1", b'a"-1'),
        lambda line: line.replace(b"a-1", b'"a"-1'),
        lambda line: line.replace(b"a-1", b"\xff\xfe"),
        lambda line: b"+AFAAVQBU-",
        lambda line: b'#cx-batch {"format":"cx-batch/1"}',
    ],
    ids=[
        *("NUL", ";", "one cell more", "open quote", "bare quote", "tail", "no UTF-8", "UTF-7"),
        "header again",
    ],
)
def test_a44_a_csv_line_that_is_none_refuses_the_file(
    desk: RecordDesk, spoil: Callable[[bytes], bytes]
) -> None:
    """A line that two readers could cut differently is nobody's record."""
    row = desk.clean(1, "a-1")
    content = framed_csv([spoil(csv_line(row))], [row], header_of(desk))

    refused = send(desk, content, "text/csv")

    assert (422, "batch.rule", "/2", "batch.line") == fault_of(refused)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a44_a_line_break_in_a_cell_is_another_line(desk: RecordDesk, end: bytes) -> None:
    """A row is a line: whoever counts lines counts rows."""
    row = desk.clean(1, "a-1")
    broken = csv_line(row).replace(b"a-1", b'"a' + end + b'-1"')

    refused = send(desk, framed_csv([broken], [row], header_of(desk)), "text/csv")

    assert refused.status_code in (400, 422)


def test_a44_a_header_that_comes_again_is_a_row_that_is_none(desk: RecordDesk) -> None:
    """Two exports in one file are two files; neither is stored as the other's rows."""
    again = dumps(dict(desk.header())) + b"\n"
    named = framed_csv([COLUMNS.encode()], [desk.clean(1, "a-1")], desk.header())

    as_json, as_csv = desk.upload(framed(desk, again)), send(desk, named, "text/csv")

    assert (422, "batch.fault_share") == refusal(as_json)[:2] == refusal(as_csv)[:2]
    assert 0 == desk.records()


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ({"dpd": "0.0"}, "row.shape"),
        ({"overdue_minor": "1e-30"}, "row.amount"),
        ({"overdue_minor": "-5"}, "row.amount"),
        ({"as_of": "2026-1-1"}, "row.date"),
        ({"pauses": '[],"grant":"x"'}, "row.pause"),
        ({"five_class": "good"}, "row.code"),
    ],
    ids=repr,
)
def test_a44_a_cell_of_another_type_is_a_fault_of_its_row(
    desk: RecordDesk, cell: dict[str, Any], code: str
) -> None:
    """The same fault as in NDJSON, under the same code and the same name."""
    row = desk.clean(1, "a-1")
    content = framed_csv([csv_line(row | cell)], [row], header_of(desk))

    refused = send(desk, content, "text/csv")

    assert (422, "batch.fault_share", f"/2/{next(iter(cell))}", code) == fault_of(refused)


@pytest.mark.parametrize(
    ("media", "packed"),
    [("text/csv", bytes), (GZIP, gzip.compress), (ZSTD, zstd.compress)],
    ids=["plain", "gzip", "zstd"],
)
def test_a44_csv_and_ndjson_say_the_same(desk: RecordDesk, media: str, packed: Pack) -> None:
    """A lender may change its export and must find nothing changed."""
    name = media.partition("/")[2]
    rows = [desk.clean(1, f"{name}-1"), desk.late(2, f"{name}-2")]
    desk.uploaded(rows)

    sent = packed(csv_file(rows, header_of(desk)))
    claims = answer_claims(send(desk, sent, media))

    assert (2, 0, "WHOLE") == (claims["unchanged"], claims["stored"], claims["totals"])
