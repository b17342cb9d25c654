"""Kill the real deliverer while it rings: the event still arrives, and its list is whole."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from tests.support.grant_desk import GrantDesk, shown
from tests.support.outward.doorbell import answers, doorbell
from tests.support.outward.ringing import deliveries, end_one, register
from tests.support.sandbox import BASE, make_sandbox

WAIT_SECONDS_MAX = 60


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[GrantDesk]:
    """The desk of one lender whose endpoint may be on this machine."""
    sandbox = make_sandbox(database_url, tmp_path, webhook_loopback=True)
    yield GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    sandbox.close()


@contextmanager
def deliverer(desk: GrantDesk) -> Iterator[subprocess.Popen[bytes]]:
    """Run `exchange deliver` until the block ends."""
    settings = desk.sandbox.settings
    given = {
        "EXCHANGE_DATABASE_URL": settings.libpq_url,
        "EXCHANGE_DATA_DIR": str(settings.data_dir),
        "EXCHANGE_PUBLIC_BASE_URL": BASE,
        "EXCHANGE_SANDBOX": "true",
        "EXCHANGE_WEBHOOK_LOOPBACK": "true",
        "EXCHANGE_WEBHOOK_INTERVAL_MS": "50",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "exchange.cli", "deliver"], env={**os.environ, **given}
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(happened: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_an_event_rings_though_its_deliverer_was_killed_in_the_act(desk: GrantDesk) -> None:
    """Power fails in the middle of a message; a member must not lose the news of a withdrawal."""
    held = Event()

    def hang(line: socket.socket) -> None:
        held.wait(WAIT_SECONDS_MAX)

    with doorbell(hang) as bell:
        webhook = register(desk, bell.url)
        grant = end_one(desk)
        with deliverer(desk) as first:
            wait_for(lambda: len(bell.requests) == 1)
            first.send_signal(signal.SIGKILL)
            first.wait()
        held.set()
        bell.reply = answers(204)
        (after_kill,) = deliveries(desk, webhook["webhook_id"])
        desk.sql("UPDATE webhook_delivery SET leased_until = 0 RETURNING 1")  # A minute passes.
        with deliverer(desk) as second:
            wait_for(lambda: deliveries(desk, webhook["webhook_id"])[0]["state"] == "DONE")
            second.send_signal(signal.SIGTERM)
            ended = second.wait(WAIT_SECONDS_MAX)

    ids = [json.loads(body)["id"] for body in bell.bodies()]
    told = shown(desk.send("GET", "/v1/grants/changes"))["changes"]
    assert isinstance(told, list)
    assert ("WAITING", 0) == (after_kill["state"], after_kill["tries"])
    assert ([told[0]["event_id"]] * 2, grant) == (ids, told[0]["grant_id"])
    assert 0 == ended


def test_the_deliverer_publishes_the_status_lists(desk: GrantDesk) -> None:
    """A list that nobody publishes is one that every holder finds too old."""
    desk.granted()

    with deliverer(desk):
        wait_for(lambda: desk.send("GET", "/v1/status-lists/1").status_code == 200)

    assert [(1,)] == desk.sql("SELECT list_id FROM status_list WHERE token <> ''")
