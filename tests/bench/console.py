"""How long a page of the console takes to its first byte, over a log of a million leaves.

Pages are asked for over loopback from a threaded server in this process, each in turn and again;
what a browser does with them is not measured. The first leaves are written and sealed as services
do it, and those are what a page opens; the others are laid in by the database itself, and searched,
counted, sequenced and proven over like them.
"""

from __future__ import annotations

import http.client
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from werkzeug.serving import WSGIRequestHandler, make_server

from exchange.domain.leaves import ENTRY_BYTES
from exchange.domain.members import Role
from exchange.services.log.write_leaves import write_leaves
from exchange.store.embedded.server import Launch, start
from exchange.store.migrate import migrate
from exchange.store.rights import grant_rights, let_in
from tests.bench.report import Measure, figure, measure, percentile
from tests.support.authenticator import PAGES
from tests.support.borrower_browser import AGENT
from tests.support.regulator import look
from tests.support.sandbox import Sandbox, make_sandbox
from tests.support.seats import sit

ROUNDS = 5
ASKED = 10  # times a round, of each page
SEALED = 20_000  # leaves that can be opened
_AT_ONCE = 5_000  # leaves in one transaction
_MEMBERS, _OPERATORS = 40, 200
COOKIE = "__Host-cx-console"
# A leaf hash is that of RFC 6962: the sequencer looks.
_ENTRY = f"rpad(n::text, {ENTRY_BYTES}, '.')::bytea"
_HASH = rf"sha256('\x00'::bytea || {_ENTRY})"
_LAY = f"""
INSERT INTO leaf (leaf_hash, log_id, entry, created_at)
SELECT {_HASH}, %(log_id)s, {_ENTRY}, %(now)s FROM generate_series(%(first)s, %(end)s - 1) n;
INSERT INTO log_search (leaf_hash, kind, member_id, subject, purpose, outcome, t, operator_mac,
    application_mac)
SELECT {_HASH}, 'query', 'member-' || n %% %(members)s, 'p:' || md5(n::text),
    'credit_application', (ARRAY['NO_DATA', 'ADVERSE'])[1 + n %% 2], %(now)s,
    sha256((n %% 2000)::text::bytea), ''
FROM generate_series(%(first)s, %(end)s - 1) n
"""


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
    first = (times for name, times in took.items() if not name.startswith("search"))
    worst = [max(times) for times in zip(*first, strict=True)]  # a search is as long as its filter
    return {
        "page_first_byte_ms": measure(worst, "ms"),
        **{f"page_{name}_ms": measure(times, "ms") for name, times in took.items()},
        "page_leaves": figure(leaves, "leaves"),
    }


def _paths(leaves: int) -> dict[str, str]:
    return {
        "overview": "/console/overview",
        "entry": f"/console/entries/{min(leaves, SEALED) // 2}",
        "search_operator": "/console/entries?asked=1&operator=op-7",
        "search_member": "/console/entries?asked=1&member=member-7",
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
    with tempfile.TemporaryDirectory() as directory, ExitStack() as ends:
        Path(directory).chmod(0o711)
        files = Path(directory) / "x"
        files.mkdir()
        server = start(Launch(data_dir=Path(directory) / "d", sandbox=True))
        ends.callback(server.stop)
        migrate(server.url)
        grant_rights(server.url)  # Pages are served under the served role, as everywhere.
        let_in(server.url)
        sandbox = make_sandbox(server.url, files)
        ends.callback(sandbox.close)
        sandbox.enrol("authority", Role.REGULATOR)
        _fill(sandbox, leaves)
        served = make_server("127.0.0.1", 0, sandbox.app, threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        for end in (served.server_close, thread.join, served.shutdown):  # the last one first
            ends.callback(end)
        yield sandbox, f"http://127.0.0.1:{served.server_port}"


def _fill(sandbox: Sandbox, leaves: int) -> None:
    ports, sealed = sandbox.ports, min(leaves, SEALED)
    for first in range(0, sealed, _AT_ONCE):
        drafts = [
            look(
                f"p:{number:032x}",
                member=f"member-{number % _MEMBERS}",
                operator=f"op-{number % _OPERATORS}",
            )
            for number in range(first, min(sealed, first + _AT_ONCE))
        ]
        with ports.begin() as work:
            write_leaves(work, drafts, ports, ports.now())
            work.commit()
    with psycopg.connect(sandbox.settings.libpq_url, autocommit=True) as connection:
        laid = {"first": sealed, "end": leaves, "members": _MEMBERS, "now": ports.now()}
        with psycopg.ClientCursor(connection) as cursor:  # It takes several statements.
            cursor.execute(_LAY, {**laid, "log_id": ports.log_id(ports.now())})
        sandbox.sequence()
        connection.execute("VACUUM ANALYZE leaf, leaf_place, log_search, opening, opening_key")
    print(f"console: {leaves} leaves", file=sys.stderr, flush=True)
