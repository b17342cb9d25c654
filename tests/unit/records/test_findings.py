"""Findings: golden vectors, the formulas written out, and what must never change an answer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.decision import Decision, Reason
from consent.profiles import Effect
from consent.purposes import FINDING_FIELDS, Detail
from exchange.domain.findings import (
    Answer,
    HeldRecord,
    Outcome,
    Question,
    Velocity,
    cut,
    withheld,
)
from exchange.domain.records import Status, Transfer
from tests.support.findings_reference import reference, shown
from tests.support.records_json import held_of, profile_of, question_of
from tests.support.rows import CN, payload

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/findings_v1.json").read_text())
NOW = 1_775_790_000  # 2026-04-10 in Shanghai
WITHHOLD = profile_of("CN", "WITHHOLD")
DELETE = replace(CN, overdue_effect=Effect.DELETE)
ORDER = {
    "months_since_worst": ["none", "24+", "12-23", "6-11", "3-5", "0-2"],
    "late_months": ["0", "1", "2", "3-5", "6+"],
}
DECISION = Decision(
    permitted=True,
    reason=Reason.PERMITTED,
    policy="cn@1",
    level=1,
    detail=Detail.BANDS,
    fields=FINDING_FIELDS,
    lookback_months=24,
    limits=(),
)


def question(contributors: int = 6) -> Question:
    return Question("member-a", DECISION, Velocity(0, 1, 3), contributors, NOW)


def held(number: int, member: str, **told: Any) -> HeldRecord:
    return HeldRecord(UUID(int=number), member, False, False, payload(**told))


transfer_ids = st.sampled_from([None, bytes(16), bytes(15) + b"\x01"])
payloads = st.builds(
    payload,
    history=st.text(alphabet="NNNN*M#1237BDZ", min_size=1, max_size=40),
    status=st.sampled_from(Status),
    dpd=st.sampled_from([0, 1, 30, 31, 95, 400]),
    overdue_minor=st.sampled_from([0, 1, 99, 100, 99_999, 100_000, 10**9]),
    as_of=st.dates(min_value=date(2025, 9, 1), max_value=date(2026, 4, 11))
    | st.dates(min_value=date(2023, 1, 1), max_value=date(2026, 4, 10)),
    currency=st.sampled_from(["CNY", "USD"]),
    purge_on=st.sampled_from([None, date(2026, 4, 10), date(2026, 4, 11)]),
    transfer=st.sampled_from(Transfer),
    transfer_id=transfer_ids,
)
records = st.builds(
    HeldRecord,
    record_id=st.integers(1, 6).map(lambda number: UUID(int=number)),
    member=st.sampled_from(["member-a", "member-b", "member-c", "member-d", "member-e"]),
    disputed=st.booleans(),
    suppressed=st.booleans(),
    payload=payloads,
)
books = st.lists(records, max_size=6, unique_by=lambda record: record.record_id)
questions = st.builds(
    Question,
    asker=st.just("member-a"),
    decision=st.just(DECISION),
    velocity=st.builds(Velocity, *[st.integers(0, 12)] * 3),
    contributors=st.integers(0, 6),
    now=st.just(NOW),
)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["why"])
def test_the_answer_is_that_of_the_vector(case: dict[str, Any]) -> None:
    """Another implementation of the exchange must give the same answer to the bit."""
    profile = profile_of(case["profile"], case["dispute_effect"])

    answer = cut([held_of(one) for one in case["records"]], question_of(case["question"]), profile)

    claims = answer.as_claims()
    expected = {name: case[name] for name in ("outcome", "finding", "grade", "reasons", "limits")}
    assert expected == {name: claims[name] for name in expected}


@given(books, questions, st.sampled_from([CN, WITHHOLD, DELETE]))
def test_the_answer_is_the_formulas_written_out(
    book: list[HeldRecord], asked: Question, profile: Any
) -> None:
    """Speed must not change what a borrower is judged by."""
    outcome, finding = reference(book, asked, profile)

    answer = cut(book, asked, profile)

    assert outcome == answer.outcome
    assert answer.finding is not None
    assert shown(finding, FINDING_FIELDS) == answer.finding.as_claims()


@given(books, payloads)
def test_the_askers_own_records_change_nothing(book: list[HeldRecord], own: Any) -> None:
    """Nobody can probe the others' records by moving its own (T14)."""
    mine = HeldRecord(UUID(int=99), "member-a", False, False, own)
    others = [record for record in book if record.member != "member-a"]
    if own.transfer is Transfer.IN:
        return  # A debt bought from another is no longer told by that other.

    assert cut(others, question(), CN) == cut([*others, mine], question(), CN)


@given(books)
def test_no_answer_names_a_lender_a_sum_or_a_day(book: list[HeldRecord]) -> None:
    """Bands are all that may leave; the lender's name is nobody's business."""
    text = json.dumps(cut(book, question(), CN).as_claims())

    assert "member-" not in text
    assert not any(str(record.payload.overdue_minor) in text for record in book if _exact(record))


def _exact(record: HeldRecord) -> bool:
    return record.payload.overdue_minor > 99


@given(st.text(alphabet="N1234567", min_size=1, max_size=24), st.data())
def test_a_worse_month_never_betters_any_band(history: str, data: st.DataObject) -> None:
    """Paying later can never pay."""
    at = data.draw(st.integers(0, len(history) - 1))
    level = int(history[at]) if history[at] != "N" else 0
    worse = history[:at] + str(min(7, level + 1)) + history[at + 1 :]

    before, after = (
        _bands(cut([held(1, "member-b", history=one)], question(), CN)) for one in (history, worse)
    )

    assert before["worst_bucket"] <= after["worst_bucket"]
    assert before["late_months"] <= after["late_months"]
    assert before["lender_band"] <= after["lender_band"]


def _bands(answer: Answer) -> dict[str, Any]:
    assert answer.finding is not None
    claims = answer.finding.as_claims()
    return claims | {name: order.index(str(claims[name])) for name, order in ORDER.items()}


def test_what_is_withheld_holds_nothing_but_its_reason() -> None:
    """A refusal must not be distinguishable by what was in store."""
    answer = withheld("grant.expired")

    assert Outcome.WITHHELD is answer.outcome
    assert {
        "outcome": "WITHHELD",
        "reason": "grant.expired",
        "finding": None,
        "grade": None,
        "reasons": ["R08"],
        "model": "points_v1",
        "limits": [],
    } == answer.as_claims()


def test_a_statement_of_the_borrower_is_shown() -> None:
    """The borrower's own words travel with what lenders say."""
    asked = question()._replace(statement="I was ill that month.")

    answer = cut([held(1, "member-b")], asked, CN)

    assert answer.finding is not None
    assert "I was ill that month." == answer.finding.as_claims()["statement"]
