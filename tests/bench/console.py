"""How long a page of the console takes to its first byte, over a log of a million sealed leaves.

Pages are asked for over loopback from a threaded server in this process, each in turn and again;
what a browser does with them is not measured. Leaves are real ones, written, sealed and sequenced:
what a page opens it opens for real.
"""

from __future__ import annotations

import http.client
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from werkzeug.serving import WSGIRequestHandler, make_server

from exchange.domain.members import Role
from exchange.services.log.write_leaves import write_leaves
from exchange.store.embedded.server import Launch, start
from exchange.store.migrate import migrate
from tests.bench.report import Measure, figure, measure, percentile
from tests.support.authenticator import PAGES
from tests.support.borrower_browser import AGENT
from tests.support.regulator import look
from tests.support.sandbox import Sandbox, make_sandbox
from tests.support.seats import sit

ROUNDS = 5
ASKED = 20  # times a round, of each page
_AT_ONCE = 5_000  # leaves in one transaction
_MEMBERS, _OPERATORS, _SUBJECTS = 40, 200, 250_000
COOKIE = "__Host-cx-console"


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing of each request."""


def measure_console(leaves: int) -> dict[str, Measure]:
    """Measure each page of the regulator over a log of so many leaves."""
    with _served(leaves) as (sandbox, base):
        browser = sit(sandbox, "authority")
        cookie = browser.client.get_cookie(COOKIE, domain="localhost", path="/")
        headers = {"User-Agent": AGENT, "Cookie": f"{COOKIE}={cookie.value if cookie else ''}"}
        took: dict[str, list[float]] = {}
        for number in range(ROUNDS):
            print(f"console: round {number}", file=sys.stderr, flush=True)
            for name, path in _paths(leaves).items():
                times = [_first_byte_ms(base, path, headers) for _ in range(ASKED)]
                took.setdefault(name, []).append(percentile(times, 0.5))
    worst = [max(times) for times in zip(*took.values(), strict=True)]
    return {
        "page_first_byte_ms": measure(worst, "ms"),
        **{f"page_{name}_ms": measure(times, "ms") for name, times in took.items()},
        "page_leaves": figure(leaves, "leaves"),
    }


def _paths(leaves: int) -> dict[str, str]:
    return {
        "overview": "/console/overview",
        "entry": f"/console/entries/{leaves // 2}",
        "search_operator": "/console/entries?asked=1&operator=op-7",
        "search_member": "/console/entries?asked=1&member=member-7",
        "search_all": "/console/entries?asked=1",
        "flags": "/console/flags",
        "lend_first": "/console/lend-first",
        "quality": "/console/quality",
        "disputes": "/console/disputes",
    }


def _first_byte_ms(base: str, path: str, headers: dict[str, str]) -> float:
    """Ask for a page on a connection of its own; return the time to the first byte of its head."""
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.connect()
    began = time.perf_counter()
    connection.request("GET", path, headers={**headers, "Host": urlsplit(PAGES).netloc})
    response = connection.getresponse()
    took = 1e3 * (time.perf_counter() - began)
    body = response.read()
    connection.close()
    if response.status != 200:
        raise LookupError(f"{path}: {response.status} {body[:200]!r}")
    return took


@contextmanager
def _served(leaves: int) -> Iterator[tuple[Sandbox, str]]:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        server = start(Launch(data_dir=Path(directory) / "d", sandbox=True))
        try:
            migrate(server.url)
            sandbox = make_sandbox(server.url, Path(directory) / "x")
            sandbox.enrol("authority", Role.REGULATOR)
            _fill(sandbox, leaves)
            served = make_server("127.0.0.1", 0, sandbox.app, threaded=True, request_handler=_Quiet)
            thread = threading.Thread(target=served.serve_forever)
            thread.start()
            yield sandbox, f"http://127.0.0.1:{served.server_port}"
            served.shutdown()
            thread.join()
            served.server_close()
            sandbox.close()
        finally:
            server.stop()


def _fill(sandbox: Sandbox, leaves: int) -> None:
    ports = sandbox.ports
    for first in range(0, leaves, _AT_ONCE):
        if first % 100_000 == 0:
            print(f"console: {first} of {leaves} leaves", file=sys.stderr, flush=True)
        drafts = [
            look(
                f"p:{number % _SUBJECTS:032x}",
                member=f"member-{number % _MEMBERS}",
                operator=f"op-{number % _OPERATORS}",
                outcome="ADVERSE" if number % 7 == 0 else "NO_DATA",
            )
            for number in range(first, min(leaves, first + _AT_ONCE))
        ]
        with ports.begin() as work:
            write_leaves(work, drafts, ports, ports.now())
            work.commit()
    sandbox.sequence()
    with psycopg.connect(sandbox.settings.libpq_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE leaf, leaf_place, log_search, opening, opening_key")
