"""Fill a sandbox with records and grants by the store's own sealing, straight into its tables."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

import psycopg

from exchange.crypto.keyring import Keyring
from exchange.crypto.sealing import Sealer, pad, record_aad
from exchange.domain.ids import uuid7
from exchange.domain.records import (
    PAYLOAD_FORM,
    Product,
    RecordPayload,
    Status,
    SubjectRole,
    Transfer,
    day,
    encode_payload,
    month,
)

_RECORDS = """COPY record (token_index, record_id, version, member_id, epoch, submitted_at, kek_id,
    wrapped, sealed, open, overdue) FROM STDIN (FORMAT BINARY)"""
_RECORD_TYPES = (
    *("bytea", "uuid", "int4", "text", "text", "int8", "text", "bytea", "bytea", "bool", "bool"),
)
_GRANTS = """COPY grants (token_index, grantee, grant_id, epoch, purpose, state, level, not_before,
    expires, detail, fields, lookback_months) FROM STDIN (FORMAT BINARY)"""
_GRANT_TYPES = (
    *("bytea", "text", "uuid", "text", "text", "text", "int2", "int8", "int8", "text"),
    *("text[]", "int2"),
)
_FIELDS = [
    *("current_bucket", "worst_bucket", "months_since_worst", "late_months", "lender_band"),
    *("open_overdue_band", "overdue_amount_band", "freshest_month", "velocity", "dispute"),
]


def tokens(count: int) -> list[bytes]:
    """Return tokens of subjects that nobody blinded: 64 random bytes each."""
    return [os.urandom(64) for _ in range(count)]


def load_records(url: str, keyring: Keyring, subjects: list[bytes], *, member: str) -> None:
    """Give every subject one sealed record of this member."""
    print(f"sealing {len(subjects):,} records", file=sys.stderr)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        with cursor.copy(_RECORDS) as copy:
            copy.set_types(_RECORD_TYPES)
            for row in _records(keyring, subjects, member):
                copy.write_row(row)
        connection.commit()


def load_grants(
    url: str,
    keyring: Keyring,
    subjects: list[bytes],
    *,
    member: str,
    purpose: str = "credit_application",
) -> list[UUID]:
    """Give every subject a grant to this member that is not spent by one use; return their ids."""
    now = int(time.time())
    ids = [uuid7(now * 1_000, os.urandom) for _ in subjects]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        with cursor.copy(_GRANTS) as copy:
            copy.set_types(_GRANT_TYPES)
            for n, (token, grant_id) in enumerate(zip(subjects, ids, strict=True)):
                index = keyring.index("ep_1", token)
                validity = (now - 200_000 - n, now + 2_000_000 + n)  # given one after the other
                row = (index, member, grant_id, "ep_1", purpose, "ACTIVE", 1, *validity)
                copy.write_row((*row, "bands", _FIELDS, 24))
        connection.commit()
    return ids


def settle(url: str) -> None:
    """Let PostgreSQL end what loading left it to do: it would do that beside what is measured."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _records(keyring: Keyring, subjects: list[bytes], member: str) -> Iterator[tuple[object, ...]]:
    sealer, now = Sealer(keyring), int(time.time())
    content = pad(encode_payload(_payload()))
    for token in subjects:
        record_id = uuid7(now * 1_000, os.urandom)
        aad = record_aad(record_id.bytes, 1, member, "ep_1")
        key = sealer.new_key(aad)
        sealed = key.seal(content, aad)
        index = keyring.index("ep_1", token)
        yield index, record_id, 1, member, "ep_1", now, key.kek_id, key.wrapped, sealed, True, True


def _payload() -> RecordPayload:
    as_of = date.today() - timedelta(days=2)  # noqa: DTZ011 - a plain day, as rows have it
    due = as_of - timedelta(days=45)
    return RecordPayload(
        form=PAYLOAD_FORM,
        as_of=day(as_of),
        as_of_month=month(as_of),
        status=Status.OVERDUE,
        dpd=45,
        bucket=2,
        overdue_minor=60_000,
        balance_minor=300_000,
        principal_minor=500_000,
        currency="CNY",
        history="21NNNNNNNNN",
        product=Product.CASH_LOAN,
        role=SubjectRole.BORROWER,
        opened_on=day(as_of - timedelta(days=400)),
        closed_on=None,
        status_on=None,
        oldest_unpaid_due_on=day(due),
        first_overdue_on=day(due + timedelta(days=1)),
        ended_on=None,
        purge_on=None,
        five_class=None,
        transfer=Transfer.NONE,
        transfer_id=None,
        pauses=(),
        notice=None,
        basis="",
        same_dpd=1,
        digest=bytes(16),
    )
