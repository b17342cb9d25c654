"""A batch of many queries: what it leaves behind is what as many single ones would."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.crypto.signing import claims_of, parse_jws
from exchange.domain.base64url import b64url, unb64url
from exchange.services.log.write_leaves import standard_base64
from exchange.services.queries.answer_query import answer_queries, stored_receipt
from exchange.services.queries.issue_receipt import RECEIPT_TYPE
from exchange.store.queries import FEW
from tests.support.access_log import run_sql
from tests.support.grant_desk import GrantDesk
from tests.support.leaves import opened_leaves
from tests.support.sandbox import make_sandbox

MANY = FEW + 8  # rows are copied
BEFORE = (3, 20)  # places of queries that were answered before


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[GrantDesk]:
    """One lender that asks."""
    sandbox = make_sandbox(database_url, tmp_path)
    yield GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    sandbox.close()


def test_each_query_of_a_large_batch_has_its_own_leaf_receipt_and_inquiry(desk: GrantDesk) -> None:
    """A row that slipped to its neighbour's place would give a lender another borrower's answer."""
    ports, asker = desk.sandbox.ports, desk.asker()
    granted = {number: desk.granted(number) for number in range(0, MANY, 7)}
    queries = [desk.query(granted.get(number), number) for number in range(MANY)]
    before = [answer_queries([queries[n]], desk.asker(), ports).receipts[0] for n in BEFORE]

    answered = answer_queries(queries, asker, ports)

    assert before == [answered.receipts[place] for place in BEFORE]
    assert not answered.replayed
    stored = [stored_receipt(one.query_id, desk.member, ports).receipts[0] for one in queries]
    assert stored == list(answered.receipts)
    leaves = {audit["request_sha256"]: audit for _, audit in opened_leaves(desk.sandbox, "query")}
    assert MANY == len(leaves)
    for number, (query, receipt) in enumerate(zip(queries, stored, strict=True)):
        claims = claims_of(parse_jws(receipt, typ=RECEIPT_TYPE))
        audit = leaves[standard_base64(query.digest)]
        proof = unb64url(str(claims["sub"]))
        told = hashlib.sha256(b"cx/receipt-subject/v1\n" + proof[:16] + query.tokens[0].value)
        assert f"qry_{query.query_id.hex}" == claims["jti"] == audit["query"]
        assert b64url(query.digest) == claims["req"]
        assert (granted.get(number), claims["reason"]) == (audit.get("grant"), audit["reason"])
        assert claims["outcome"] == ("NO_DATA" if number in granted else "WITHHELD")
        assert told.digest() == proof[16:]
    asked = run_sql(desk.sandbox.settings.libpq_url, "SELECT query_id FROM inquiry")
    assert {queries[number].query_id for number in granted} == {row[0] for row in asked}
