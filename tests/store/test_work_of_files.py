"""What the statements of a file read, counted in rows: their plans must hang on no statistics.

Both of these once took minutes: planned by old statistics, or without any, they read everything
once more for each of their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import Connection, RawCursor
from psycopg.rows import TupleRow

from exchange.services.batches.ports import Action
from exchange.store.batches.staging import Staging
from exchange.store.batches.whole_files import WARN_CROWDED
from exchange.store.grants.texts import SUPPRESS_SINCE, WITHHOLD_SINCE
from exchange.store.statement import Statement

GRANTS, ENDED = 4_000, 40
# Each of a member's grants with its artefact, its binding and a record of two versions under it.
FILL = f"""
CREATE TEMPORARY TABLE n AS SELECT n, decode(md5(n::text), 'hex') AS token_index,
    md5('grant ' || n)::uuid AS grant_id, md5('record ' || n)::uuid AS record_id
    FROM generate_series(1, {GRANTS}) n;
INSERT INTO grant_artefact (grantee, grant_id, token_index, artefact, digest, kid, policy,
    registered_at, leaf_hash)
SELECT 'member-a', grant_id, token_index, '', '', '', '', 0, '' FROM n;
INSERT INTO grant_binding (grantee, grant_id, epoch, token_index, bound_at)
SELECT 'member-a', grant_id, 'ep_1', token_index, 0 FROM n;
INSERT INTO record (token_index, record_id, version, member_id, epoch, current, grant_id,
    submitted_at, kek_id, wrapped, sealed)
SELECT token_index, record_id, v, 'member-a', 'ep_1', v = 2, grant_id, 0, '', '', ''
FROM n, generate_series(1, 2) v;
INSERT INTO suppression (grantee, n, grant_id)
SELECT 'member-a', n, grant_id FROM n WHERE n <= {ENDED};
"""
ANALYZE = "ANALYZE record, grant_artefact, grant_binding, suppression, withheld"


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[TupleRow]]:
    """A session as the exchange opens them: see store/work.py."""
    options = "-c enable_seqscan=off -c jit=off"
    with psycopg.connect(database_url, options=options, autocommit=True) as made:
        yield made


def fill(connection: Connection[TupleRow]) -> None:
    """Fill the tables, whatever is known of them."""
    connection.execute(FILL)


def analyze(connection: Connection[TupleRow]) -> None:
    """Let the planner know the tables as they are."""
    connection.execute(ANALYZE)


def few(connection: Connection[TupleRow]) -> None:
    """Let the planner know of hardly anything: as after a night in which the book was loaded."""
    connection.execute(FILL)
    connection.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM record")
    connection.execute("DELETE FROM record")
    connection.execute("VACUUM ANALYZE record")
    connection.execute("INSERT INTO record SELECT * FROM kept")


KNOWN: dict[str, list[Callable[[Connection[TupleRow]], None]]] = {
    "nothing": [fill],
    "all of it": [fill, analyze],
    "no records": [few],
}


@pytest.mark.parametrize(
    "statement", [SUPPRESS_SINCE, WITHHOLD_SINCE], ids=["suppress", "withhold"]
)
@pytest.mark.parametrize("steps", KNOWN.values(), ids=KNOWN.keys())
def test_what_is_suppressed_is_found_by_probes(
    connection: Connection[TupleRow],
    steps: list[Callable[[Connection[TupleRow]], None]],
    statement: Statement,
) -> None:
    """A lender's withdrawals wait for it: it must read what they ended, and not the whole book."""
    for step in steps:
        step(connection)

    rows = rows_read(connection, statement, {"grantee": "member-a", "n": 0})

    assert ENDED <= rows <= 30 * ENDED


SUBJECTS, EACH = 1_500, 3
STAGE = f"""
INSERT INTO staged (line, action, warned, amended, deleted, account_ref, record_id, version,
    index_1, open)
SELECT n, {Action.STORE}, false, false, false, 'acc-' || n, md5('record ' || n)::uuid, 1,
    decode(md5((n / {EACH})::text), 'hex'), true
FROM generate_series(0, {SUBJECTS * EACH - 1}) n
"""


@pytest.mark.parametrize("accounts", [0, 1], ids=["first file", "later file"])
def test_a_file_of_crowded_subjects_is_read_a_few_times(
    connection: Connection[TupleRow], accounts: int
) -> None:
    """Thousands of crowded subjects held a worker for minutes, each looked for among all rows."""
    staging = Staging(connection)
    staging.reset()
    connection.execute(STAGE)
    connection.execute(
        "INSERT INTO account (member_id, account_ref, record_id, version, token_index, epoch,"
        " sequence) SELECT 'member-a', n::text, gen_random_uuid(), 1, '', 'ep_1', 1"
        " FROM generate_series(1, %s) n",
        (accounts,),
    )
    parameters = {
        "member": "member-a",
        "live_max": EACH - 1,
        "store": Action.STORE,
        "refuse": Action.REFUSE,
    }

    rows = rows_read(connection, WARN_CROWDED, parameters)

    told = connection.execute("SELECT count(*) FROM staged_fault").fetchone()
    assert (SUBJECTS * EACH,) == told
    assert SUBJECTS * EACH <= rows <= 25 * SUBJECTS * EACH


def rows_read(
    connection: Connection[TupleRow], statement: Statement, parameters: dict[str, object]
) -> int:
    """Run a statement; return how many rows its nodes gave or threw away, all loops together."""
    explained = b"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + statement.sql
    cursor = RawCursor(connection).execute(explained, statement.values(parameters), prepare=False)
    found = cursor.fetchone()
    assert found is not None
    return _rows(found[0][0]["Plan"])


def _rows(node: dict[str, object]) -> int:
    plans, loops = node.get("Plans", []), node["Actual Loops"]
    assert isinstance(plans, list)
    assert isinstance(loops, int | float)
    own = sum(
        float(str(value))
        for name, value in node.items()
        if name == "Actual Rows" or name.startswith("Rows Removed")
    )
    return round(own * loops) + sum(map(_rows, plans))
