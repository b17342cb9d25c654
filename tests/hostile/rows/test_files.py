"""The hostile corpus about files: A42 to A45, A47, A48, A50 to A52.

Each refusal leaves nothing behind: no record, no account, no batch that counts, no leaf.
CSV (A44) and gzip bombs (A43) come with the formats themselves; here they are another media type.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile.rows.looking import counts, fault_of, framed
from tests.support.grant_desk import answer_claims, refusal
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import make_sandbox


@pytest.mark.usefixtures("untouched")
def test_a42_a_file_cut_at_any_line_end_is_truncated(desk: RecordDesk) -> None:
    """Half a book must not be taken for the whole one."""
    lines = desk.file([desk.clean(1, f"cut-{n}") for n in range(3)]).splitlines(keepends=True)

    for kept in range(1, len(lines)):
        refused = desk.upload(b"".join(lines[:kept]))
        assert (400, "batch.truncated", "") == refusal(refused)


@pytest.mark.usefixtures("untouched")
def test_a42_a_file_cut_at_every_fiftieth_is_refused_whole_or_not(desk: RecordDesk) -> None:
    """P14: wherever the line broke, nothing of the file counts."""
    content = desk.file([desk.clean(1, f"cut-{n}") for n in range(3)], {"dry_run": True})

    for part in range(1, 50):
        refused = desk.upload(content[: len(content) * part // 50])
        assert refused.status_code in (400, 422)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "media", ["text/csv", "application/zip", "application/x-tar", "text/plain"]
)
def test_a43_a44_other_formats_are_another_media_type(desk: RecordDesk, media: str) -> None:
    """What is not NDJSON is refused before anything reads it."""
    refused = desk.post("POST", "/v1/batches", desk.file([desk.clean()]), media)

    assert (415, "request.media_type", "") == refusal(refused)


@pytest.mark.usefixtures("untouched")
def test_a43_compressed_bytes_are_no_file(desk: RecordDesk) -> None:
    """A bomb is not unpacked to see what is in it."""
    bomb = gzip.compress(b" " * (1 << 20))

    assert (415, "request.media_type", "") == refusal(desk.upload(bomb))


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda content: b"\xef\xbb\xbf" + content, 1),
        (lambda content: content.replace(b'"op":"PUT"', b'"op":\r"PUT"', 1), 2),
        (lambda content: content.replace(b"\n", b"\n\n", 1), 2),
        (lambda content: content[:-1], 4),
        (lambda content: content.replace(b"\n", b"\r\n", 1), 2),
    ],
    ids=["BOM", "lone CR", "blank line", "no last LF", "two line ends"],
)
def test_a44_a45_a_broken_frame_names_its_line(
    desk: RecordDesk, spoil: Callable[[bytes], bytes], line: int
) -> None:
    """The lender must find the line among ten thousand."""
    rows = [desk.clean(1, "acc-1"), desk.clean(2, "acc-2")]

    refused = desk.upload(spoil(desk.file(rows)))

    assert (422, "batch.rule", f"/{line - 1}", "batch.line") == fault_of(refused)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "line",
    [
        b"{}{}\n",
        b"{} {}\n",
        b'{"op":"PUT"}, {"op":"PUT"}\n',
        b"\0\n",
        b"+AHsAfQ-\n",  # UTF-7
        b'"\xff\xfe"\n',
        b"[" * 8_000 + b"\n",
        b'{"a":' * 1_300 + b"1" + b"}" * 1_300 + b"\n",
        b"x" * 10_000 + b"\n",
        b'{"a":' + b"1" * 5_000 + b"}\n",
        b"null\n",
    ],
    ids=lambda line: repr(line[:24]),
)
def test_a45_a_line_that_is_not_one_object_refuses_the_file(desk: RecordDesk, line: bytes) -> None:
    """One parser, one reading: what two could read differently is refused."""
    refused = desk.upload(framed(desk, line))

    assert (422, "batch.rule", "/1", "batch.line") == fault_of(refused)


@pytest.mark.usefixtures("untouched")
def test_a45_a_line_of_ten_megabytes_is_refused(desk: RecordDesk) -> None:
    """A row has 8 KiB; nothing larger is ever parsed."""
    line = b'{"op":"' + b"x" * (10 << 20) + b'"}\n'

    assert (422, "batch.rule", "/1", "batch.line") == fault_of(desk.upload(framed(desk, line)))


@pytest.mark.usefixtures("untouched")
def test_a47_an_account_in_two_rows_refuses_both(desk: RecordDesk) -> None:
    """Which of the two would be true?"""
    row = desk.clean(1, "twice")
    renumbered = desk.clean(1, "new", reason="RENUMBER", previous_ref="twice")

    for second in (row, row | {"balance_minor": 1}, desk.clean(2, "twice"), renumbered):
        rows = [row, second, *[desk.clean(1, f"acc-{n}") for n in range(10)]]
        content = desk.file(rows, {"dry_run": True})
        claims = answer_claims(desk.upload(content))
        faults = desk.faults(claims["batch"])
        assert [2, 3] == [fault["line"] for fault in faults if fault["code"] == "row.duplicate"]
        desk.sql("DELETE FROM batch RETURNING 1")
        desk.sql("DELETE FROM batch_fault RETURNING 1")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "total",
    [
        {"rows": 1},
        {"rows_by_status": {"CURRENT": 1}},
        {"rows_by_status": {"CURRENT": 2, "OVERDUE": 1}},
        {"sums": {"CNY": {"balance_minor": 1_200_001, "overdue_minor": 0}}},
        {"sums": {"CNY": {"balance_minor": 1_200_000, "overdue_minor": -1}}},
        {"sums": {"USD": {"balance_minor": 1_200_000, "overdue_minor": 0}}},
        {"sums": {"CNY": {"balance_minor": 2**63 + 1_200_000, "overdue_minor": 0}}},
        {"sums": {"CNY": {"balance_minor": 10**30, "overdue_minor": 0}}},
        {"sums": {"CNY": {"balance_minor": 1_200_000.0, "overdue_minor": 0}}},
        {"rows_sha256": "0" * 64},
    ],
    ids=repr,
)
def test_a48_control_totals_that_differ_refuse_the_file(
    desk: RecordDesk, total: dict[str, object]
) -> None:
    """Totals are how a lender learns what its own export lost."""
    refused = desk.upload(desk.file([desk.clean(1, "a-1"), desk.clean(2, "a-2")], trailer=total))

    assert (422, "batch.control_total") == refusal(refused)[:2]


def test_a50_the_same_file_again_is_the_first_receipt_and_no_leaf(desk: RecordDesk) -> None:
    """A retry is never a second report."""
    content = desk.file([desk.clean(1, "again")])
    first = desk.upload(content)
    before = counts(desk)

    again = desk.upload(content)

    assert first.get_json() == again.get_json()
    assert before == counts(desk)


def test_a51_the_same_id_with_one_other_byte_is_a_conflict(desk: RecordDesk) -> None:
    """Evidence is never replaced."""
    content = desk.file([desk.clean(1, "other-byte")])
    assert 200 == desk.upload(content).status_code
    before = counts(desk)

    others = content.replace(b'"created":1', b'"created":2', 1), content[:-1], content + b"\n"
    refused = [refusal(desk.upload(other)) for other in others]

    assert [(409, "batch.conflict", "/batch_id")] * 3 == refused
    assert before == counts(desk)
    desk.sandbox.app.extensions["exchange.security"].flush()
    assert [(3,)] == desk.sql("SELECT count(*) FROM security_event WHERE code = 'batch.conflict'")


@pytest.mark.usefixtures("untouched")
def test_a52_one_row_more_than_the_limit_is_too_many(
    desk: RecordDesk, database_url: str, tmp_path: Path
) -> None:
    """A limit is tested at n and at n + 1."""
    sandbox = make_sandbox(database_url, tmp_path, batch_rows_max=5)
    small = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    rows = [small.clean(1, f"acc-{n}") for n in range(6)]

    assert 200 == small.upload(small.file(rows[:5])).status_code
    assert (413, "request.too_large", "") == refusal(small.upload(small.file(rows)))
    sandbox.close()
