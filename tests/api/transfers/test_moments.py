"""Two sides of a sale that speak at once, and sides that are gone."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from exchange.domain.ids import parse
from exchange.domain.queries import Asker
from exchange.errors import UnavailableError
from exchange.services.batches.ports import BatchKey, BatchState
from exchange.services.batches.run_batch import run_batch
from exchange.services.batches.task import Task
from exchange.services.ports import Work
from exchange.services.records.ports import TransferRow
from exchange.services.records.put_record import put_record
from exchange.services.retention.purge_records import purge_records
from exchange_client.core.encoding import loads_object
from tests.support.grant_desk import shown
from tests.support.record_desk import RecordDesk
from tests.support.sales import FIRST, Flaws, sells, taken_over, told


def test_a_side_that_speaks_while_a_file_is_checked_is_seen(
    seller: RecordDesk, buyer: RecordDesk
) -> None:
    """Two honest judgements of one moment must not let both of two stories in."""
    content = buyer.file([taken_over(buyer, 1, days=10, history="132N")])
    spoken: list[Flaws] = []

    def tell(state: BatchState, _rows: int, _done: int) -> None:
        if state is BatchState.MERGING and not spoken:
            spoken.append(sells(seller))

    batch = str(loads_object(content.split(b"\n")[0])["batch_id"])
    task = Task(
        key=BatchKey(buyer.member, parse("bat", batch, field="batch_id")),
        signed_by=buyer.key.keyid,
        received_at=int(time.time()),
        sent_bytes=len(content),
        sent=lambda: [content],
        digest=hashlib.sha256(content).digest(),
        tell=tell,
    )
    with buyer.sandbox.ports.session() as session:
        ended = run_batch(task, session, buyer.sandbox.ports)

    assert ([[]], "REJECTED", 1) == (spoken, ended.state, ended.faults)
    assert [(1, True)] == buyer.sql("SELECT revision, bought_record IS NULL FROM transfer")


def test_a_side_that_speaks_while_a_record_is_stored_is_seen(
    seller: RecordDesk, buyer: RecordDesk
) -> None:
    """Whoever comes second by a millisecond sends again, and is judged by what stands then."""
    ports = buyer.sandbox.ports

    @contextmanager
    def begin() -> Iterator[Work]:  # The seller's commit lies between the buyer's look and write.
        with ports.begin() as work:
            look = work.transfers.find

            def find(ids: Sequence[bytes]) -> list[TransferRow]:
                seen = look(ids)
                assert [] == sells(seller)
                return seen

            vars(work.transfers)["find"] = find
            yield work

    row = taken_over(buyer, 1, days=10, history="132N")
    body = json.dumps({"epoch": "ep_1", "profile": "cn@1", **row}).encode()

    caller = Asker(member="member-b", key=buyer.key.keyid, nonce="", roles=frozenset())
    with pytest.raises(UnavailableError):
        put_record("bought-1", body, caller, replace(ports, begin=begin))

    assert FIRST == told(buyer, row)


@pytest.mark.parametrize("end", ["purge", "delete", "withdraw"])
def test_what_is_gone_is_no_word_about_a_sale_and_leaves_no_row(
    seller: RecordDesk, buyer: RecordDesk, end: str
) -> None:
    """Nothing of a debt outlives its records, and a deleted one binds nobody."""
    assert [] == sells(seller)
    if end == "delete":
        shown(seller.send("DELETE", "/v1/records/own-1?reason=DELETE_ERROR"))
    elif end == "withdraw":
        shown(seller.end(seller.contribute(1), "withdraw"))
    else:
        seller.sql("UPDATE record SET purge_on = %s RETURNING 1", seller.today)
        purge_records(100, 90, seller.sandbox.ports)
        assert [(0,)] == seller.sql("SELECT count(*) FROM transfer")
    younger = taken_over(buyer, 1, days=10, history="132N")

    assert [] == told(buyer, younger)

    purge_records(100, 90, seller.sandbox.ports)
    assert [(True, False)] == seller.sql(
        "SELECT sold_record IS NULL, bought_record IS NULL FROM transfer"
    )
    seller.sql("UPDATE record SET purge_on = %s RETURNING 1", seller.today)
    purge_records(100, 90, seller.sandbox.ports)
    assert [(0, 0)] == seller.sql(
        "SELECT (SELECT count(*) FROM transfer), (SELECT count(*) FROM record)"
    )
