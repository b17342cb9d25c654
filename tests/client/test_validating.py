"""The SDK's own rules of rows are the exchange's: the same flaws for the same bytes."""

from __future__ import annotations

import random
from dataclasses import astuple, replace
from datetime import date

import pytest

from exchange.domain.batches.csv_cells import json_cell_by_cell
from exchange.domain.rows import RULES, Deletion, check_deletion, check_row, read_row
from exchange.errors import FormError
from exchange_client.batches.files import BatchFile
from exchange_client.core.encoding import b64url
from exchange_client.validating.checks import check_flaws, delete_flaws
from exchange_client.validating.files import csv_row, validate
from exchange_client.validating.forms import form_flaws
from exchange_client.validating.profiles import circumstances_under, profile_named
from exchange_client.validating.reading import read_object
from tests.support.batches import BATCH_ID, file_of, header_fields
from tests.support.csv_files import csv_file, csv_line, framed_csv
from tests.support.rows import CN, TODAY, clean_fields, line_of, row_fields, submission

JUDGED_IN = replace(
    circumstances_under(profile_named(CN.ref), TODAY), as_of_from=date(1900, 1, 1)
)  # as `submission` has it
DAYS = ("1899-12-31", "2024-02-30", "2025-01-10", "2026-03-01", "2026-03-31", "2026-04-01", None)
ALTERED: dict[str, tuple[object, ...]] = {
    "op": ("PUT", "DELETE", "PATCH", 1),
    "account_ref": ("acc-1", "123", "", "x" * 65, "a b", None),
    "tokens": ([], [{"kind": "contact", "value": "A" * 86}], [{"kind": "identity"}], "x"),
    "role": ("borrower", "owner", None),
    "product": ("mortgage", "loan"),
    "as_of": DAYS,
    "opened_on": DAYS,
    "closed_on": DAYS,
    "oldest_unpaid_due_on": DAYS,
    "first_overdue_on": DAYS,
    "status_on": DAYS,
    "currency": ("CNY", "USD", "cny"),
    "principal_minor": (0, 1, 10**15, 10**15 + 1, -1, 1.0, True),
    "balance_minor": (0, 600_000, "5"),
    "overdue_minor": (0, 1, 50_000, 700_000),
    "dpd": (0, 1, 29, 30, 31, 91, 400, 20_001, "30"),
    "bucket": (0, 1, 7, 8, None),
    "status": (
        *("CURRENT", "OVERDUE", "PAUSED", "RESTRUCTURED", "LITIGATION", "CHARGED_OFF"),
        *("GUARANTOR_PAID", "SOLD", "SETTLED", "DELETED_ERROR", "current"),
    ),
    "five_class": (1, 2, 5, 6, None),
    "history": ("1", "1N", "31", "N", "B", "1" * 61, "x", "", "1" * 20),
    "pauses": (
        [{"from": "2026-03-05", "to": "2026-03-09", "cause": "COURT"}],
        [{"from": "2026-03-09", "to": "2026-03-05", "cause": "COURT"}],
        [{"from": "2026-03-05", "to": "2026-04-09", "cause": "DISASTER"}],
        [{"from": "2026-03-05", "to": "2026-03-09", "cause": "x"}],
        [],
        None,
    ),
    "grant": ("gnt_1", ""),
    "basis": ("contract", "x", "X", ""),
    "notice": ({"sent_at": 1}, None),
    "reason": ("AMEND", "RENUMBER", "TRANSFER_IN", "DELETE_ERROR", None),
    "previous_ref": ("acc-0001", "old-1", "7", None),
    "transfer_id": ("019a0000-0000-7000-8000-000000000001", "x", None),
    "record_id": (1,),
    "a<b": (1,),
}


def exchange_finds(line: bytes) -> list[tuple[str, str]]:
    """Judge a line by the exchange's rules."""
    row = read_row(line)
    if isinstance(row, list):
        return [(flaw.field, flaw.code) for flaw in row]
    judged = submission()
    flaws = (
        check_deletion(row, None, judged) if isinstance(row, Deletion) else check_row(row, judged)
    )
    # That nothing is stored of the account is no fault that a file can show.
    found = [(flaw.field, flaw.code) for flaw in flaws]
    return [flaw for flaw in found if flaw[1] != "row.status_transition"]


def member_finds(line: bytes) -> list[tuple[str, str]]:
    """Judge a line by the SDK's rules."""
    row = read_object(line)
    if flaws := form_flaws(row):
        return flaws
    return delete_flaws(row, JUDGED_IN) if row["op"] == "DELETE" else check_flaws(row, JUDGED_IN)


@pytest.mark.parametrize("seed", range(20))
def test_random_rows_are_judged_alike(seed: int) -> None:
    """What passes on the lender's desk must not fail at the exchange, nor the reverse."""
    chance = random.Random(seed)  # noqa: S311 - a choice of cases
    for _ in range(250):
        fields = row_fields() if chance.random() < 0.6 else clean_fields()
        for name in chance.sample(sorted(ALTERED), chance.choice((1, 1, 2, 3))):
            fields[name] = chance.choice(ALTERED[name])
            if fields[name] is None and chance.random() < 0.5:
                del fields[name]
        line = line_of(fields)

        found = member_finds(line)

        assert sorted(exchange_finds(line)) == sorted(found), line


CELLS = (
    *(
        "",
        "0",
        "-0",
        "007",
        "1.0",
        "x",
        '"x"',
        '"a""b"',
        '"a"b',
        'a"b',
        '"',
        " 5",
        "\uff15",
        "null",
    ),
    *("[]", "{}", '"{""a"":1}"', "9" * 30, "2026-02-30", "\t", "A" * 86, "1,2"),
)


@pytest.mark.parametrize("seed", range(4))
def test_random_lines_of_csv_are_judged_alike(seed: int) -> None:
    """A cell that only one side can read is a row that only one side takes."""
    chance = random.Random(seed)  # noqa: S311 - a choice of cases
    for _ in range(250):
        cells = csv_line(chance.choice((row_fields(), clean_fields()))).decode().split(",")
        for _ in range(chance.choice((1, 1, 2))):
            cells[chance.randrange(len(cells))] = chance.choice(CELLS)
        line = ",".join(cells).encode()
        try:
            expected: list[tuple[str, str]] | None = exchange_finds(json_cell_by_cell(line))
        except FormError:
            expected = None
        try:
            row = csv_row(line)
        except ValueError:
            assert expected is None, line
            continue

        found = form_flaws(row) or (
            delete_flaws(row, JUDGED_IN) if row["op"] == "DELETE" else check_flaws(row, JUDGED_IN)
        )

        assert expected is not None, line
        assert sorted(expected) == sorted(found), line


def test_a_line_that_is_no_csv_is_named() -> None:
    """One open quote must not end the check of a night's file in a traceback."""
    lines = [csv_line(row_fields()), csv_line(row_fields()).replace(b"acc-0001", b'"acc')]
    content = framed_csv(lines, [row_fields()] * 2, header_fields())

    faults = validate(batch(content), JUDGED_IN)

    assert [(4, "batch.line")] == [(one.line, one.code) for one in faults]


def batch(content: bytes) -> BatchFile:
    """Return a file as the SDK holds it."""
    return BatchFile(batch_id=BATCH_ID, content=content)


@pytest.mark.parametrize("write", [file_of, csv_file], ids=["NDJSON", "CSV"])
def test_a_good_file_is_found_good(write: object) -> None:
    """A lender must be able to trust a silent check."""
    rows = [row_fields(), clean_fields(account_ref="acc-0002")]
    content = file_of(rows) if write is file_of else csv_file(rows, header_fields())

    assert [] == validate(batch(content), JUDGED_IN)


def test_a_sale_that_a_file_tells_twice_is_found_before_it_is_sent() -> None:
    """Nothing of two rows of one sale is stored: the exchange would refuse both."""
    sale = {"transfer_id": "019a0000-0000-7000-8000-000000000001", "reason": "TRANSFER_IN"}
    rows = [row_fields(account_ref=f"acc-{n}", **sale) for n in (1, 2)]

    faults = validate(batch(file_of(rows)), JUDGED_IN)

    assert [(2, "row.transfer"), (3, "row.transfer")] == [(one.line, one.code) for one in faults]


def test_faults_name_the_line_the_field_and_the_code_of_the_exchange() -> None:
    """What is found before sending must be found by the same name as afterwards."""
    rows = [
        row_fields(dpd=29),
        clean_fields(account_ref="twice"),
        clean_fields(account_ref="twice"),
    ]
    content = file_of(rows, trailer={"sums": {}})

    faults = validate(batch(content), JUDGED_IN)

    assert [
        (2, "dpd", "row.dpd_mismatch", "REJECT", RULES["row.dpd_mismatch"]),
        (3, "account_ref", "row.duplicate", "REJECT", RULES["row.duplicate"]),
        (4, "account_ref", "row.duplicate", "REJECT", RULES["row.duplicate"]),
        (5, "sums", "batch.control_total", "REJECT", ""),
    ] == [astuple(one) for one in faults]


def test_a_subject_on_many_accounts_is_a_warning() -> None:
    """One token for everybody is how an export with a broken key looks."""
    rows = [clean_fields(account_ref=f"acc-{n:04}") for n in range(21)]
    other = {"tokens": [{"kind": "identity", "value": b64url(bytes(range(64)))}]}

    faults = validate(batch(file_of([*rows, clean_fields(account_ref="z", **other)])), JUDGED_IN)

    assert [("tokens", "plaus.token_on_many_accounts", "WARN")] * 21 == [
        (one.field, one.code, one.severity) for one in faults
    ]
    assert [] == validate(batch(file_of(rows[1:])), JUDGED_IN)


def test_one_amount_in_many_rows_is_a_warning() -> None:
    """A default that an export filled in looks like a truth."""
    rows = [
        row_fields(
            account_ref=f"acc-{n:04}",
            tokens=[{"kind": "identity", "value": b64url(bytes([n] * 64))}],
        )
        for n in range(30)
    ]

    faults = validate(batch(file_of(rows)), JUDGED_IN)

    assert [(2, "plaus.one_amount", "WARN")] == [
        (one.line, one.code, one.severity) for one in faults
    ]
