"""Growth: the same file and the same queries beside a small and a large stock of stored rows."""

from __future__ import annotations

import sys
from collections.abc import Callable

import psycopg

from tests.bench.files.ingest import Spent, Works, spent_on, works
from tests.bench.files.rows import file_of
from tests.bench.fixtures import ASKED_MAX, Stage, stage
from tests.bench.load import drive
from tests.bench.report import Measure, measure, percentile

_ROUNDS = 5
_QUERIES = 200  # of a round, one after the other: a median, not a load
_FILES = 3  # each is worked off by a worker of its own
_STEP_ROWS = 500_000


def measure_growth(rows: int, small: int, large: int) -> dict[str, Measure]:
    """Measure queries, then files of so many rows, beside each stock."""
    return _query_growth(small, large) | _ingest_growth(rows, small, large)


def _query_growth(small: int, large: int) -> dict[str, Measure]:
    medians = {}
    with stage(min(ASKED_MAX, small)) as loaded:
        stored = loaded.records
        for size in (small, large):
            _fill(_runner(loaded.scene.database_url()), stored, size)
            stored = size
            _median_ms(loaded)  # Connections and caches are warm from here.
            medians[size] = [_median_ms(loaded) for _ in range(_ROUNDS)]
    return {
        f"query_p50_ms_at_{small}": measure(medians[small], "ms"),
        f"query_p50_ms_at_{large}": measure(medians[large], "ms"),
        "growth_p50": _ratio(medians[large], medians[small]),
    }


def _ingest_growth(rows: int, small: int, large: int) -> dict[str, Measure]:
    spent = {}
    with works(rows, members=1) as scene:
        for stored, size in ((0, small), (small, large)):
            _fill(scene.sql, stored, size)
            spent[size] = [_spent(scene) for _ in range(_FILES)]
    rates = {size: [rows / one.seconds for one in files] for size, files in spent.items()}
    cpu = {size: [one.cpu + one.postgres_cpu for one in files] for size, files in spent.items()}
    return {
        f"ingest_rows_per_s_at_{small}": measure(rates[small], "1/s"),
        f"ingest_rows_per_s_at_{large}": measure(rates[large], "1/s"),
        "ingest_growth": _ratio(rates[large], rates[small]),
        f"cpu_us_per_row_at_{small}": measure([one / rows * 1e6 for one in cpu[small]], "us"),
        f"cpu_us_per_row_at_{large}": measure([one / rows * 1e6 for one in cpu[large]], "us"),
        "ingest_growth_by_cpu": _ratio(cpu[small], cpu[large]),
    }


def _ratio(above: list[float], below: list[float]) -> Measure:
    return measure([over / under for over, under in zip(above, below, strict=True)], "ratio")


def _median_ms(loaded: Stage) -> float:
    requests = loaded.wishes.singles(_QUERIES)
    return 1e3 * percentile(drive(loaded.scene.port, requests, connections=1).latencies, 0.5)


def _spent(scene: Works) -> Spent:
    """Return what one file costs, and leave the stock as it was."""
    spent = spent_on(scene, file_of(scene.books[0]))
    for table in ("account", "record", "batch"):
        scene.sql(f"DELETE FROM {table} WHERE member_id LIKE 'member-%'")
    scene.sql("VACUUM record, account")
    print(f"growth: a file in {spent.seconds:.1f} s", file=sys.stderr, flush=True)
    return spent


def _fill(sql: Callable[[str], object], stored: int, size: int) -> None:
    """Add rows of another member as large as real ones; their indices lie anywhere, their ids rise.

    The server makes and writes them, in steps that it keeps up with: they are nobody's records and
    open for nobody, and an index does not know. What follows finds no work of theirs left over:
    neither pages to write out nor tables to look through.
    """
    for first in range(stored, size, _STEP_ROWS):
        last = min(first + _STEP_ROWS, size)
        print(f"growth: {last:,} of {size:,} rows", file=sys.stderr, flush=True)
        sql(
            f"""INSERT INTO record (token_index, record_id, version, member_id, epoch, submitted_at,
                kek_id, wrapped, sealed)
            SELECT sha256(n::text::bytea) AS token_index,
                ('018f' || lpad(to_hex(n), 28, '0'))::uuid, 1, 'stock', 'ep_1', 0, 'k',
                decode(repeat('00', 60), 'hex'), decode(repeat('00', 284), 'hex')
            FROM generate_series({first + 1}, {last}) n ORDER BY 1"""
        )
    sql("VACUUM ANALYZE record")
    sql("CHECKPOINT")


def _runner(url: str) -> Callable[[str], object]:
    def run(text: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(text.encode())

    return run
