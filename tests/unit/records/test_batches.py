"""Record files: what is whole, what is cut, what does not add up."""

from __future__ import annotations

import hashlib
import json

import pytest

from exchange.domain.batches import (
    BatchLimits,
    FileFrame,
    FileReader,
    Totals,
    json_lines,
    read_frame,
    read_rows,
)
from exchange.domain.merkle import leaf_hash, node_hash
from exchange.domain.rows import Row
from exchange.errors import ControlTotal, ExchangeError, InvalidBatch, TooLarge, TruncatedBatch
from exchange_client.merkle import root_of_leaves
from tests.support.batches import dumps, file_of, header_fields
from tests.support.rows import clean_fields, row_fields

LIMITS = BatchLimits(rows_max=10)
ROWS = [row_fields(), clean_fields(account_ref="acc-0002"), clean_fields(account_ref="acc-0003")]
DELETE: dict[str, object] = {
    "op": "DELETE",
    "account_ref": "a",
    "reason": "DELETE_ERROR",
    "as_of": "2026-03-31",
}


def frame(content: bytes, limits: BatchLimits = LIMITS) -> FileFrame:
    """Read the frame of a file that comes in slices of an odd length."""
    return read_frame((content[at : at + 777] for at in range(0, len(content), 777)), limits)


@pytest.mark.parametrize("too_few", [0, 1])
def test_rows_are_kept_whole_or_not_at_all(too_few: int) -> None:
    """A file of which a part was kept would lose its other rows."""
    content = file_of([*ROWS, DELETE])
    of_rows = len(content) - len(content.splitlines(keepends=True)[0] + content.splitlines()[-1])
    slices = content.splitlines(keepends=True)

    kept = read_frame(slices, LIMITS, of_rows - 1 - too_few).kept

    again = list(FileReader(slices, LIMITS).blocks())
    assert len(again) > 1
    assert ([] if too_few else again) == kept


def rows_of(content: bytes) -> list[tuple[int, object]]:
    """Read the rows of a file whose frame stands."""
    reader = FileReader([content], LIMITS)
    rows: list[tuple[int, object]] = []
    for block in reader.blocks():
        read = read_rows(json_lines(block, reader.dialect), block.first)
        rows += enumerate(read.rows, read.first)
    return rows


def whole(content: bytes) -> bool:
    """Run a file through frame, rows and totals."""
    file, totals, reader = frame(content), Totals(), FileReader([content], LIMITS)
    for block in reader.blocks():
        lines = json_lines(block, reader.dialect)
        totals.add(lines, read_rows(lines, block.first).rows)
    totals.check(file.trailer)
    return totals.whole


def counted(lines: list[bytes]) -> bool:
    """Add up lines; tell whether each could be read that far."""
    totals = Totals()
    totals.add(lines, read_rows(lines, 2).rows)
    return totals.whole


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_whole_file_is_taken_with_either_line_end(end: bytes) -> None:
    """Files come from every system."""
    content = file_of([*ROWS, DELETE], end=end)

    file = frame(content)

    rows = rows_of(content)
    assert whole(content)
    assert 4 == file.rows
    assert [2, 3, 4, 5] == [line for line, _ in rows]
    assert all(isinstance(row, Row) for _, row in rows[:3])
    assert hashlib.sha256(content).digest() == file.digest


def test_the_root_is_that_of_the_exact_row_lines() -> None:
    """A lender can prove which bytes it reported, and so can the regulator."""
    file = frame(file_of(ROWS))
    one, two, three = (leaf_hash(dumps(row)) for row in ROWS)

    assert node_hash(node_hash(one, two), three) == file.rows_root
    assert root_of_leaves([dumps(row) for row in ROWS]) == file.rows_root


def test_a_cut_anywhere_is_refused() -> None:
    """Half a file must never count as the whole book."""
    content = file_of(ROWS)

    for at in range(len(content)):
        with pytest.raises(ExchangeError) as refused:
            whole(content[:at])
        assert isinstance(refused.value, TruncatedBatch | InvalidBatch)


@pytest.mark.parametrize("lines", [1, 2, 3, 4])
def test_a_cut_at_a_line_end_is_truncated(lines: int) -> None:
    """The lender should send the rest, not look for a broken line."""
    kept = file_of(ROWS).split(b"\n")[:lines]

    with pytest.raises(TruncatedBatch):
        frame(b"".join(line + b"\n" for line in kept))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\xef\xbb\xbf" + file_of(ROWS), 1),
        (file_of(ROWS).replace(b"\n", b"\n\n", 1), 2),
        (file_of(ROWS)[:-1], 5),
        (file_of(ROWS).replace(b'"dpd":30', b'"dpd":\r30'), 2),
        (file_of(ROWS, end=b"\r\n").replace(b"\r\n", b"\n", 2).replace(b"\n", b"\r\n", 1), 2),
        (file_of([row_fields(account_ref="x" * 9000)]), 2),
        (file_of(ROWS, header=header_fields(kind="ALL")), 1),
        (file_of(ROWS, header=header_fields(kind=None)), 1),
        (file_of(ROWS, header=header_fields(sequence=0)), 1),
        (file_of(ROWS, header=header_fields(sequence="7")), 1),
        (file_of(ROWS, header=header_fields(sequence=True)), 1),
        (file_of(ROWS, header=header_fields(dry_run=0)), 1),
        (file_of(ROWS, header=header_fields(member="x")), 1),
        (file_of(ROWS, header=header_fields(note="x")), 1),
        (file_of(ROWS, header=header_fields(format="cx-batch/2")), 1),
        (file_of(ROWS, header=header_fields(as_of_from="2026-04-01")), 1),
        (file_of(ROWS).replace(b'"kind":"DELTA"', b'"kind":"DELTA","kind":"DELTA"'), 1),
    ],
)
def test_a_broken_line_is_named_by_its_number(content: bytes, line: int) -> None:
    """In ten thousand lines, "invalid" helps nobody."""
    with pytest.raises(InvalidBatch) as refused:
        frame(content)

    assert [f"/{line - 1}"] == [fault.pointer for fault in refused.value.faults]
    assert f"line {line}:" in str(refused.value)


@pytest.mark.parametrize("broken", [b"{}{}", b"nonsense", b'{"a":NaN}', b"[]", b'"\xff"'])
def test_a_row_line_that_is_no_object_refuses_the_file(broken: bytes) -> None:
    """A line that two parsers could read differently is nobody's record."""
    rows_sha256 = hashlib.sha256(broken + b"\n").hexdigest()
    trailer = {"rows": 1, "rows_by_status": {}, "sums": {}, "rows_sha256": rows_sha256}
    content = dumps(header_fields()) + b"\n" + broken + b"\n" + dumps(trailer) + b"\n"

    frame(content)

    with pytest.raises(InvalidBatch, match="line 2"):
        rows_of(content)


@pytest.mark.parametrize(
    "trailer",
    [
        {"rows": 2},
        {"rows": 3.0},
        {"rows": -1},
        {"rows_sha256": "0" * 64},
        {"rows_sha256": "no"},
        {"rows_by_status": {"OVERDUE": 1, "CURRENT": 1}},
        {"rows_by_status": {"OVERDUE": 1, "CURRENT": 2, "SETTLED": 1}},
        {"sums": {}},
        {"sums": {"CNY": {"balance_minor": 1_800_000, "overdue_minor": 49_999}}},
        {"sums": {"CNY": {"balance_minor": 1_800_001, "overdue_minor": 50_000}}},
        {"sums": {"USD": {"balance_minor": 1_800_000, "overdue_minor": 50_000}}},
        {"sums": {"CNY": {"balance_minor": -1, "overdue_minor": 50_000}}},
        {"sums": {"CNY": {"balance_minor": 10**40, "overdue_minor": 50_000}}},
        {"sums": {"CNY": {"balance_minor": 1_800_000, "overdue_minor": 50_000.0}}},
        {"sums": {"CNY": {"balance_minor": 1_800_000}}},
        {"more": 1},
    ],
)
def test_totals_that_differ_refuse_the_file(trailer: dict[str, object]) -> None:
    """Control totals are how a lender notices what its own export lost."""
    with pytest.raises(ControlTotal):
        whole(file_of(ROWS, trailer=trailer))


@pytest.mark.parametrize("number", [b"-0.00", b"1e-30", b"-0", b"NaN", b"1" * 5000])
def test_a_total_that_is_no_whole_number_refuses_the_file(number: bytes) -> None:
    """There is one way to write a sum."""
    content = file_of(ROWS).replace(b'"overdue_minor":50000}', b'"overdue_minor":' + number + b"}")

    with pytest.raises(ControlTotal):
        whole(content)


def test_a_status_told_as_none_of_the_rows_counts_as_absent() -> None:
    """Zero rows of a status is no difference."""
    by_status = {"OVERDUE": 1, "CURRENT": 2, "SOLD": 0}

    assert whole(file_of(ROWS, trailer={"rows_by_status": by_status}))


def test_rows_with_unreadable_amounts_are_counted_alone() -> None:
    """One broken row must not hide that all the others add up, nor pretend to add up itself."""
    assert not whole(file_of([*ROWS, row_fields(balance_minor="x")]))
    assert not whole(file_of([*ROWS, row_fields(status=5)]))
    assert not whole(file_of([*ROWS, row_fields(balance_minor=10**15 + 1)]))
    assert not whole(file_of([*ROWS, row_fields(overdue_minor=-1)]))
    twice = dumps(row_fields(dpd="x"))[:-1] + b',"balance_minor":1}'
    assert counted([twice]) is False
    assert (True, False) == tuple(
        counted([dumps(row_fields(status=f"S{n}", dpd="x")) for n in range(number)])
        for number in (199, 201)
    )


def test_refused_rows_still_count_in_the_totals() -> None:
    """The totals speak of the file, not of what was good in it."""
    assert whole(file_of([*ROWS, row_fields(dpd="x"), {**DELETE, "x": 1}]))
    with pytest.raises(ControlTotal):
        whole(file_of([*ROWS, row_fields(dpd="x")], trailer={"sums": {}}))


def test_more_rows_than_the_limit_are_too_many() -> None:
    """A bomb is refused by its size, before anything reads it."""
    with pytest.raises(TooLarge):
        frame(file_of([clean_fields()] * 11))
    assert 10 == frame(file_of([clean_fields()] * 10)).rows


def test_a_file_without_rows_says_nothing_and_is_refused() -> None:
    """An export that came out empty is a fault, not a clean book."""
    with pytest.raises(InvalidBatch):
        frame(file_of([]))


def test_no_refusal_repeats_a_value() -> None:
    """What a lender got wrong must not end in logs."""
    secret = "SECRET-11010519491231002X"
    for header in (header_fields(member=secret), header_fields(**{secret: 1})):
        with pytest.raises(InvalidBatch) as refused:
            frame(file_of(ROWS, header=header))
        assert secret not in str(refused.value) + json.dumps(
            [fault.detail for fault in refused.value.faults]
        )
