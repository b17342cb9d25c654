"""The gate in the database and `consent.decide` judge every grant alike."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent.decision import Request, decide, gate
from consent.grants import STORED_STATES, GrantState
from consent.profiles import load_profile
from consent.purposes import PURPOSES, Account, Act, Detail, Purpose
from exchange.domain.queries import Asker
from exchange.services.log.write_leaves import subject_ask
from exchange.services.ports import Ports
from exchange.services.queries.ports import GateAsk, GateResult, GateRow
from exchange.store.gate.calls import CALLED_EACH_MAX
from tests.support.sandbox import Sandbox, make_sandbox

NOW = 1_764_000_000
CN = load_profile("CN")
# Every purpose on: a closed one would hide all that lies behind it.
OPEN = replace(CN, policy={name: replace(policy, on=True) for name, policy in CN.policy.items()})
LOOKS = sorted(name for name, rule in PURPOSES.items() if rule.act is Act.LOOK)
INSERT = """
INSERT INTO grants (token_index, grantee, grant_id, epoch, purpose, state, level, cross_border,
    not_before, expires, uses, max_uses, window_start, window_uses, window_max, window_seconds,
    detail, fields, lookback_months)
VALUES (%(token_index)s, %(grantee)s, %(grant_id)s, 'ep_1', %(purpose)s, %(state)s, %(level)s,
    false, %(not_before)s, %(expires)s, %(uses)s, %(max_uses)s, %(window_start)s, %(window_uses)s,
    %(window_max)s, %(window_seconds)s, 'bands', '{}', 24)
"""
ACCOUNT = """
INSERT INTO record (token_index, record_id, version, member_id, epoch, open, overdue, submitted_at,
    kek_id, wrapped, sealed)
VALUES (%s, %s, 1, 'member-a', 'ep_1', true, %s, 1, 'k', '', '')
"""
# What others know of each subject: two records, one disputed, their looks, two statements.
ELSEWHERE = """
INSERT INTO record (token_index, record_id, version, member_id, epoch, open, overdue, submitted_at,
    kek_id, wrapped, sealed)
SELECT %(index)s, gen_random_uuid(), 1, 'member-' || m, 'ep_1', true, false, 1, 'k', 'w', 's'
FROM unnest(ARRAY['b', 'c']) m;
INSERT INTO dispute_mark (record_id, due_at)
SELECT record_id, %(now)s FROM record WHERE token_index = %(index)s AND member_id = 'member-b';
INSERT INTO inquiry (token_index, member_id, query_id, asked_at)
SELECT %(index)s, m, gen_random_uuid(), %(now)s - days * 86400 + shift
FROM unnest(ARRAY['member-a', 'member-b', 'member-b', 'member-c', 'member-d', 'member-e'],
    ARRAY[1, 7, 3, 30, 90, 7], ARRAY[0, 0, 0, 1, 1, 0]) i(m, days, shift);
INSERT INTO statement (token_index, statement_id, about_member, made_at, digest, leaf_hash, kek_id,
    wrapped, sealed)
SELECT %(index)s, gen_random_uuid(), about, made_at, '', '', 'k', 'w', 's'
FROM unnest(ARRAY[NULL, NULL, 'member-a'], ARRAY[1, 2, 3]) t(about, made_at)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """An exchange with one asking member, and the account it has with each of three subjects."""

    sandbox: Sandbox
    url: str
    subjects: dict[Account, bytes]  # token index


@pytest.fixture(scope="module")
def bench(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One exchange for all examples; each makes a grant of its own."""
    sandbox = make_sandbox(shared_database_url, tmp_path_factory.mktemp("gate"))
    sandbox.enrol("member-a")
    subjects = {account: secrets.token_bytes(32) for account in Account}
    with psycopg.connect(shared_database_url) as connection:
        connection.execute("UPDATE member_key SET not_before = 0")  # NOW lies before this run
        for account in (Account.OPEN, Account.OVERDUE):
            values = (subjects[account], uuid4(), account is Account.OVERDUE)
            connection.execute(ACCOUNT, values)
        for index in subjects.values():
            psycopg.ClientCursor(connection).execute(ELSEWHERE, {"index": index, "now": NOW})
    yield Bench(sandbox=sandbox, url=shared_database_url, subjects=subjects)
    sandbox.close()


# Weighted towards agreement, so that the later clauses are reached as well.
near_now = st.integers(NOW - 65, NOW + 65)
rows = st.fixed_dictionaries(
    {
        "grantee": st.sampled_from(["member-a"] * 20 + ["member-b"]),
        "state": st.sampled_from(
            [GrantState.ACTIVE.value] * 40 + sorted(state.value for state in STORED_STATES)
        ),
        "level": st.sampled_from([0, 1, 1, 1, 2]),
        "not_before": st.sampled_from([0, 0, NOW + 60, NOW + 61]) | near_now,
        "expires": st.sampled_from([NOW + 10**6] * 9 + [NOW, NOW + 1]) | near_now,
        "uses": st.sampled_from([0, 0, 1, 2]),
        "max_uses": st.none() | st.integers(1, 2),
        "window_start": near_now,
        "window_uses": st.integers(0, 2),
        "window_max": st.none() | st.integers(1, 2),
        "window_seconds": st.integers(0, 65),
    }
)
Row = dict[str, object]


def pass_gate(bench: Bench, request: Request, grant_id: UUID, index: bytes) -> GateResult:
    """Put one question to the gate, and leave nothing behind."""
    ports = bench.sandbox.ports
    opened = gate(request, OPEN)
    row = GateRow(
        query_id=uuid4(),
        grant_id=grant_id if request.grant_named else None,
        indices=(index,),
        identities=1,
        purpose=request.purpose,
        open=opened.open,
        level=opened.level,
        needs_account=opened.account is not Account.NONE,
        needs_overdue=opened.account is Account.OVERDUE,
        subject=subject_ask(ports.keyring.pseudonym(index), ports, NOW),
        operator_mac=bytes(32),
    )
    asker = Asker(member="member-a", key="k1", nonce=secrets.token_hex(12), roles=frozenset())
    ask = GateAsk(ports.log_id(ports.now()), (), ports.terms.queries)
    with ports.begin() as work:
        alone = work.queries.pass_gate([asker], [row], ask, now=NOW)
    for beside in (1, CALLED_EACH_MAX):  # What the one before wrote is undone by now.
        company = [_other(row, ports) for _ in range(beside)]
        with ports.begin() as work:
            among = work.queries.pass_gate([asker], [*company, row], ask, now=NOW)
        assert alone.results == among.results[beside:], "one query and several pass alike"
    assert alone.results[0].velocity in {(0, 0, 0), (1, 3, 4)}
    return alone.results[0]


def _other(row: GateRow, ports: Ports) -> GateRow:
    """Ask about another subject, without a grant."""
    index = secrets.token_bytes(32)
    return row._replace(
        query_id=uuid4(),
        grant_id=None,
        indices=(index,),
        subject=subject_ask(ports.keyring.pseudonym(index), ports, NOW),
    )


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    row=rows,
    purpose=st.sampled_from(LOOKS),
    granted_for=st.sampled_from(["same"] * 40 + LOOKS),
    account=st.sampled_from(Account),
    named=st.sampled_from([True] * 20 + [False]),
    role=st.sampled_from(["asker"] * 20 + ["contributor"]),
)
def test_the_database_spends_a_grant_exactly_where_the_law_permits(
    bench: Bench,
    row: Row,
    purpose: Purpose,
    granted_for: str,
    account: Account,
    named: bool,
    role: str,
) -> None:
    """No use is counted for a refused look, and no record is read that the law does not open."""
    grant_id, index = uuid4(), bench.subjects[account]
    given_for = purpose.value if granted_for == "same" else granted_for
    stored = {**row, "grant_id": grant_id, "token_index": index, "purpose": given_for}
    with psycopg.connect(bench.url) as connection:
        connection.execute(INSERT, stored)
    request = Request(
        purpose=purpose,
        act=Act.LOOK,
        member="member-a",
        parties=frozenset({role}),
        grant_named=named,
        detail=Detail.BANDS,
    )

    result = pass_gate(bench, request, grant_id, index)

    assert decide(request, result.grant, OPEN, NOW).permitted is result.spent
    assert (result.grant is not None) is (named and row["grantee"] == "member-a")


def test_queries_of_one_operator_pass_the_gate_side_by_side(bench: Bench) -> None:
    """A batch holds what it locks until it is durable: nobody else may wait for it meanwhile."""
    ports = bench.sandbox.ports
    ask = GateAsk(ports.log_id(ports.now()), (), ports.terms.queries)
    rows = []
    for _ in range(2):
        index = secrets.token_bytes(32)
        rows.append(
            GateRow(
                query_id=uuid4(),
                grant_id=None,
                indices=(index,),
                identities=1,
                purpose=Purpose.CREDIT_APPLICATION,
                open=True,
                level=1,
                needs_account=False,
                needs_overdue=False,
                subject=subject_ask(ports.keyring.pseudonym(index), ports, NOW),
                operator_mac=bytes(16),
            )
        )
    askers = [Asker(member="member-a", key="k1", nonce=nonce, roles=frozenset()) for nonce in "ab"]

    with ports.begin() as first, ports.begin() as second:
        first.queries.pass_gate(askers[:1], rows[:1], ask, now=NOW)
        passed = second.queries.pass_gate(askers[1:], rows[1:], ask, now=NOW)

    assert 1 == len(passed.results)


def test_a_use_moves_the_counter_and_the_window(bench: Bench) -> None:
    """The second look in a month is refused, the first of the next month is not."""
    index, month = bench.subjects[Account.OPEN], 30 * 86_400
    grant_id = uuid4()
    stored: Row = {
        "grantee": "member-a",
        "grant_id": grant_id,
        "token_index": index,
        "purpose": "account_review",
        "state": "ACTIVE",
        "level": 1,
        "not_before": NOW - 1,
        "expires": NOW + 10 * month,
        "uses": 0,
        "max_uses": None,
        "window_start": 0,
        "window_uses": 0,
        "window_max": 1,
        "window_seconds": month,
    }
    with psycopg.connect(bench.url) as connection:
        connection.execute(INSERT, stored)
    seen = []
    for at in (NOW, NOW + month - 1, NOW + month):
        with psycopg.connect(bench.url) as connection:
            found = connection.execute(
                "SELECT spent FROM pass_gate('member-a', %s, 1, %s, %s, NULL, NULL, NULL, %s,"
                " 'account_review', true, 1, true, false, %s, 3, %s, 'k', '')",
                (at, uuid4(), index, grant_id, f"p:{index.hex()[:32]}", f"{uuid4()}/q"),
            ).fetchone()
            assert found is not None
            seen.append(found[0])

    with psycopg.connect(bench.url) as connection:
        left = connection.execute(
            "SELECT uses, window_start, window_uses FROM grants WHERE grant_id = %s", (grant_id,)
        ).fetchone()
    assert ([True, False, True], (2, NOW + month, 1)) == (seen, left)
