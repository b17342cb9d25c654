"""A debt that is sold: the buyer tells its first overdue day and its history as the seller does."""

from __future__ import annotations

import pytest

from exchange_client.core.encoding import loads_object
from tests.support.grant_desk import answer_claims
from tests.support.record_desk import RecordDesk
from tests.support.rows import ABSENT
from tests.support.sales import (
    FIRST,
    HISTORY,
    PATHS,
    TAKEN,
    Flaws,
    desk_of,
    sale,
    sells,
    taken_over,
    told,
)
from tests.support.sandbox import Sandbox


@pytest.mark.parametrize("path", PATHS)
def test_a_buyer_that_makes_a_debt_younger_is_refused_whoever_speaks_first(
    seller: RecordDesk, buyer: RecordDesk, path: str
) -> None:
    """Re-ageing: a debt that starts anew with each sale haunts its borrower (CRR art. 16)."""
    younger = {"days": 10, "history": "132N"}
    cases: list[tuple[dict[str, object], Flaws]] = [
        ({}, []),
        ({"history": "332"}, HISTORY),
        ({"history": "31NN"}, HISTORY),
        ({"history": ABSENT}, HISTORY),
        (younger, FIRST),
        (younger | {"history": "1NNN"}, [*FIRST, *HISTORY]),
        (
            {"tokens": buyer.clean(99)["tokens"], "grant": buyer.contribute(99)},
            [("tokens", "row.transfer")],
        ),
    ]
    for n, (changes, flaws) in enumerate(cases, 1):
        assert [] == sells(seller, n, path)

        assert (changes, flaws) == (changes, told(buyer, taken_over(buyer, n, **changes), path))

    for n, (changes, flaws) in enumerate(cases, 101):
        assert [] == told(buyer, taken_over(buyer, n, **changes), path)

        assert (changes, flaws) == (changes, sells(seller, n, path))


def test_a_sale_that_only_one_side_knows_waits_for_the_other(
    seller: RecordDesk, buyer: RecordDesk
) -> None:
    """The buyer reports tonight, the seller next month: neither waits, and neither is lost."""
    assert [] == told(buyer, taken_over(buyer))
    assert [(True, False)] == buyer.sql(
        "SELECT sold_record IS NULL, bought_record IS NULL FROM transfer"
    )
    # Time goes on for the buyer: what it took over, not what came after, is held against the sale.
    assert [] == told(buyer, buyer.clean(1, "bought-1", history="M32N"))

    assert [] == sells(seller)


@pytest.mark.parametrize("path", PATHS)
def test_a_sale_has_one_seller_and_one_buyer_and_they_are_two(
    seller: RecordDesk, buyer: RecordDesk, sandbox: Sandbox, path: str
) -> None:
    """An id that anybody could take again would unlink the seller from the buyer."""
    third = desk_of(sandbox, "member-c")
    assert [] == sells(seller, 1, path)
    own = taken_over(seller)
    assert TAKEN == told(seller, own, path)
    assert [] == told(buyer, taken_over(buyer), path)

    assert TAKEN == told(third, taken_over(third), path)
    assert TAKEN == sells(third, 1, path)
    assert TAKEN == told(buyer, taken_over(buyer) | {"account_ref": "bought-again"}, path)


def test_an_amendment_makes_nothing_younger_and_the_seller_corrects_itself_first(
    seller: RecordDesk, buyer: RecordDesk
) -> None:
    """What was refused at the sale must not come in as a correction a day later."""
    assert [] == sells(seller) + told(buyer, taken_over(buyer))
    for path in PATHS:
        amended = taken_over(buyer, 1, days=10, history="132N", reason="AMEND", transfer_id=ABSENT)
        assert FIRST == told(buyer, amended, path)
        cleaned = taken_over(buyer, history="31NN", reason="AMEND", transfer_id=ABSENT)
        assert HISTORY == told(buyer, cleaned, path)
        assert TAKEN == told(buyer, taken_over(buyer, reason="AMEND", transfer_id=sale(9)), path)
    balance = taken_over(buyer, reason="AMEND", transfer_id=ABSENT, balance_minor=599_999)
    assert [] == told(buyer, balance)

    corrected = {"history": "G12N", "reason": "AMEND", "status": "SOLD", "closed_on": seller.day(0)}
    row = seller.late(1, "own-1", 75, transfer_id=sale(), status_on=seller.day(0), **corrected)
    assert [] == told(seller, row)
    follows = taken_over(buyer, history="312N", reason="AMEND", transfer_id=ABSENT)
    assert [] == told(buyer, follows)


def test_a_wrong_id_is_amended_while_the_other_side_has_not_spoken(
    seller: RecordDesk, buyer: RecordDesk
) -> None:
    """A slip in a number must not lose the sale; taking a sale back is one too."""
    assert [] == sells(seller)
    gone = {"status": "SOLD", "status_on": seller.day(0), "closed_on": seller.day(0)}
    row = seller.late(1, "own-1", 75, reason="AMEND", transfer_id=sale(2), **gone)

    assert [] == told(seller, row)

    assert [(None,)] == seller.sql("SELECT sold_record FROM transfer WHERE revision = 2")
    assert FIRST == told(buyer, taken_over(buyer, 1, days=10, transfer_id=sale(2), history="132N"))
    assert [] == told(seller, seller.late(1, "own-1", 75, reason="AMEND", history="332N"))
    assert [] == told(buyer, taken_over(buyer, 1, days=10, transfer_id=sale(2), history="132N"))


def test_a_debt_sold_twice_is_told_by_its_last_owner_alone(
    seller: RecordDesk, buyer: RecordDesk, sandbox: Sandbox
) -> None:
    """One debt must not count as three lenders'."""
    third, asker = desk_of(sandbox, "member-c"), desk_of(sandbox, "member-d")
    assert [] == sells(seller) + told(buyer, taken_over(buyer))
    gone = {"status": "SOLD", "status_on": buyer.day(0), "closed_on": buyer.day(0)}
    resold = buyer.late(1, "bought-1", 75, transfer_id=sale(2), notice=ABSENT, **gone)
    assert [] == told(buyer, resold)

    assert FIRST == told(third, taken_over(third, 1, days=10, transfer_id=sale(2), history="132N"))
    assert [] == told(third, taken_over(third, transfer_id=sale(2)))
    finding = answer_claims(asker.ask(asker.granted(1), 1))["finding"]

    assert isinstance(finding, dict)
    assert ("1", 3) == (finding["open_overdue_band"], finding["current_bucket"])
    settled = third.clean(1, "bought-1", balance_minor=0, status="SETTLED", history="C32N")
    ended = settled | {"status_on": third.day(0), "closed_on": third.day(0)}
    assert [] == told(third, ended)
    assert [(0,)] == third.sql("SELECT count(*) FROM record WHERE current AND purge_on IS NULL")


def test_a_file_tells_of_one_sale_once(seller: RecordDesk, buyer: RecordDesk) -> None:
    """Two rows of a file cannot be held against each other."""
    rows = [taken_over(buyer), taken_over(buyer) | {"account_ref": "twin"}, buyer.clean(2, "acc-2")]
    content = buyer.file([*rows, *(buyer.clean(n, f"acc-{n}") for n in range(3, 12))])

    assert 2 == buyer.upload(content).get_json()["receipt"].count(".")

    batch = loads_object(content.split(b"\n")[0])["batch_id"]
    assert [(2, *TAKEN[0]), (3, *TAKEN[0])] == [
        (one["line"], one["field"], one["code"]) for one in buyer.faults(batch)
    ]
    assert [(0,)] == buyer.sql("SELECT count(*) FROM transfer")
