"""Rows, submissions and records for tests: synthetic, and good until a test breaks one field."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from uuid import UUID

from consent.profiles import Profile, load_profile
from exchange.domain.records import (
    PAYLOAD_FORM,
    Product,
    RecordPayload,
    Status,
    SubjectRole,
    Transfer,
    day,
    month,
    status_bucket,
)
from exchange.domain.rows import (
    Deletion,
    Row,
    StoredRecord,
    Submission,
    check_against_stored,
    check_deletion,
    check_row,
    deleted_payload,
    next_payload,
    read_row,
    rejects,
)

TODAY = date(2026, 3, 31)
SUBMITTED_AT = int(datetime(2026, 3, 31, 4, tzinfo=UTC).timestamp())  # noon in Shanghai
TOKEN = "A" * 86
OTHER_TOKEN = "B" * 85 + "A"
GRANT = "gnt_019a0000000070008000000000000001"
CN = load_profile("CN")
NOTICE = {
    "sent_at": SUBMITTED_AT - 86_400,
    "channel": "SMS",
    "template": "ntc_sandbox_pre_listing:1.0.0",
    "delivery": "SENT",
}
ABSENT = object()  # as a change: leave the field out


def row_fields(**changes: object) -> dict[str, object]:
    """Return the fields of a row 30 days overdue, with changes."""
    fields: dict[str, object] = {
        "op": "PUT",
        "account_ref": "acc-0001",
        "tokens": [{"kind": "identity", "value": TOKEN}],
        "role": "borrower",
        "product": "cash_loan",
        "as_of": "2026-03-31",
        "opened_on": "2025-01-10",
        "oldest_unpaid_due_on": "2026-03-01",
        "first_overdue_on": "2026-03-02",
        "currency": "CNY",
        "principal_minor": 1_000_000,
        "balance_minor": 600_000,
        "overdue_minor": 50_000,
        "dpd": 30,
        "status": "OVERDUE",
        "five_class": 2,
        "grant": GRANT,
        "notice": NOTICE,
    }
    fields.update(changes)
    return {name: value for name, value in fields.items() if value is not ABSENT}


def clean_fields(**changes: object) -> dict[str, object]:
    """Return the fields of a row that is on time, with changes."""
    on_time: dict[str, object] = {
        "oldest_unpaid_due_on": ABSENT,
        "first_overdue_on": ABSENT,
        "overdue_minor": 0,
        "dpd": 0,
        "status": "CURRENT",
        "five_class": 1,
        "notice": ABSENT,
    }
    return row_fields(**on_time | changes)


def line_of(fields: dict[str, object]) -> bytes:
    """Write fields as a line of a file."""
    return json.dumps(fields, separators=(",", ":")).encode()


def row_of(**changes: object) -> Row:
    """Return the row of `row_fields`, whose form must be right."""
    return parsed(row_fields(**changes))


def clean_row(**changes: object) -> Row:
    """Return the row of `clean_fields`, whose form must be right."""
    return parsed(clean_fields(**changes))


def parsed(fields: dict[str, object]) -> Row:
    """Read fields whose form must be right."""
    row = read_row(line_of(fields))
    assert isinstance(row, Row), row
    return row


def submission(
    *, today: date = TODAY, sequence: int = 7, profile: Profile = CN, at: int = SUBMITTED_AT
) -> Submission:
    """Return circumstances under which rows of any day up to today may be sent."""
    return Submission(
        member="member-a",
        today=today,
        submitted_at=at,
        as_of_from=date(1900, 1, 1),
        as_of_to=today,
        sequence=sequence,
        profile=profile,
    )


def payload(
    history: str = "N" * 24,
    *,
    status: Status = Status.CURRENT,
    dpd: int = 0,
    overdue_minor: int = 0,
    as_of: date = date(2026, 3, 31),
    currency: str = "CNY",
    purge_on: date | None = None,
    transfer: Transfer = Transfer.NONE,
    transfer_id: bytes | None = None,
) -> RecordPayload:
    """Return a payload as it lies under the seal."""
    return RecordPayload(
        form=PAYLOAD_FORM,
        as_of=day(as_of),
        as_of_month=month(as_of),
        status=status,
        dpd=dpd,
        bucket=status_bucket(status, dpd),
        overdue_minor=overdue_minor,
        balance_minor=overdue_minor + 100_000,
        principal_minor=1_000_000,
        currency=currency,
        history=history,
        product=Product.CASH_LOAN,
        role=SubjectRole.BORROWER,
        opened_on=day(date(2020, 1, 1)),
        closed_on=None,
        status_on=None,
        oldest_unpaid_due_on=None,
        first_overdue_on=None,
        ended_on=None,
        purge_on=None if purge_on is None else day(purge_on),
        five_class=None,
        transfer=transfer,
        transfer_id=transfer_id,
        pauses=(),
        notice=None,
        basis="",
        same_dpd=1,
        digest=bytes(16),
    )


def judge(line: bytes, before: list[bytes], circumstances: Submission) -> list[tuple[str, str]]:
    """Return the flaws of a line after these lines about the same account, in the order found."""
    stored: StoredRecord | None = None
    for version, each in enumerate(before, 1):
        stored = _after(each, version, stored, circumstances)
    row = read_row(line)
    if isinstance(row, list):
        flaws = row
    elif isinstance(row, Deletion):
        flaws = check_deletion(row, stored, circumstances)
    else:
        flaws = check_row(row, circumstances)
        if not rejects(flaws):
            subject = row.tokens[0].value.encode()
            flaws += check_against_stored(row, subject, "ep_1", stored, circumstances)
    return [(flaw.field, flaw.code) for flaw in flaws]


def _after(
    line: bytes, version: int, stored: StoredRecord | None, circumstances: Submission
) -> StoredRecord:
    row = read_row(line)
    assert not isinstance(row, list), row
    subject = stored.subject if stored else b""
    kept = stored.payload if stored else None
    if isinstance(row, Row):
        subject = row.tokens[0].value.encode()
        made = next_payload(row, kept, circumstances)
    else:
        assert kept
        made = deleted_payload(row, kept)
    return StoredRecord(UUID(int=1), version, circumstances.sequence, "ep_1", subject, made)
