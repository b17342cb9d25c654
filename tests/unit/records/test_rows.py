"""Rows against the golden vectors, and what no row can smuggle past the reader."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.profiles import load_profile
from exchange.domain.rows import (
    CATALOGUE,
    RULES,
    Flaw,
    Row,
    Severity,
    Submission,
    as_row,
    read_row,
    read_submitted,
    row_digest,
    row_faults,
    token_bytes,
)
from exchange.domain.rows.catalogue import ANY_FIELD
from exchange.errors import FormError
from tests.support.rows import (
    GRANT,
    TOKEN,
    clean_fields,
    judge,
    line_of,
    parsed,
    row_fields,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/rows_v1.json").read_text())
OPTIONAL = {"closed_on": None, "status_on": None, "reason": None, "previous_ref": None}


def circumstances(profile: str) -> Submission:
    return Submission(
        member="member-a",
        today=date.fromisoformat(VECTORS["today"]),
        submitted_at=VECTORS["submitted_at"],
        as_of_from=date.fromisoformat(VECTORS["as_of_from"]),
        as_of_to=date.fromisoformat(VECTORS["as_of_to"]),
        sequence=7,
        profile=load_profile(profile),
    )


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["why"])
def test_a_row_has_exactly_the_flaws_of_the_vector(case: dict[str, Any]) -> None:
    """A lender gets the same words from server, SDK and offline check for the same row."""
    before = [line.encode() for line in case["before"]]

    flaws = judge(case["line"].encode(), before, circumstances(case["profile"]))

    assert [tuple(flaw) for flaw in case["flaws"]] == flaws


def test_an_account_is_told_of_on_the_day_it_is_opened() -> None:
    """A lender that reports every evening must not lose the loans of the day."""
    row = line_of(clean_fields(opened_on="2026-03-31"))

    assert [] == judge(row, [], circumstances("CN"))


CONTACT = {"kind": "contact", "value": TOKEN[:-2] + "QQ"}
TOKENS = ("tokens", "row.token")
PAUSED_TODAY = {
    "status": "PAUSED",
    "pauses": [{"from": "2026-03-31", "to": "2026-03-31", "cause": "COURT"}],
}
DUE = ("oldest_unpaid_due_on", "row.date_order")


def settled(day: str, **changes: object) -> dict[str, object]:
    ended = {"status": "SETTLED", "status_on": day, "closed_on": day, "balance_minor": 0}
    return clean_fields(**ended | changes)


@pytest.mark.parametrize(
    ("fields", "flaws"),
    [
        (row_fields(principal_minor=16_667, overdue_minor=50_001), []),
        (
            row_fields(principal_minor=16_667, overdue_minor=50_002),
            [("overdue_minor", "plaus.overdue_over_3x_principal")],
        ),
        (clean_fields(tokens=[{"kind": "identity", "value": TOKEN}, CONTACT]), []),
        (clean_fields(tokens=[CONTACT, {"kind": "identity", "value": TOKEN}]), [TOKENS]),
        (clean_fields(tokens=[CONTACT]), [TOKENS]),
        *[
            (settled(day), [("status_on", "row.date_order"), ("closed_on", "row.date_order")])
            for day in ("2025-01-09", "2026-04-01")  # before the opening, after as_of
        ],
        (row_fields(**PAUSED_TODAY, oldest_unpaid_due_on=None, overdue_minor=0), [DUE]),
        (row_fields(**PAUSED_TODAY, oldest_unpaid_due_on=None, dpd=0), [DUE]),
        (
            clean_fields(
                status="RESTRUCTURED",
                status_on="2026-03-31",
                five_class=2,
                oldest_unpaid_due_on="2026-03-31",
                first_overdue_on="2026-04-01",
            ),
            [("first_overdue_on", "row.date_order")],
        ),
    ],
)
def test_rules_hold_at_their_edges(fields: dict[str, object], flaws: list[tuple[str, str]]) -> None:
    """What is just right must be taken, and what is just wrong be told."""
    assert flaws == judge(line_of(fields), [], circumstances("CN"))


def test_an_account_may_open_and_close_on_one_day() -> None:
    """A loan that is paid back in the evening is a loan."""
    row = settled("2026-03-31", opened_on="2026-03-31")
    before = line_of(clean_fields(opened_on="2026-03-31"))

    assert [] == judge(line_of(row), [before], circumstances("CN"))


@pytest.mark.parametrize(
    ("day", "flaws"),
    [(27, [("as_of", "row.date_order")]), (28, []), (29, []), (30, [("as_of", "row.date_order")])],
)
def test_a_row_lies_within_the_days_that_its_file_names(
    day: int, flaws: list[tuple[str, str]]
) -> None:
    """What a file leaves out must show in its header."""
    period = replace(circumstances("CN"), as_of_from=date(2026, 3, 28), as_of_to=date(2026, 3, 29))

    assert flaws == judge(line_of(clean_fields(as_of=f"2026-03-{day}")), [], period)


def test_a_smallest_sum_is_asked_of_what_is_overdue_alone() -> None:
    """Where sums under 1,000 are not listed (KE), an account on time is none of them."""
    assert [] == judge(line_of(clean_fields(currency="KES")), [], circumstances("KE"))


def test_every_code_of_the_vectors_is_explained_and_every_row_rule_has_a_vector() -> None:
    """A fault without words, or a rule without a test, leaves a lender guessing."""
    met = {code for case in VECTORS["cases"] for _, code in case["flaws"]}
    # Rules of a whole file, of the store, of grants and registered notices: where each is met.
    elsewhere = {
        "batch.line": "hostile/rows/test_formats.py",
        "plaus.one_amount": "api/test_plausibility.py",
        "plaus.token_on_many_accounts": "api/test_plausibility.py",
        "row.duplicate": "api/test_batches.py",
        "row.grant_expired": "unit/consent/test_contributing.py",
        "row.grant_purpose": "api/test_batches.py",
        "row.grant_subject": "api/test_batches.py",
        "row.grant_withdrawn": "api/test_batches.py",
        "row.notice_template": "api/test_records.py",
        "row.superseded": "api/test_batches.py",
    }
    tests = Path(__file__).parents[2]
    texts = {file: (tests / file).read_text() for file in elsewhere.values()}

    assert [] == [one for one, file in elsewhere.items() if f'"{one}"' not in texts[file]]
    assert met | elsewhere.keys() == set(RULES)


def test_a_code_names_no_field_that_the_catalogue_does_not() -> None:
    """A fault on a field that the page does not name sends whoever mends it astray."""
    fields = {one.code: one.fields for one in CATALOGUE}
    named = {(field, code) for case in VECTORS["cases"] for field, code in case["flaws"]}

    assert [] == [
        (field, code)
        for field, code in named
        if field not in fields[code] and ANY_FIELD not in fields[code]
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b"{}{}",
        b"{} {}",
        b"\xff{}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b"[" * 8000,
        b'{"a":' + b"9" * 5000 + b"}",
        '{"op":"PUT"}'.encode("utf-16"),
    ],
)
def test_a_line_that_is_not_one_json_object_is_refused_as_a_line(line: bytes) -> None:
    """Two readers of one ambiguous line could see two different debts."""
    with pytest.raises(FormError):
        read_row(line)


@given(st.data())
def test_a_name_that_stands_twice_is_always_found(data: st.DataObject) -> None:
    """The last of two amounts must not silently win, wherever and however it is repeated."""
    fields = row_fields(**{k: v for k, v in OPTIONAL.items() if data.draw(st.booleans())})
    members = [
        json.dumps(name) + data.draw(st.sampled_from([":", " :", ": ", " : "])) + json.dumps(value)
        for name, value in fields.items()
    ]
    name = data.draw(st.sampled_from(list(fields)))
    spelled = data.draw(st.sampled_from([name, f"\\u{ord(name[0]):04x}{name[1:]}"]))
    value = data.draw(st.sampled_from([fields[name], None, 0, "x:y", []]))
    place = data.draw(st.integers(0, len(members)))
    members.insert(place, f'"{spelled}":{json.dumps(value)}')

    read = read_row(("{" + ",".join(members) + "}").encode())

    assert isinstance(read, list)
    assert Flaw("", "row.duplicate_field") in read


@given(st.data())
def test_any_spelling_of_an_unambiguous_row_reads_the_same(data: st.DataObject) -> None:
    """A lender's JSON library must not decide whether a row is taken."""
    fields = row_fields(**{k: v for k, v in OPTIONAL.items() if data.draw(st.booleans())})
    order = data.draw(st.permutations(list(fields.items())))
    separators = data.draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))

    assert parsed(row_fields()) == read_row(json.dumps(dict(order), separators=separators).encode())


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8) | st.none()))
def test_whatever_an_object_holds_it_is_a_row_or_a_list_of_flaws(members: dict[str, Any]) -> None:
    """Hostile objects must end as faults, never as an internal error."""
    read = read_row(json.dumps(row_fields() | members).encode())

    assert isinstance(read, Row) or {flaw.code for flaw in _flaws(read)} <= set(RULES)


def test_faults_name_line_and_rule_refusals_first_and_never_more_than_eight() -> None:
    """The fault file tells where to look; warnings must not push a refusal out of it."""
    flaws = [Flaw("dpd", "plaus.stuck"), *[Flaw(f"f{n}", "row.code") for n in range(9)]]

    faults = row_faults(3, flaws)

    assert [(3, f"f{n}", "row.code", Severity.REJECT) for n in range(8)] == faults


def test_a_row_sent_alone_is_the_row_of_a_file() -> None:
    """The same account by PUT and by file must not end as two versions."""
    alone = read_submitted(line_of(row_fields(epoch="ep_1", profile="cn@1")))

    assert not isinstance(alone, list)
    assert row_digest(parsed(row_fields())) == row_digest(as_row(alone))


def test_a_row_sent_alone_needs_epoch_and_profile() -> None:
    """A token without its epoch names nobody."""
    assert [Flaw("epoch", "row.shape"), Flaw("profile", "row.shape")] == read_submitted(
        line_of(row_fields())
    )


def test_a_checked_token_is_64_bytes_and_never_shown() -> None:
    """The token is the subject's only name: it stays out of logs and traces."""
    row = parsed(row_fields())

    assert [bytes(64)] == token_bytes([row.tokens[0].value])
    assert TOKEN not in repr(row)
    assert GRANT in repr(row)


def _flaws(read: object) -> list[Flaw]:
    assert isinstance(read, list)
    assert read
    return read
