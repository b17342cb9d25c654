"""The hostile corpus about rows: A34 to A40 in a record sent alone, A48, A54, A80."""

from __future__ import annotations

import json

import pytest

from exchange.domain.rows import RULES
from tests.hostile.rows.looking import fault_of, framed, neutral
from tests.support.batches import dumps
from tests.support.grant_desk import refusal
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import Sandbox

HOSTILE_TEXTS = (
    "' OR 1=1 --",
    '"; DROP TABLE record; --',
    "*)(uid=*))(|(uid=*",
    "${jndi:ldap://x.example/a}",
    "%s%s%n%x",
    "{0.__class__.__mro__}",
    "{{7*7}}",
    "a\r\nSet-Cookie: x=1",
    "\x1b[31mred\x1b[0m",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "\u202egnp.exe",
    "x" * 2_000,
)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "amount", [b"-1", b"-0.00", b"1e-30", b"1000000000000001", b"1e400", b"9" * 400]
)
def test_a48_an_amount_that_is_none_is_a_fault_of_its_row(desk: RecordDesk, amount: bytes) -> None:
    """There is one way to write an amount."""
    line = dumps(desk.clean()).replace(b'"overdue_minor":0', b'"overdue_minor":' + amount) + b"\n"

    refused = desk.upload(framed(desk, line))

    assert (422, "batch.fault_share", "/1/overdue_minor", "row.amount") == fault_of(refused)


def test_a54_the_reply_does_not_depend_on_what_others_hold(
    desk: RecordDesk, sandbox: Sandbox
) -> None:
    """Uploading must not tell a lender who else lends to its borrower (T14)."""
    other = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-o"))
    other.uploaded([other.late(51, "o-1", days=90)])

    replies = []
    for subject in (51, 52):  # 51 is reported by another, 52 by nobody
        bad = desk.late(subject, "a54", dpd=29)
        good = desk.late(subject, "a54", balance_minor=700_000)
        delete = "/v1/records/a54?reason=DELETE_ERROR"
        replies.append(
            [neutral(desk.put(bad)), neutral(desk.put(good)), neutral(desk.send("DELETE", delete))]
        )

    assert replies[0] == replies[1]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: repr(text[:20]))
def test_a80_hostile_text_in_any_field_is_a_fault_and_never_repeated(
    desk: RecordDesk, text: str
) -> None:
    """What breaks a database, a log line or a spreadsheet must not even be stored."""
    whole = desk.late(1) | {"history": "1", "reason": "AMEND", "transfer_id": "x", "basis": "x"}
    rows = [desk.clean(1) | {name: text} for name in whole]
    content = b"".join(dumps(row) + b"\n" for row in rows)

    refused = desk.upload(framed(desk, content, rows=len(rows)))

    assert (422, "batch.fault_share") == refusal(refused)[:2]
    told = refused.get_json()
    assert text not in json.dumps(told, ensure_ascii=False)
    assert len(rows) == len({fault["pointer"].split("/")[1] for fault in told["errors"]})
    assert {fault["code"] for fault in told["errors"]} <= set(RULES)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("text", HOSTILE_TEXTS[:8], ids=lambda text: repr(text[:20]))
def test_a80_hostile_names_are_unknown_and_never_repeated(desk: RecordDesk, text: str) -> None:
    """A name can carry what a value cannot."""
    refused = desk.upload(desk.file([desk.clean(1) | {text: 1}]))

    assert (422, "batch.fault_share", "/1/unknown", "row.unknown_field") == fault_of(refused)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dispute_state", "NONE"),
        ("member_id", "member-b"),
        ("record_id", "x"),
        ("suppressed", False),
    ],
)
def test_a40_a_field_of_the_exchange_is_refused(desk: RecordDesk, name: str, value: object) -> None:
    """A lender cannot clear a dispute, or speak for another."""
    refused = desk.put(desk.clean(1) | {name: value})

    assert (422, "row.rule", f"/{name}") == refusal(refused)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("spelled", "code"),
    [
        (b'"dpd":0,"dpd":0', "request.duplicate_field"),
        (b'"dpd":NaN', "request.form"),
        (b'"dpd":-0', "request.form"),
        (b'"dpd":0,"basis":"\\ud800"', "request.field"),
        (b'"dpd":0.0', "request.field"),
        (b'"dpd":true', "row.rule"),
        (b'"dpd":"0"', "row.rule"),
        (b'"dpd":null', "row.rule"),
    ],
)
def test_a34_a35_a37_a39_a_record_alone_is_strict_json(
    desk: RecordDesk, spelled: bytes, code: str
) -> None:
    """One reading of every number and name."""
    row = dumps({"epoch": "ep_1", "profile": "cn@1", **desk.clean(1, "strict")})

    refused = desk.post(
        "PUT", "/v1/records/strict", row.replace(b'"dpd":0', spelled), "application/json"
    )

    assert code == refusal(refused)[1]
    assert refused.status_code in (400, 422)
