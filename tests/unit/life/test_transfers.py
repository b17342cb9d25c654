"""The two sides of a sale against the golden vectors."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from exchange.domain.records import RecordPayload, Status, Transfer, day, month
from exchange.domain.rows import Flaw, Stated, check_transfer
from tests.support.rows import payload

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/transfers_v1.json").read_text())
DAYS = ("status_on", "oldest_unpaid_due_on", "first_overdue_on", "ended_on")


def payload_of(told: dict[str, Any]) -> RecordPayload:
    """Return the payload that a vector describes."""
    days = {name: day(date.fromisoformat(one)) if (one := told[name]) else None for name in DAYS}
    as_of = date.fromisoformat(told["as_of"])
    made = payload(told["history"], status=Status(told["status"]), dpd=told["dpd"], as_of=as_of)
    assert made.as_of_month == month(as_of)
    return msgspec.structs.replace(made, **days)


def side(told: dict[str, Any], **changes: Any) -> Stated:
    """Return what a member said: the seller, unless told otherwise."""
    made = Stated(UUID(int=1), "m-a", "ep_1", frozenset({b"a", b"b"}), payload_of(told))
    return made._replace(**changes)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["why"])
def test_a_sale_differs_in_exactly_the_fields_of_the_vector(case: dict[str, Any]) -> None:
    """A debt that is sold must not grow young again, and an honest buyer must not be refused."""
    before = payload_of(case["before"]) if case["before"] else None

    flaws = check_transfer(side(case["sold"]), side(case["bought"], member="m-b"), before)

    assert [(field, "row.transfer") for field in case["fields"]] == flaws


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"indices": frozenset({b"b", b"c"})}, []),  # one identifier in common is the same person
        ({"indices": frozenset({b"c"})}, ["tokens"]),
        ({"indices": frozenset({b"c"}), "epoch": "ep_2"}, []),  # tokens of two epochs never match
        ({"member": "m-a"}, ["transfer_id"]),
    ],
)
def test_a_sale_is_of_one_subject_between_two_members(
    changes: dict[str, object], fields: list[str]
) -> None:
    """Another's debt must not be linked away, and nobody sells to itself to begin anew."""
    alike = VECTORS["cases"][0]
    bought = side(alike["bought"], **{"member": "m-b"} | changes)

    flaws = check_transfer(side(alike["sold"]), bought, None)

    assert [Flaw(field, "row.transfer") for field in fields] == flaws


def test_an_older_version_says_by_its_transfer_how_it_came() -> None:
    """What was sealed before the exchange kept `came_by` must not lose its seller."""
    old = payload(transfer=Transfer.IN, transfer_id=bytes(16))

    assert (bytes(16), None) == (old.arrived_by, payload(transfer_id=bytes(16)).arrived_by)
