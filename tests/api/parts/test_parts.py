"""Files in parts, and what a worker makes of them: over HTTP, with a worker in this process."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Callable
from itertools import pairwise

import pytest
from backports import zstd

from exchange.domain.batches import SLICE_BYTES
from exchange.domain.rows import RULES
from tests.support.csv_files import csv_file
from tests.support.grant_desk import refusal
from tests.support.life.parts import PART, batch_of, part, rows_of, state
from tests.support.record_desk import RecordDesk


def test_a_long_file_is_queued_and_worked_off(desk: RecordDesk) -> None:
    """A nightly file must not hold a connection open until its last row is stored."""
    content = desk.file(rows_of(desk))

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
    content = csv_file(rows_of(desk), desk.header())
    sent = packed(content)
    thirds = [0, len(sent) // 3 + 300, len(sent) - 1, len(sent)]

    replies = [part(desk, content, start, end, sent) for start, end in pairwise(thirds)]

    assert [202, 202, 202] == [reply.status_code for reply in replies]
    assert ["RECEIVING", "RECEIVING", "QUEUED"] == [one.get_json()["state"] for one in replies]
    desk.work_off()
    assert "DONE" == state(desk, content)["state"]


def test_a50_a51_a_known_file_is_known_by_its_first_part(desk: RecordDesk) -> None:
    """A file of a gigabyte is not sent again to hear that it is stored."""
    content = desk.file(rows_of(desk))
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
    content = desk.file(rows_of(desk))
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


def test_one_bad_row_in_the_last_block_stores_nothing_of_all_or_nothing(desk: RecordDesk) -> None:
    """What is judged block by block is stored by what the last one says."""
    good = rows_of(desk, 2_600)
    content = desk.file([*good, desk.clean(1, "bad", dpd=5)], {"mode": "ALL_OR_NOTHING"})
    assert len(content) > SLICE_BYTES
    desk.upload(content)

    desk.work_off()

    shown = state(desk, content)
    assert ("REJECTED", 1, 0) == (shown["state"], shown["faults"], desk.records())
    rejected = [one for one in desk.faults(batch_of(content)) if one["severity"] == "REJECT"]
    assert {2_602} == {one["line"] for one in rejected}


def test_a_whole_file_under_the_digest_of_another_is_rejected(desk: RecordDesk) -> None:
    """The digest is what the lender will hold against the receipt."""
    content = desk.file(rows_of(desk))
    query = f"batch={batch_of(content)}&offset=0&total={len(content)}&sha256={'0' * 64}"
    desk.post("POST", f"/v1/batches?{query}", content, PART)

    desk.work_off()

    shown = state(desk, content)
    assert ("REJECTED", "batch.conflict", 0) == (
        shown["state"],
        shown["refusal"]["code"],  # type: ignore[index]  # an object
        desk.records(),
    )


def test_what_is_found_later_is_refused_as_it_would_have_been_at_once(desk: RecordDesk) -> None:
    """The same code, whether the file was long or short."""
    content = desk.file(
        [*rows_of(desk), desk.clean(1, "bad", dpd=5), desk.clean(1, "bad-2", dpd=5)]
    )
    desk.upload(content)
    desk.work_off()

    again = desk.upload(content)

    assert (422, "batch.fault_share") == refusal(again)[:2]
    assert [6, 7] == sorted({int(str(one["line"])) for one in desk.faults(batch_of(content))})
    assert "batch.fault_share" == state(desk, content)["refusal"]["code"]  # type: ignore[index]  # an object


def test_what_was_sent_is_sealed_until_it_goes(desk: RecordDesk) -> None:
    """A stolen database must not hold last night's file in the clear."""
    content = desk.file(rows_of(desk))
    desk.upload(content)

    ((sealed,),) = desk.sql("SELECT sealed FROM batch_part")

    assert isinstance(sealed, bytes)
    assert b"acc-0" not in sealed
    desk.work_off()
    assert [(0,)] == desk.sql("SELECT count(*) FROM batch_part")


def test_a_full_file_lists_absent_accounts_and_closes_none(desk: RecordDesk) -> None:
    """An export that lost an account must not close it."""
    desk.upload(desk.file(rows_of(desk)))
    desk.work_off()
    content = desk.file(rows_of(desk)[:2], {"kind": "FULL"})
    desk.upload(content)

    desk.work_off()

    listed = desk.send("GET", f"/v1/batches/{batch_of(content)}/absent").get_json()
    assert {"account_refs": ["acc-2", "acc-3"]} == listed
    assert [(4,)] == desk.sql("SELECT count(*) FROM record WHERE current AND open")
    behind = desk.send("GET", f"/v1/batches/{batch_of(content)}/absent?after=acc-2").get_json()
    assert {"account_refs": ["acc-3"]} == behind


def test_faults_come_as_csv_and_page_by_page(desk: RecordDesk) -> None:
    """A clerk opens the list in a spreadsheet."""
    content = desk.file([*rows_of(desk, 9), desk.clean(1, "bad", dpd=5)])
    desk.upload(content)
    desk.work_off()
    path = f"/v1/batches/{batch_of(content)}/faults"

    shown = desk.send("GET", f"{path}?format=csv")

    lines = shown.text.split("\r\n")
    assert "text/csv" == shown.mimetype
    rule = RULES["row.status_fields"]
    assert "line,field,code,severity,rule" == lines[0]
    assert ["11", "dpd", "row.status_fields", "REJECT", rule] == next(csv.reader(lines[-2:]))
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
