"""Where a part of a file belongs, and what is told to whoever sends it elsewhere."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import count, pairwise
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from exchange.domain.queries import Asker
from exchange.errors import BatchConflict, BatchOffset, InvalidField
from exchange.services.batches.take_file import take_file
from exchange.services.batches.take_part import Part, take_part
from exchange.services.batches.work_off import expire_uploads
from exchange.services.ports import Session, Work
from exchange_client.core.ids import new_id
from tests.support.grant_desk import refusal
from tests.support.life.parts import PART, batch_of, part, rows_of, state
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import Sandbox
from tests.support.stepped import Meanwhile, stepped


def test_p14_an_upload_cut_at_every_fiftieth_goes_on_where_it_stopped(desk: RecordDesk) -> None:
    """A line that breaks fifty times costs fifty parts, not fifty files."""
    content = desk.file(rows_of(desk, 8))
    begins = 600  # the first part holds the header
    cuts = sorted({begins + (len(content) - begins) * n // 50 for n in range(51)})
    part(desk, content, 0, begins)

    for start, end in pairwise(cuts):
        elsewhere = part(
            desk, content, max(1, start - 7), end
        )  # It does not know how much arrived.
        assert (409, "batch.offset", "/offset") == refusal(elsewhere)
        goes_on = int(str(state(desk, content)["received_bytes"]))
        assert start == goes_on
        assert 202 == part(desk, content, goes_on, end).status_code

    desk.work_off()
    assert ("DONE", 8) == (state(desk, content)["state"], desk.records())


def test_a_part_sent_twice_is_kept_once(desk: RecordDesk) -> None:
    """A part whose answer was lost is sent again."""
    content = desk.file(rows_of(desk))
    part(desk, content, 0, 700)

    again = part(desk, content, 0, 700)

    assert (409, "batch.offset", "/offset") == refusal(again)
    assert "700" in again.get_json()["detail"]


def caller(desk: RecordDesk) -> Asker:
    """Return a lender as its signature would name it."""
    return Asker(member=desk.member, key="k1", nonce="", roles=frozenset())


def test_of_two_senders_of_one_part_one_hears_that_it_has_gone_on(desk: RecordDesk) -> None:
    """Two processes of a lender that resume one upload must not keep a part twice."""
    content = desk.file(rows_of(desk))
    part(desk, content, 0, 700)
    ports, begun = desk.sandbox.ports, count(1)

    def begin() -> AbstractContextManager[Work]:
        if next(begun) == 2:  # It has seen where the file stands: the other one is faster now.
            assert 202 == part(desk, content, 700, 900).status_code
        return ports.begin()

    place = Part(
        batch_id=UUID(batch_of(content)[4:]),
        offset=700,
        total=len(content),
        digest=hashlib.sha256(content).digest(),
    )
    with pytest.raises(BatchOffset, match="meanwhile"):
        take_part(place, content[700:900], caller(desk), replace(ports, begin=begin))

    assert 202 == part(desk, content, 900, len(content)).status_code
    desk.work_off()
    assert "DONE" == state(desk, content)["state"]


def test_of_two_files_begun_at_once_under_one_id_one_is_taken(desk: RecordDesk) -> None:
    """The first part of one file must not begin the other: that would be refused at its end."""
    content = desk.file(rows_of(desk))
    other = content.replace(b"acc-3", b"acc-4")
    ports, begun = desk.sandbox.ports, count(1)

    def begin() -> AbstractContextManager[Work]:
        if next(begun) == 3:  # It has found nothing known, and its quota stands: it adds the file.
            assert 202 == part(desk, content, 0, 700).status_code
        return ports.begin()

    place = Part(
        batch_id=UUID(batch_of(other)[4:]),
        offset=0,
        total=len(other),
        digest=hashlib.sha256(other).digest(),
    )
    with pytest.raises(BatchConflict):
        take_part(place, other[:700], caller(desk), replace(ports, begin=begin))

    assert 202 == part(desk, content, 700, len(content)).status_code
    desk.work_off()
    assert "DONE" == state(desk, content)["state"]


def test_of_two_files_kept_at_once_under_one_id_one_is_taken(desk: RecordDesk) -> None:
    """A lender must not be told that a file waits which nobody has kept."""
    content = desk.file(rows_of(desk))
    other = content.replace(b'"created":1', b'"created":2', 1)
    faster = Meanwhile(before="batches.add", does=lambda: desk.upload(content))

    with pytest.raises(BatchConflict):
        take_file(other, caller(desk), stepped(desk.sandbox.ports, faster))

    desk.work_off()
    assert "DONE" == state(desk, content)["state"]


def test_a_part_as_long_as_it_may_be_is_taken_and_an_empty_one_is_none(desk: RecordDesk) -> None:
    """A limit is tested at it, and the service by itself."""
    content = desk.file(rows_of(desk))
    ports = desk.sandbox.ports
    batches = replace(
        ports.terms.batches,
        part_bytes_max=700,
        limits=replace(ports.terms.batches.limits, bytes_max=len(content)),
    )
    tight = replace(ports, terms=replace(ports.terms, batches=batches))
    place = Part(
        batch_id=UUID(batch_of(content)[4:]),
        offset=0,
        total=len(content),
        digest=hashlib.sha256(content).digest(),
    )

    taken = take_part(place, content[:700], caller(desk), tight)

    assert 700 == taken.batch.received_bytes
    with pytest.raises(InvalidField, match="1 byte or more"):
        take_part(replace(place, offset=700), b"", caller(desk), tight)


def test_of_two_senders_of_one_file_the_slower_gets_the_first_receipt(sandbox: Sandbox) -> None:
    """One file is one leaf, however often and from wherever it is sent at once."""
    desk = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    content, first = desk.file(rows_of(desk)), list[TestResponse]()

    def session() -> AbstractContextManager[Session]:
        first.append(desk.upload(content))  # This one has looked, and found nothing known.
        return sandbox.ports.session()

    taken = take_file(content, caller(desk), replace(sandbox.ports, session=session))

    assert first[0].get_json()["receipt"] == taken.batch.receipt
    assert 1 == desk.leaves("batch")


def test_a51_a_part_of_another_file_is_none_of_this_one(desk: RecordDesk) -> None:
    """A file sewn from two would be refused only when its last byte is there."""
    content = desk.file(rows_of(desk))
    part(desk, content, 0, 700)

    other = part(desk, content.replace(b"acc-3", b"acc-4"), 700, 900)
    longer = part(desk, content, 700, 900, content + b"{}")

    assert [(409, "batch.conflict", "/batch")] * 2 == [refusal(other), refusal(longer)]


def test_an_upload_begins_at_its_first_byte_and_no_part_is_empty(desk: RecordDesk) -> None:
    """Whoever lost its place is told where to begin, not that its header is broken."""
    content = desk.file(rows_of(desk))

    later, empty = part(desk, content, 700, 900), part(desk, content, 0, 0)

    assert (409, "batch.offset", "/offset") == refusal(later)
    assert (411, "request.length", "") == refusal(empty)
    query = f"batch={new_id('bat')}&offset=0&total={len(content)}&sha256={'0' * 64}"
    under_another_id = desk.post("POST", f"/v1/batches?{query}", content[:700], PART)
    assert (422, "batch.rule", "/batch_id") == refusal(under_another_id)
    stranger = content.replace(b'"member":"member-a"', b'"member":"member-b"')
    assert (422, "batch.rule", "/member") == refusal(part(desk, stranger, 0, 700))


def test_a52_unfinished_uploads_are_few_and_expire(desk: RecordDesk) -> None:
    """Nobody fills the exchange's disk with beginnings."""
    files = [desk.file(rows_of(desk)) for _ in range(3)]
    for content in files[:2]:
        assert 202 == part(desk, content, 0, 700).status_code
    assert (429, "quota.spent", "") == refusal(part(desk, files[2], 0, 700))
    desk.sql("UPDATE batch_job SET received_at = received_at - 90000 RETURNING 1")

    assert 2 == expire_uploads(desk.sandbox.ports)

    assert ["EXPIRED", "EXPIRED"] == [state(desk, content)["state"] for content in files[:2]]
    assert [(0,)] == desk.sql("SELECT count(*) FROM batch_part")
    assert (409, "batch.conflict", "/batch") == refusal(part(desk, files[0], 0, 700))
    assert 202 == part(desk, files[2], 0, 700).status_code


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("batch=bat_1&offset=0&total=9&sha256=" + "0" * 64, "/batch"),
        ("batch={id}&offset=-1&total=9&sha256=" + "0" * 64, "/offset"),
        ("batch={id}&offset=0&total=1e3&sha256=" + "0" * 64, "/total"),
        ("batch={id}&offset=0&total=9&sha256=" + "G" * 64, "/sha256"),
        ("batch={id}&offset=0&offset=1&total=9&sha256=" + "0" * 64, "/offset"),
        ("batch={id}&total=9&sha256=" + "0" * 64, "/offset"),
        ("batch={id}&offset=0&total=1&sha256=" + "0" * 64, "/offset"),
    ],
)
def test_where_a_part_belongs_is_said_exactly(desk: RecordDesk, query: str, field: str) -> None:
    """A part in the wrong place is another file."""
    content = desk.file(rows_of(desk))

    refused = desk.post(
        "POST", f"/v1/batches?{query.format(id=batch_of(content))}", content[:9], PART
    )

    assert (422, "request.field", field) == refusal(refused)


def test_a52_a_part_and_a_file_have_their_lengths(desk: RecordDesk) -> None:
    """A limit is tested beyond it."""
    content = desk.file(rows_of(desk))
    digest = hashlib.sha256(content).hexdigest()
    limit = desk.sandbox.settings.batch_file_bytes_max
    query = f"batch={batch_of(content)}&offset=0&total={limit + 1}&sha256={digest}"
    part_bytes = desk.sandbox.settings.batch_part_bytes_max

    long_file = desk.post("POST", f"/v1/batches?{query}", content, PART)
    long_part = desk.post(
        "POST",
        f"/v1/batches?{query.replace(str(limit + 1), str(limit))}",
        bytes(part_bytes + 1),
        PART,
    )

    assert (413, "request.too_large", "") == refusal(long_file)
    assert (413, "request.too_large", "") == refusal(long_part)
