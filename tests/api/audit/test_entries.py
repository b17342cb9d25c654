"""A regulator searches the log: what matches, in order, and never unseen."""

from __future__ import annotations

from typing import Any

import pytest

from exchange_client.core.encoding import unb64url
from exchange_client.proofs import verify_proof
from tests.support.access_log import run_sql
from tests.support.regulator import Regulator, look

OTHER = "p:" + "0b" * 16


def rows(found: dict[str, object]) -> list[Any]:
    """Return the rows of a page."""
    listed = found["entries"]
    assert isinstance(listed, list)
    return listed


def indices(found: dict[str, object]) -> list[int]:
    """Return the indices of a page."""
    return [row["index"] for row in rows(found)]


def test_a_look_is_a_row_with_the_names_of_fhir(regulator: Regulator) -> None:
    """An authority reads the log with the tools it reads hospital logs with."""
    regulator.looks(look(outcome="ADVERSE"))

    found = regulator.get("entries?kind=query")

    assert 1 == found["total"]
    row = rows(found)[0]
    assert ("query", "R", "ADVERSE", "credit_application", "permitted") == tuple(
        row[name] for name in ("type", "action", "outcome", "purposeOfEvent", "outcomeDesc")
    )
    assert [{"who": "member-a", "key": "member-a/k1", "operator": "op-1"}] == row["agent"]
    assert {"type": "subject", "what": look().subject, "sequence": 1} == row["entity"][0]


@pytest.mark.parametrize(
    "query",
    [
        "member=member-b",
        "purpose=account_review",
        "operator=op-2",
        "outcome=WITHHELD",
        "kind=query&outcome=WITHHELD&member=member-b",
    ],
)
def test_each_filter_finds_its_rows_and_no_others(regulator: Regulator, query: str) -> None:
    """A search by one thing shows all of it and nothing else."""
    wanted = look(
        OTHER, member="member-b", purpose="account_review", operator="op-2", outcome="WITHHELD"
    )
    regulator.looks(look(), wanted, look(), look(OTHER))

    found = regulator.get(f"entries?{query}")

    assert 1 == found["total"]
    assert "member-b" == rows(found)[0]["agent"][0]["who"]


def test_a_search_by_time_takes_the_first_second_and_not_the_last(regulator: Regulator) -> None:
    """A day is looked at whole, and its neighbour is not."""
    regulator.looks(look())
    at = rows(regulator.get("entries?kind=query"))[0]["recorded"]

    totals = [
        regulator.get(f"entries?kind=query&{query}")["total"]
        for query in (f"from={at}", f"from={at + 1}", f"to={at}", f"to={at + 1}")
    ]

    assert [1, 0, 0, 1] == totals


def test_a74_pages_show_each_row_once_while_rows_are_added(regulator: Regulator) -> None:
    """Who pages through a busy log misses nobody and counts nobody twice."""
    regulator.looks(*(look() for _ in range(5)))
    seen, found = [], regulator.get("entries?kind=query&limit=2")
    seen += indices(found)
    checkpoint = found["checkpoint"]

    while found["has_more"]:
        regulator.looks(look())
        found = regulator.get(f"entries?kind=query&limit=2&cursor={found['next']}")
        seen += indices(found)

        assert (checkpoint, 5) == (found["checkpoint"], found["total"])
    assert 5 == len(seen) == len(set(seen))
    assert sorted(seen) == seen


def test_each_row_comes_with_its_proof_where_it_is_asked_for(regulator: Regulator) -> None:
    """A row that is shown in court is proven by the log and not by the exchange's word."""
    regulator.looks(look(), look())

    found = regulator.get("entries?kind=query&proof=1")

    for row in rows(found):
        vkey = regulator.sandbox.pins().log_vkey
        proven = verify_proof(row["proof"].encode(), vkey, leaf=unb64url(row["leaf"]))
        assert row["index"] == proven.index


def test_every_read_is_a_leaf_of_its_own(regulator: Regulator) -> None:
    """Nobody watches unseen, the watchers included."""
    regulator.get("entries?member=member-a")
    regulator.get("log")
    regulator.sandbox.sequence()

    found = regulator.get("entries?kind=regulator_access")

    assert 2 == found["total"]
    users = {row["agent"][0]["user"] for row in rows(found)}
    assert {regulator.first.keyid} == users


def test_what_the_search_index_hides_the_search_does_not_show(regulator: Regulator) -> None:
    """A search proves nothing about what it leaves out; `test_exports` shows what does."""
    regulator.looks(look(outcome="ADVERSE"), look(OTHER))
    url = regulator.sandbox.settings.libpq_url
    run_sql(url, "DELETE FROM log_search WHERE outcome = 'ADVERSE'")

    found = regulator.get("entries?kind=query")

    assert 1 == found["total"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("subject=13900000000", "/subject"),
        ("from=-7654321", "/from"),
        ("from=" + "9" * 30, "/from"),
        ("limit=0", "/limit"),
        ("limit=501", "/limit"),
        ("proof=always", "/proof"),
        ("year=26-27", "/year"),
        ("member=abc%20def", "/member"),
        ("anything=whatever", ""),
    ],
)
def test_a84_an_argument_out_of_form_is_named_and_never_repeated(
    regulator: Regulator, query: str, field: str
) -> None:
    """A mistyped identifier must not end up in a log of refusals."""
    response = regulator.send("GET", f"/audit/v1/entries?{query}")

    assert (422, field) == (response.status_code, response.json["errors"][0]["pointer"])  # type: ignore[index]  # an object
    value = query.partition("=")[2]
    assert len(value) < 4 or value not in response.text


def test_a_log_that_never_was_is_absent(regulator: Regulator) -> None:
    """Another year is not answered with this one."""
    assert 404 == regulator.send("GET", "/audit/v1/entries?year=2019").status_code
