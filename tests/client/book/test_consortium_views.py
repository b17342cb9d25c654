"""A consortium's report as a terminal shows it, and whatever else may be signed in its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from exchange.domain.records import Product, Status
from exchange.domain.reports.consortium import Account
from exchange_client.cli.book.consortium import report_grids, report_notes
from exchange_client.consortium import ConsortiumReport
from exchange_client.consortium.totals import check_totals
from exchange_client.errors import ReceiptInvalid
from tests.support.life.consortia import MEMBERS, counted, names, record

JUNK: tuple[object, ...] = (None, [], {}, "x", -1, True, [[]], {"TOTAL": {}})
CHECKS = {"IN_TIME": 1, "STALE": 0, "LATE": 0, "NEVER": 1}
MONTH = {"member": "lender-a", "month": "2026-03", "loans": 2, **CHECKS, "ratio": None}


def figures(*, outward: bool) -> dict[str, Any]:
    """Return figures in which everything occurs, as they come out of their signed JSON."""
    late = record(Status.OVERDUE, 91, product=Product.BUSINESS_LOAN)
    sums = counted(
        [
            [Account(one, said, said, True, True) for one in MEMBERS]
            for said in (*[record()] * 12, *[late] * 3)
        ]
    )
    whole = sums.shown(names(sums), {"months": [MONTH]})
    read = json.loads(json.dumps(sums.shown_outward() if outward else whole))
    assert isinstance(read, dict)
    return read


def report(told: dict[str, Any], *, outward: bool) -> ConsortiumReport:
    """Return a report of these figures."""
    return ConsortiumReport(
        text="",
        report_id="rpt_1",
        month="2026-04",
        view="members" if outward else "regulator",
        snapshot=1_775_000_000,
        before=1_772_000_000,
        profile="cn@1",
        currency="CNY",
        records=15,
        leaf="leaf",
        log="log",
        figures=told,
    )


def shown(told: dict[str, Any], *, outward: bool) -> str:
    """Verify figures and draw them."""
    check_totals(told, whole=not outward)
    made = report(told, outward=outward)
    return "\n".join([*report_notes(made), *(grid.as_text() for grid in report_grids(made))])


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to all that is within a JSON value; of a list to its first two."""
    listed = enumerate(value[:2] if isinstance(value, list) else [])
    for name, one in value.items() if isinstance(value, dict) else listed:
        yield (*path, name)
        yield from places(one, (*path, name))


def test_a_regulator_sees_members_and_a_member_sees_none() -> None:
    """The same words for both, but for what only one of them may read."""
    whole, outward = (shown(figures(outward=one), outward=one) for one in (False, True))

    for text in ("lender-a", "0.200000", "business debtors: 3, of whom 3", "p:0000"):
        assert text in whole
        assert text not in outward
    assert "* is withheld" in outward
    assert "3+" in whole


@pytest.mark.parametrize("outward", [False, True])
def test_whatever_is_signed_in_a_reports_place_is_refused_or_shown(outward: bool) -> None:
    """A verifier that ends in a traceback tells a court nothing."""
    told = figures(outward=outward)
    refused = 0

    for number, path in enumerate(places(told)):
        for junk in (JUNK[number % len(JUNK)], KeyError):
            spoilt = copy.deepcopy(told)
            holder: Any = spoilt
            for name in path[:-1]:
                holder = holder[name]
            if junk is KeyError:
                del holder[path[-1]]
            else:
                holder[path[-1]] = junk
            try:
                shown(spoilt, outward=outward)
            except ReceiptInvalid:
                refused += 1

    assert refused > 50
