"""The hostile corpus about clocks and callers who leave (A82, A83)."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from uuid import UUID

import pytest
import time_machine

from tests.hostile.live import LiveExchange
from tests.hostile.target import Target
from tests.support.access_log import run_sql
from tests.support.borrowers import borrower
from tests.support.edge_app import private_key
from tests.support.sandbox import Sandbox, make_sandbox
from tests.support.signed_requests import signed_headers

HOUR = 3_600  # seconds
WAIT_SECONDS_MAX = 20


def answers(url: str, query: UUID) -> list[tuple[object, ...]]:
    """Return the leaf of each answer under a query id."""
    return run_sql(url, "SELECT leaf_hash FROM query WHERE query_id = %s", query)


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members."""
    made = make_sandbox(database_url, tmp_path)
    yield made
    made.close()


def test_a82_who_leaves_after_the_commit_finds_its_receipt_by_the_same_id(
    live: LiveExchange,
) -> None:
    """A look is not undone by hanging up, and hanging up buys no second look."""
    target = live.target
    draft = target.draft()
    query = UUID(json.loads(draft.body)["query_id"].removeprefix("qry_"))
    headers = signed_headers(draft, private_key(draft.keyid, draft.algorithm))
    lines = [f"POST {target.json_path} HTTP/1.1", "Host: x", f"Content-Length: {len(draft.body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", target.port)) as leaving:
        leaving.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + draft.body)
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not (left := answers(target.url, query)):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    replies = [target.post(draft.body) for _ in range(2)]

    assert [200, 200] == [one.status for one in replies]
    assert [b"receipt" in one.body for one in replies] == [True, True]
    assert left == answers(target.url, query)


@pytest.mark.parametrize("off", [-HOUR, HOUR])
def test_a83_a_caller_whose_clock_is_off_learns_the_time(target: Target, off: int) -> None:
    """A lender that is refused for its clock sees by how much it is off."""
    draft = target.draft()

    reply = target.send(replace(draft, created=draft.created + off))

    assert (401, "auth.stale") == (reply.status, reply.code)
    told = parsedate_to_datetime(reply.headers["date"]).timestamp()
    assert abs(told - time.time()) < 60


def test_a83_a_server_clock_that_is_set_back_or_ahead_leaves_the_log_in_its_order(
    sandbox: Sandbox,
) -> None:
    """The log's order is that of its sequencer: no clock moves a leaf before another."""
    with time_machine.travel(time.time() - 2 * HOUR):
        key = sandbox.enrol("member-a")
    with sandbox.exchange(key) as lender:
        asked = []
        for number, off in enumerate((0, -HOUR, 0, HOUR, 0)):
            with time_machine.travel(time.time() + off):
                sandbox.sequence()  # As it does each second.
                asked.append(lender.query(borrower(number), purpose="credit_application"))
                sandbox.sequence()
                lender.receipt_proof(asked[-1].receipt, wait_seconds=0)

        proofs = [lender.receipt_proof(one.receipt, wait_seconds=0) for one in asked]

    indices = [one.verified.index for one in proofs]
    assert sorted(indices) == indices
    sizes = run_sql(sandbox.settings.libpq_url, "SELECT size FROM checkpoint ORDER BY size")
    assert len({size for (size,) in sizes}) == len(sizes) >= len(asked)
