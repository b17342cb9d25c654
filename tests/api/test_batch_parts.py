"""Files in parts, and what a worker makes of them: over HTTP, with a worker in this process."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from uuid import UUID

import pytest
from backports import zstd
from werkzeug.test import TestResponse

from exchange.domain.queries import Asker
from exchange.errors import BatchOffset
from exchange.services.batches.take_part import Part, take_part
from exchange.services.batches.work_off import expire_uploads
from exchange.services.ports import Work
from exchange_client.core.ids import new_id
from tests.support.csv_files import csv_file
from tests.support.grant_desk import refusal
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import make_sandbox

PART = "application/octet-stream"


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[RecordDesk]:
    """A lender at an exchange that finishes nothing within a request."""
    sandbox = make_sandbox(database_url, tmp_path, batch_inline_bytes_max=0, batch_receiving_max=2)
    desk = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    yield desk
    sandbox.close()


def rows(desk: RecordDesk, count: int = 4) -> list[dict[str, object]]:
    """Return rows about accounts of one subject."""
    return [desk.clean(1, f"acc-{number}") for number in range(count)]


def batch_of(content: bytes) -> str:
    """Return the id in a file's header."""
    return "bat_" + content.split(b'"batch_id":"bat_')[1][:32].decode()


def part(
    desk: RecordDesk, content: bytes, start: int, end: int, sent: bytes | None = None
) -> TestResponse:
    """Send the bytes from start to end of a file, or of its packed form."""
    wire = content if sent is None else sent
    query = (
        f"batch={batch_of(content)}&offset={start}&total={len(wire)}"
        f"&sha256={hashlib.sha256(content).hexdigest()}"
    )
    return desk.post("POST", f"/v1/batches?{query}", wire[start:end], PART)


def state(desk: RecordDesk, content: bytes) -> dict[str, object]:
    """Look at a file."""
    shown = desk.send("GET", f"/v1/batches/{batch_of(content)}").get_json()
    assert isinstance(shown, dict)
    return shown


def test_a_long_file_is_queued_and_worked_off(desk: RecordDesk) -> None:
    """A nightly file must not hold a connection open until its last row is stored."""
    content = desk.file(rows(desk))

    taken = desk.upload(content)

    assert (202, "QUEUED", 0) == (taken.status_code, taken.get_json()["state"], desk.records())
    desk.work_off()
    done = state(desk, content)
    assert ("DONE", 4, 4, 0) == tuple(
        done[name] for name in ("state", "rows", "rows_done", "faults")
    )
    assert (4, done["receipt"]) == (desk.records(), desk.upload(content).get_json()["receipt"])


def in_blocks(content: bytes) -> bytes:
    """Pack with zstd; the header is in a block of its own, as the first part must hold it."""
    packer = zstd.ZstdCompressor()
    header, feed, rest = content.partition(b"\n")
    first = packer.compress(header + feed, zstd.ZstdCompressor.FLUSH_BLOCK)
    return first + packer.compress(rest, zstd.ZstdCompressor.FLUSH_FRAME)


@pytest.mark.parametrize(
    "packed", [bytes, gzip.compress, in_blocks], ids=["plain CSV", "gzip CSV", "zstd CSV"]
)
def test_a_file_arrives_in_parts(desk: RecordDesk, packed: Callable[[bytes], bytes]) -> None:
    """Each part costs one request; together they are the file, byte for byte."""
    content = csv_file(rows(desk), desk.header())
    sent = packed(content)
    thirds = [0, len(sent) // 3 + 300, len(sent) - 1, len(sent)]

    replies = [part(desk, content, start, end, sent) for start, end in pairwise(thirds)]

    assert [202, 202, 202] == [reply.status_code for reply in replies]
    assert ["RECEIVING", "RECEIVING", "QUEUED"] == [one.get_json()["state"] for one in replies]
    desk.work_off()
    assert "DONE" == state(desk, content)["state"]


def test_p14_an_upload_cut_at_every_fiftieth_goes_on_where_it_stopped(desk: RecordDesk) -> None:
    """A line that breaks fifty times costs fifty parts, not fifty files."""
    content = desk.file(rows(desk, 8))
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
    content = desk.file(rows(desk))
    part(desk, content, 0, 700)

    again = part(desk, content, 0, 700)

    assert (409, "batch.offset", "/offset") == refusal(again)
    assert "700" in again.get_json()["detail"]


def test_of_two_senders_of_one_part_one_hears_that_it_has_gone_on(desk: RecordDesk) -> None:
    """Two processes of a lender that resume one upload must not keep a part twice."""
    content = desk.file(rows(desk))
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
    caller = Asker(member=desk.member, key="k1", nonce="", roles=frozenset())
    with pytest.raises(BatchOffset, match="meanwhile"):
        take_part(place, content[700:900], caller, replace(ports, begin=begin))

    assert 202 == part(desk, content, 900, len(content)).status_code
    desk.work_off()
    assert "DONE" == state(desk, content)["state"]


def test_a51_a_part_of_another_file_is_none_of_this_one(desk: RecordDesk) -> None:
    """A file sewn from two would be refused only when its last byte is there."""
    content = desk.file(rows(desk))
    part(desk, content, 0, 700)

    other = part(desk, content.replace(b"acc-3", b"acc-4"), 700, 900)
    longer = part(desk, content, 700, 900, content + b"{}")

    assert [(409, "batch.conflict", "/batch")] * 2 == [refusal(other), refusal(longer)]


def test_an_upload_begins_at_its_first_byte_and_no_part_is_empty(desk: RecordDesk) -> None:
    """Whoever lost its place is told where to begin, not that its header is broken."""
    content = desk.file(rows(desk))

    later, empty = part(desk, content, 700, 900), part(desk, content, 0, 0)

    assert (409, "batch.offset", "/offset") == refusal(later)
    assert (411, "request.length", "") == refusal(empty)
    query = f"batch={new_id('bat')}&offset=0&total={len(content)}&sha256={'0' * 64}"
    under_another_id = desk.post("POST", f"/v1/batches?{query}", content[:700], PART)
    assert (422, "batch.rule", "/batch_id") == refusal(under_another_id)
    stranger = content.replace(b'"member":"member-a"', b'"member":"member-b"')
    assert (422, "batch.rule", "/member") == refusal(part(desk, stranger, 0, 700))


def test_a50_a51_a_known_file_is_known_by_its_first_part(desk: RecordDesk) -> None:
    """A file of a gigabyte is not sent again to hear that it is stored."""
    content = desk.file(rows(desk))
    desk.upload(content)
    desk.work_off()

    again = part(desk, content, 0, 700)
    other = part(desk, content.replace(b'"created":1', b'"created":2', 1), 0, 700)

    assert (200, "true", "DONE") == (
        again.status_code,
        again.headers.get("Cx-Replayed"),
        again.get_json()["state"],
    )
    assert (409, "batch.conflict", "/batch_id") == refusal(other)


def test_a_file_that_is_not_the_announced_one_is_rejected(desk: RecordDesk) -> None:
    """What was announced under an id is what is stored under it, or nothing is."""
    content = desk.file(rows(desk))
    part(desk, content, 0, 700)
    other = content.replace(b'"balance_minor":600000', b'"balance_minor":600001')
    query = f"batch={batch_of(content)}&offset=700&total={len(content)}"
    digest = hashlib.sha256(content).hexdigest()

    desk.post("POST", f"/v1/batches?{query}&sha256={digest}", other[700:], PART)
    desk.work_off()

    shown = state(desk, content)
    assert "REJECTED" == shown["state"]
    assert "batch.control_total" == shown["refusal"]["code"]  # type: ignore[index]  # an object
    assert 0 == desk.records()


def test_what_is_found_later_is_refused_as_it_would_have_been_at_once(desk: RecordDesk) -> None:
    """The same code, whether the file was long or short."""
    content = desk.file([*rows(desk), desk.clean(1, "bad", dpd=5), desk.clean(1, "bad-2", dpd=5)])
    desk.upload(content)
    desk.work_off()

    again = desk.upload(content)

    assert (422, "batch.fault_share") == refusal(again)[:2]
    assert [6, 7] == sorted({int(str(one["line"])) for one in desk.faults(batch_of(content))})
    assert "batch.fault_share" == state(desk, content)["refusal"]["code"]  # type: ignore[index]  # an object


def test_a52_unfinished_uploads_are_few_and_expire(desk: RecordDesk) -> None:
    """Nobody fills the exchange's disk with beginnings."""
    files = [desk.file(rows(desk)) for _ in range(3)]
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
    content = desk.file(rows(desk))

    refused = desk.post(
        "POST", f"/v1/batches?{query.format(id=batch_of(content))}", content[:9], PART
    )

    assert (422, "request.field", field) == refusal(refused)


def test_a52_a_part_and_a_file_have_their_lengths(desk: RecordDesk) -> None:
    """A limit is tested beyond it."""
    content = desk.file(rows(desk))
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


def test_what_was_sent_is_sealed_until_it_goes(desk: RecordDesk) -> None:
    """A stolen database must not hold last night's file in the clear."""
    content = desk.file(rows(desk))
    desk.upload(content)

    ((sealed,),) = desk.sql("SELECT sealed FROM batch_part")

    assert isinstance(sealed, bytes)
    assert b"acc-0" not in sealed
    desk.work_off()
    assert [(0,)] == desk.sql("SELECT count(*) FROM batch_part")


def test_a_full_file_lists_absent_accounts_and_closes_none(desk: RecordDesk) -> None:
    """An export that lost an account must not close it."""
    desk.upload(desk.file(rows(desk)))
    desk.work_off()
    content = desk.file(rows(desk)[:2], {"kind": "FULL"})
    desk.upload(content)

    desk.work_off()

    listed = desk.send("GET", f"/v1/batches/{batch_of(content)}/absent").get_json()
    assert {"account_refs": ["acc-2", "acc-3"]} == listed
    assert [(4,)] == desk.sql("SELECT count(*) FROM record WHERE current AND open")
    behind = desk.send("GET", f"/v1/batches/{batch_of(content)}/absent?after=acc-2").get_json()
    assert {"account_refs": ["acc-3"]} == behind


def test_faults_come_as_csv_and_page_by_page(desk: RecordDesk) -> None:
    """A clerk opens the list in a spreadsheet."""
    content = desk.file([*rows(desk, 9), desk.clean(1, "bad", dpd=5)])
    desk.upload(content)
    desk.work_off()
    path = f"/v1/batches/{batch_of(content)}/faults"

    shown = desk.send("GET", f"{path}?format=csv")

    lines = shown.text.split("\r\n")
    assert "text/csv" == shown.mimetype
    assert ["line,field,code,severity", "11,dpd,row.status_fields,REJECT"] == [lines[0], lines[-2]]
    assert "" == desk.send("GET", f"{path}?after=11").text
    assert 422 == desk.send("GET", f"{path}?after=x").status_code


def test_a47_the_higher_sequence_wins_whichever_is_worked_off_first(desk: RecordDesk) -> None:
    """A file that waited long must not undo the one that overtook it."""
    older = desk.file([desk.clean(1, "acc-1", balance_minor=100)])
    newer = desk.file([desk.clean(1, "acc-1", balance_minor=200)])
    desk.upload(newer)
    desk.work_off()
    desk.upload(older)

    desk.work_off()

    assert ["row.superseded"] == [one["code"] for one in desk.faults(batch_of(older))]
    assert 1 == desk.records()
