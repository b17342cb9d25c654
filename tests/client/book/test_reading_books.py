"""A member's book as it has it: batches and own rows, months apart, every fault with its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from exchange_client.book.loans import month_text
from exchange_client.book.reading import read_book, read_books
from exchange_client.errors import BookInvalid, CxError, UsageError
from tests.support.life.books import loan, write, write_own
from tests.support.rows import line_of


def test_every_form_of_a_file_gives_the_same_book(tmp_path: Path) -> None:
    """A member must get the same sums from what it sent and from what it sent it from."""
    rows = [loan("a", "2026-03", 40), loan("b", "2026-03"), loan("c", "2026-03", status="SETTLED")]
    plain = write(tmp_path / "book.ndjson", rows)
    packed = tmp_path / "book.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    paths = [plain, packed, write(tmp_path / "book.csv", rows), write_own(tmp_path / "own", rows)]

    books = [read_book([path]) for path in paths]

    for book in books:
        assert ("2026-03", "CNY", ["a", "b"]) == (
            month_text(book.month),
            book.currency,
            [one.account_ref for one in book.held],
        )
        assert [1_000_000, 600_000, 50_000, 40, 2] == [
            getattr(book.loans["a"], name)
            for name in ("principal_minor", "balance_minor", "overdue_minor", "dpd", "class_")
        ]
    assert 3 == len({one.subject for one in books[0].loans.values()})
    assert 1 == len({one.subject for one in books[3].loans.values()})  # one passport


EARLIER = {**loan("a", "2026-03", balance_minor=9), "as_of": "2026-03-30"}  # sent late


def test_months_come_oldest_first_and_the_newest_word_of_a_month_stands(tmp_path: Path) -> None:
    """A correction of the same month must not be counted beside what it corrects."""
    march = write(tmp_path / "1", [loan("a", "2026-03", 40), loan("b", "2026-03")], sequence=8)
    again = write(tmp_path / "2", [loan("a", "2026-03", balance_minor=7)], sequence=9)
    february = write(tmp_path / "3", [loan("a", "2026-02", 10)], sequence=3)

    stale = write(tmp_path / "4", [loan("z", "2026-03"), EARLIER], sequence=10)

    books = list(read_books([again, march, february, stale]))

    assert ["2026-02", "2026-03"] == [month_text(book.month) for book in books]
    assert [("a", 7), ("b", 600_000), ("z", 600_000)] == [
        (one.account_ref, one.balance_minor) for one in books[1].loans.values()
    ]


def test_what_was_deleted_leaves_the_months_before_too(tmp_path: Path) -> None:
    """A debt that never was must not stay in last month's losses."""
    gone = {"op": "DELETE", "account_ref": "a", "reason": "DELETE_ERROR", "as_of": "2026-03-31"}
    files = [
        write(tmp_path / "2", [loan("a", "2026-02", 95), loan("b", "2026-02")], sequence=1),
        write(tmp_path / "3", [gone, loan("b", "2026-03")], sequence=2),
        write(tmp_path / "4", [loan("a", "2026-04"), loan("b", "2026-04")], sequence=3),
    ]

    found = [sorted(book.loans) for book in read_books(files)]

    assert [["b"], ["b"], ["a", "b"]] == found


FAULTS: dict[str, tuple[dict[str, object], str]] = {
    "a negative sum": ({"balance_minor": -1}, "line 3: balance_minor: row.amount"),
    "an age that its dates deny": (
        {"oldest_unpaid_due_on": "2026-02-20"},
        "line 3: dpd: row.dpd_mismatch",
    ),
    "a class above its floor": ({"five_class": 1}, "line 3: five_class: row.class_below_floor"),
    "an unknown status": ({"status": "LATE"}, "line 3: status: row.code"),
    "a month that cannot be": ({"history": "N"}, "line 3: history: row.history_form"),
    "an account twice": ({"account_ref": "a"}, "line 3: account_ref: row.duplicate"),
    "a day that is none": ({"as_of": "2026-02-30"}, "line 3: as_of: row.date"),
    "a field of nobody": ({"shoe_size": 44}, "line 3: shoe_size: row.unknown_field"),
}


@pytest.mark.parametrize("why", FAULTS)
def test_a_faulty_row_is_named_by_file_line_and_field(tmp_path: Path, why: str) -> None:
    """Sums over rows that cannot be are wrong sums, and a person must find the row."""
    changes, said = FAULTS[why]
    rows = [loan("a", "2026-03"), loan("b", "2026-03", 40, **changes)]

    with pytest.raises(BookInvalid, match=said) as refused:
        read_book([write(tmp_path / "book.ndjson", rows)])

    assert str(refused.value).startswith(f"{tmp_path / 'book.ndjson'}: ")


def test_what_only_the_exchange_asks_refuses_no_book(tmp_path: Path) -> None:
    """A book is the member's own: a missing grant or notice changes no sum."""
    row = {name: one for name, one in loan("a", "2026-03", 40).items() if name != "notice"}
    del row["grant"]

    assert ["a"] == list(read_book([write(tmp_path / "book.ndjson", [row])]).loans)


def test_a_cut_or_altered_batch_makes_no_report(tmp_path: Path) -> None:
    """Half a file adds up nicely, and wrongly."""
    path = write(tmp_path / "book.ndjson", [loan("a", "2026-03"), loan("b", "2026-03")])
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    spoilt = {
        "batch.truncated": b"".join(lines[:-1]),
        "rows: batch.control_total": b"".join([*lines[:1], *lines[2:]]),
        "rows_sha256: batch.control_total": whole.replace(b"600000", b"600001", 1),
        "line 2: row: batch.line": b"".join([lines[0], b"x\n", *lines[2:]]),
    }

    for said, content in spoilt.items():
        path.write_bytes(content)
        with pytest.raises(CxError, match=said):
            read_book([path])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no row"),
        (b'{"format":"cx-batch/2"}\n', "not of cx-batch/1"),
        (b"\x1f\x8b\x08\x00damaged", "damaged or end too early"),
        (b"#cx-batch {}\nx\n", "not of cx-batch/1"),
        (b'{"format":"cx-batch/1"' + b" " * 70_000 + b"}\n", "longer than 65536 bytes"),
        (line_of({"account_ref": "a", "as_of": "2026-03-31"}), "line 1: currency: row.currency"),
        (line_of({"as_of": "2026-03-31", "currency": "CNY"}), "row needs `identifiers`"),
    ],
)
def test_what_is_no_file_of_rows_is_named_as_such(
    tmp_path: Path, content: bytes, said: str
) -> None:
    """A wrong file must end in one clear line."""
    path = tmp_path / "book.ndjson"
    path.write_bytes(content)

    with pytest.raises(CxError, match=said):
        read_book([path], currency="CNY")


def test_currencies_are_never_added_up(tmp_path: Path) -> None:
    """A yen is no yuan."""
    rows = [loan("a", "2026-03"), loan("b", "2026-03", currency="USD")]
    path = write(tmp_path / "book.ndjson", rows)

    with pytest.raises(UsageError, match="choose one currency of CNY, USD"):
        read_book([path])

    assert ["b"] == list(read_book([path], currency="USD").loans)


def test_a_report_on_one_month_refuses_two(tmp_path: Path) -> None:
    """Two months added up would be twice the book."""
    files = [write(tmp_path / month, [loan("a", month)]) for month in ("2026-02", "2026-03")]

    with pytest.raises(UsageError, match="of several months"):
        read_book(files)
