"""Warnings that only a whole file, or all accounts of a subject, give rise to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.domain.ids import parse
from exchange.services.batches.ports import BatchKey
from exchange.services.batches.show_batch import batch_faults
from exchange_client.core.encoding import b64url, loads_object
from tests.support.grant_desk import shown, token
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import make_sandbox

CROWDED = "plaus.token_on_many_accounts"


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[RecordDesk]:
    """The desk of one lender."""
    sandbox = make_sandbox(database_url, tmp_path)
    yield RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    sandbox.close()


def warned(desk: RecordDesk, rows: list[dict[str, object]], **header: object) -> list[object]:
    """Upload rows; return the lines that are warned of, and hold the receipt to them."""
    claims = desk.uploaded(rows, **header)
    faults = desk.faults(claims["batch"])
    assert {(CROWDED, "tokens", "WARN")} >= {
        (one["code"], one["field"], one["severity"]) for one in faults
    }
    assert len(faults) == claims["warned"]
    return [one["line"] for one in faults]


def test_a_subject_with_more_than_twenty_live_accounts_is_warned_of(desk: RecordDesk) -> None:
    """One token for everybody is how an export with a broken key looks, and it ruins one borrower.

    What is stored counts, less what the file closes; what another lender holds does not. Warned of
    is the account that is opened, once.
    """
    other = RecordDesk(sandbox=desk.sandbox, key=desk.sandbox.enrol("member-b"))
    other.uploaded([other.clean(1, f"b-{n}") for n in range(20)])
    rows = [desk.clean(1, f"acc-{n}") for n in range(21)]
    closed = {"status": "SETTLED", "status_on": desk.day(0), "closed_on": desk.day(0)}
    settled = desk.clean(1, "acc-0", balance_minor=0, **closed)

    assert list(range(2, 23)) == warned(desk, rows, dry_run=True)
    assert [] == warned(desk, rows[:20])
    assert [22] == warned(desk, [*rows, desk.clean(2, "acc-x")], dry_run=True)
    assert [] == warned(desk, [rows[20], settled])
    put = shown(desk.put(desk.clean(1, "acc-21")))
    assert [{"field": "tokens", "code": CROWDED}] == put["warnings"]
    assert [] == warned(desk, [desk.clean(1, "acc-1", balance_minor=9)])
    assert [] == shown(desk.put(desk.clean(1, "acc-2", balance_minor=9)))["warnings"]


def test_a_second_token_of_a_subject_counts_as_the_first(desk: RecordDesk) -> None:
    """Whoever is known by two identifiers is still one person."""
    both = [{"kind": "identity", "value": b64url(token(n))} for n in (2, 1)]
    desk.uploaded([desk.clean(1, f"acc-{n}") for n in range(20)])

    assert [2] == warned(desk, [desk.clean(2, "both", tokens=both)])


@pytest.mark.parametrize(("shared", "lines"), [(6, []), (7, [5])])
def test_one_amount_in_more_than_thirty_per_cent_of_the_rows_is_warned_of(
    desk: RecordDesk, shared: int, lines: list[int]
) -> None:
    """A default that an export filled in looks like everybody's debt."""
    others = [desk.late(1, f"x-{n}", overdue_minor=10_000 + n) for n in range(3)]
    alike = [desk.late(1, f"acc-{n}") for n in range(shared)]
    rows = [*others, *alike, *(desk.clean(1, f"y-{n}") for n in range(17 - shared))]

    claims = desk.uploaded(rows)

    assert [(line, "overdue_minor", "plaus.one_amount", "WARN") for line in lines] == [
        (one["line"], one["field"], one["code"], one["severity"])
        for one in desk.faults(claims["batch"])
    ]


def test_a_page_of_faults_ends_with_a_whole_line(desk: RecordDesk) -> None:
    """Paging goes on behind a line: what is cut off of one would never be shown."""
    content = desk.file([desk.late(1, f"acc-{n}", dpd=31, five_class=1) for n in range(3)])
    desk.upload(content)
    batch = str(loads_object(content.split(b"\n")[0])["batch_id"])
    key = BatchKey(desk.member, parse("bat", batch, field="batch_id"))

    page = batch_faults(key, 0, 5, desk.sandbox.ports)

    assert [2, 2, 3, 3] == [fault.line for fault in page]
    assert [4, 4] == [fault.line for fault in batch_faults(key, 3, 5, desk.sandbox.ports)]
