"""The hostile corpus about quantity: A52 at the limits that are served by default."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import repeat

import pytest

from exchange.domain.batches import Packing, read_frame, unpack
from exchange.errors import TooLarge, TruncatedBatch
from tests.support.batches import dumps, header_fields
from tests.support.grant_desk import refusal
from tests.support.record_desk import RecordDesk

DAY_SECONDS = 86_400


def lines(rows: int) -> Iterator[bytes]:
    """Yield a file of so many rows that never ends in a trailer."""
    yield dumps(header_fields()) + b"\n"
    yield from repeat(b'{"op":"PUT"}\n' * 1_000, rows // 1_000)
    yield b'{"op":"PUT"}\n' * (rows % 1_000)


def test_a52_row_200_001_is_one_too_many(desk: RecordDesk) -> None:
    """The last row that is taken, and the first that is not."""
    limits = desk.sandbox.ports.terms.batches.limits

    for rows, error in ((200_001, TruncatedBatch), (200_002, TooLarge)):
        # What stands last is read as the trailer, so a file of n lines has n - 1 rows.
        with pytest.raises((TooLarge, TruncatedBatch)) as refused:
            read_frame(lines(rows), limits)
        assert error is type(refused.value), refused.value


def test_a52_byte_64_mib_and_one_is_one_too_many(desk: RecordDesk) -> None:
    """A file is cut off where the limit is, whatever it says of its length."""
    limits = desk.sandbox.ports.terms.batches.limits
    slices = [bytes(1 << 20)] * 64

    assert 64 << 20 == sum(len(each) for each in unpack(slices, Packing.PLAIN, limits))
    with pytest.raises(TooLarge, match=str(64 << 20)):
        list(unpack([*slices, b"\n"], Packing.PLAIN, limits))


def test_a52_upload_1_001_of_a_day_is_refused(desk: RecordDesk) -> None:
    """A lender's broken loop must not fill the exchange's nights; refused tries count as well."""
    ports = desk.sandbox.ports
    looped = RecordDesk(sandbox=desk.sandbox, key=desk.sandbox.enrol("member-y"))
    now = int(time.time())
    with ports.begin() as work:
        start = now - now % DAY_SECONDS
        assert work.members.count(looped.member, "uploads", period=start, amount=999, limit=1_000)
        work.commit()
    whole = looped.file([looped.clean(1)])

    last = looped.upload(whole[:-1])
    refused = looped.upload(whole)

    assert 422 == last.status_code
    assert (429, "quota.spent", "") == refusal(refused)
    assert 0 < int(refused.headers["Retry-After"]) <= DAY_SECONDS
    assert [] == looped.sql("SELECT FROM batch WHERE member_id = %s", looped.member)
