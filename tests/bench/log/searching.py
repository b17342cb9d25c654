"""How long an authority's search takes in a short log and in one ten times as long.

A regulator narrows by a window of time, by a subject or by a flag's hits; each of those must cost
what it finds. Rows are laid in by the database itself: what a search opens is not measured.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import psycopg

from exchange.domain.audit.filters import AuditFilter
from exchange.services.audit.ports import SearchTerms
from exchange.store.log.audit import Audit
from tests.bench.report import Measure, figure, measure
from tests.support.access_log import AccessLog

ROUNDS = 9
PAGE = 51
WINDOW_SECONDS = 60
_A_SECOND = 50  # entries
_BEGAN = 1_790_000_000
_LOG_ID = 1_000_001  # beside the log: nobody signs it
_FILL = """
INSERT INTO leaf (leaf_hash, log_id, entry, created_at)
SELECT sha256(n::text::bytea), %(log_id)s, sha256(n::text::bytea), %(began)s + n / %(rate)s
FROM generate_series(%(first)s, %(end)s - 1) n;
INSERT INTO leaf_place (log_id, leaf_index, ord)
SELECT %(log_id)s, n, f.ord FROM generate_series(%(first)s, %(end)s - 1) n
JOIN leaf f ON f.leaf_hash = sha256(n::text::bytea);
INSERT INTO log_search (leaf_hash, kind, member_id, subject, purpose, outcome, t, operator_mac,
    application_mac)
SELECT sha256(n::text::bytea), 'query', 'member-' || n %% 40, 'p:' || md5((n / 4)::text),
    'credit_application', (ARRAY['NO_DATA', 'ADVERSE'])[1 + n %% 2], %(began)s + n / %(rate)s,
    sha256((n %% 2000)::text::bytea), ''
FROM generate_series(%(first)s, %(end)s - 1) n
"""


def measure_searches(log: AccessLog, leaves: int) -> dict[str, Measure]:
    """Measure searches among a tenth of so many leaves, then among all of them."""
    took: dict[str, list[float]] = {}
    sizes = (leaves // 10, leaves)
    with psycopg.connect(log.url, autocommit=True) as connection:
        for first, end in ((0, sizes[0]), sizes):
            print(f"log: searches among {end} leaves", file=sys.stderr, flush=True)
            filled = {"log_id": _LOG_ID, "began": _BEGAN, "rate": _A_SECOND}
            with psycopg.ClientCursor(connection) as cursor:  # It takes several statements.
                cursor.execute(_FILL, {**filled, "first": first, "end": end})
            connection.execute("VACUUM ANALYZE leaf, leaf_place, log_search")
            for name, one in _filters(end).items():
                took.setdefault(name, []).append(_p50_ms(_searching(connection, one, end)))
    return {
        **{f"search_{name}_ms": figure(ms[-1], "ms") for name, ms in took.items()},
        **{f"search_{name}_growth": measure([ms[1] / ms[0]], "ratio") for name, ms in took.items()},
        "search_leaves": figure(leaves, "leaves"),
    }


def _filters(size: int) -> Mapping[str, SearchTerms]:
    middle = _BEGAN + size // _A_SECOND // 2
    window = AuditFilter(since=middle, until=middle + WINDOW_SECONDS)
    subject = "p:" + hashlib.md5(b"1000", usedforsecurity=False).hexdigest()
    return {
        "window": _terms(window),
        "member_in_window": _terms(replace(window, member="member-7")),
        "subject": _terms(AuditFilter(subject=subject)),
        "hits": _terms(AuditFilter(), hits=[5, 500, 5_000]),
    }


def _terms(filter_: AuditFilter, hits: list[int] | None = None) -> SearchTerms:
    return SearchTerms(filter=filter_, operator_mac=None, hits=hits)


def _searching(
    connection: psycopg.Connection[tuple[object, ...]], terms: SearchTerms, size: int
) -> Callable[[], int]:
    """Return a search: how many there are, and the first page."""

    def search() -> int:
        with connection.transaction():
            audit = Audit(connection)
            audit.search(_LOG_ID, terms, after=-1, size=size, rows=PAGE)
            return audit.count(_LOG_ID, terms, size=size)

    return search


def _p50_ms(search: Callable[[], int]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        if not search():
            raise LookupError("a search of the benchmark finds nothing")
        took.append(1e3 * (time.perf_counter() - began))
    return sorted(took)[ROUNDS // 2]
