"""First lines, lines and trailers at their edges: what may stand there, and how far is read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exchange.domain.batches import (
    BatchLimits,
    Packing,
    Totals,
    peek_header,
    read_frame,
    read_rows,
    unpack,
)
from exchange.errors import (
    ControlTotal,
    ExchangeError,
    InvalidBatch,
    TooLarge,
    TruncatedBatch,
    WrongMediaType,
)
from tests.support.batches import BATCH_ID, dumps, file_of, header_fields
from tests.support.csv_files import csv_file
from tests.support.rows import clean_fields, row_fields

ROW_BYTES = 700
LIMITS = BatchLimits(rows_max=10, bytes_max=10_000, row_bytes_max=ROW_BYTES)
ROWS = [row_fields(), clean_fields(account_ref="acc-0002"), clean_fields(account_ref="acc-0003")]
CSV = csv_file(ROWS, header_fields())
CRLF = file_of(ROWS, end=b"\r\n")
HEADER = dumps(header_fields())


def framed(content: bytes) -> int:
    """Read the frame of a file that comes in one slice; return its rows."""
    return read_frame([content], LIMITS).rows


@pytest.mark.parametrize(
    "field",
    [
        {"batch_id": "bat_" + "0" * 32},
        {"batch_id": BATCH_ID + "\n"},
        {"member": "x" * 40},
        {"epoch": "ep_0"},
        {"epoch": "ep_1000000"},
        {"norm": "norm_v2"},
        {"profile": "CN@1"},
        {"profile": "cn@0"},
        {"sequence": 2**53},
        {"created": -1},
        {"created": 2**53},
        {"mode": "SOME"},
        {"as_of_to": "2026-02-30"},
    ],
    ids=str,
)
def test_a_header_says_each_thing_in_one_form(field: dict[str, object]) -> None:
    """What two systems could read differently must not decide whose book this is."""
    with pytest.raises(InvalidBatch, match=f"line 1: {next(iter(field))} is missing or has"):
        framed(file_of(ROWS, header=header_fields(**field)))


@pytest.mark.parametrize(
    "fields",
    [
        {"sequence": 1, "created": 0},
        {"sequence": 2**53 - 1, "created": 2**53 - 1},
        {"as_of_from": "2026-03-31", "as_of_to": "2026-03-31"},
        {"epoch": "ep_999999", "member": "x" * 39, "profile": "cn@9999"},
    ],
    ids=str,
)
def test_a_header_may_say_the_least_and_the_most(fields: dict[str, object]) -> None:
    """A limit that is one off refuses somebody's first or last file."""
    assert 3 == framed(file_of(ROWS, header=header_fields(**fields)))


@pytest.mark.parametrize(
    ("start", "error"),
    [
        (b'[{"format":', WrongMediaType),
        (b"account_ref,dpd\n", WrongMediaType),
        (b"#cx-batc", TruncatedBatch),
        (b"#cx-batch" + HEADER + b"\n", WrongMediaType),
        (b"\xef\xbb\xbf" + HEADER + b"\n", InvalidBatch),
        (b"", TruncatedBatch),
        (HEADER, TruncatedBatch),
        (b"{" * (ROW_BYTES + 1), InvalidBatch),
        (b"\n", WrongMediaType),
        (HEADER[:9] + b"\r" + HEADER[9:] + b"\n", InvalidBatch),
    ],
)
def test_a_file_starts_with_its_header(start: bytes, error: type[ExchangeError]) -> None:
    """Whoever sends something else must hear what it is, not that a line is broken."""
    with pytest.raises(error):
        peek_header([start], LIMITS)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("start", [b"", b"#cx-batch "])
def test_a_first_line_is_read_in_any_slices_and_nothing_behind_it(start: bytes, end: bytes) -> None:
    """Who sends a file costs the reading of one line before anything is known of it."""
    line = start + HEADER + end

    def slices() -> Iterator[bytes]:
        yield from (line[at : at + 7] for at in range(0, len(line), 7))
        raise AssertionError("read on")

    assert BATCH_ID == peek_header(slices(), LIMITS).batch_id


@pytest.mark.parametrize("read", [peek_header, read_frame])
def test_a_line_that_does_not_end_is_refused_when_it_outgrows_a_row(read: object) -> None:
    """A line of ten mebibytes must not be held until it ends."""

    def slices() -> Iterator[bytes]:
        yield from [HEADER[:100], b"x" * ROW_BYTES]
        raise AssertionError("read on")

    with pytest.raises(InvalidBatch, match="line 1: must have 1 to 700 bytes"):
        (peek_header if read is peek_header else read_frame)(slices(), LIMITS)


def padded(bytes_of_line: int) -> bytes:
    """Return a file whose one row has so many bytes."""
    row = row_fields()
    return file_of([row | {"x": "y" * (bytes_of_line - len(dumps(row | {"x": ""})))}])


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (CSV.replace(b"op,account_ref", b"account_ref,op", 1), InvalidBatch),
        (CSV.replace(b"#cx-end ", b"", 1), TruncatedBatch),
        (padded(ROW_BYTES + 1), InvalidBatch),
        (CRLF[:-1], TruncatedBatch),
        # Cut off two bytes of a line that ends in one, and all would seem to be in order.
        (CRLF.replace(b'3"', b'3\r"', 1)[:-2] + b"\n", InvalidBatch),
        (file_of(ROWS)[:-2], TruncatedBatch),
        (file_of(ROWS)[:-1], InvalidBatch),
        (b"", TruncatedBatch),
        (file_of(ROWS, trailer={"rows": 4}), TruncatedBatch),
        (
            file_of(
                ROWS,
                trailer={
                    "sums": {
                        "CNY": {"balance_minor": 1_800_000, "overdue_minor": 50_000, "more": 1}
                    }
                },
            ),
            ControlTotal,
        ),
    ],
)
def test_a_file_that_is_not_whole_is_refused_for_what_it_is(
    content: bytes, error: type[ExchangeError]
) -> None:
    """Send the rest, mend a line, or count anew: three errands, and a lender runs one."""
    with pytest.raises(error) as refused:
        framed(content)

    assert error is type(refused.value)


def test_a_row_may_be_as_long_as_its_limit() -> None:
    """One byte under what is told would be one row too few."""
    assert 1 == framed(padded(ROW_BYTES))


def test_the_name_of_an_unknown_field_is_not_repeated() -> None:
    """A number in the place of a name must not end in logs."""
    with pytest.raises(InvalidBatch) as refused:
        framed(file_of(ROWS, header=header_fields(n11010519491231002=1)))

    assert "line 1: must have exactly its fields" == str(refused.value)


@pytest.mark.parametrize(("given", "taken"), [(10_000, True), (10_001, False)])
def test_a_file_may_be_as_long_as_its_limit(given: int, taken: bool) -> None:
    """A limit in the documents is the limit of the program."""
    pieces = unpack([b"x" * given], Packing.PLAIN, LIMITS)

    if taken:
        assert given == len(b"".join(pieces))
        return
    with pytest.raises(TooLarge):
        list(pieces)


def added(blocks: list[list[dict[str, object]]]) -> Totals:
    """Add up rows, block by block."""
    totals = Totals()
    for block in blocks:
        lines = [dumps(row) for row in block]
        totals.add(lines, read_rows(lines, 2).rows)
    return totals


def test_rows_of_two_currencies_add_up_apart() -> None:
    """Yen and yuan in one block must not become one sum."""
    rows = [row_fields(), row_fields(currency="USD", account_ref="acc-0002")]

    totals = added([rows])

    totals.check(read_frame([file_of(rows)], LIMITS).trailer)
    assert totals.whole


@pytest.mark.parametrize(
    "block",
    [
        [row_fields(currency=5, dpd="x")],
        [row_fields(balance_minor=True, dpd="x")],
    ],
    ids=["currency", "a boolean"],
)
def test_what_cannot_be_added_is_counted_alone(block: list[dict[str, object]]) -> None:
    """A sum that took `true` for one would differ from the lender's own."""
    assert added([block]).whole is False


def test_a_file_of_made_up_currencies_costs_no_memory() -> None:
    """A thousand names of sums are no book: from the two hundredth on, rows are counted alone."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    names = [f"X{a}{b}" for a in letters for b in letters]

    few, many = (added([[row_fields(currency=one)] for one in names[:n]]) for n in (199, 201))

    assert (True, False) == (few.whole, many.whole)
