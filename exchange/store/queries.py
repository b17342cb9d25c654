"""Statements of the query's way: the gate, the look-up, and what an answer leaves behind.

The gate and the look-up are one statement (functions.py): what is not permitted is never read.
Times are bound, never taken from the server's clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID
from zlib import crc32

from psycopg.errors import DatabaseError, UniqueViolation
from psycopg.rows import TupleRow

from consent.grants import GrantState, HeldGrant
from consent.purposes import Detail
from consent.reciprocity import Earned
from exchange.domain.queries import Asker
from exchange.errors import QueryConflict
from exchange.services.disputes.ports import SealedStatement
from exchange.services.log.leaf_ports import SubjectTurn
from exchange.services.queries.check_gate import quota_error
from exchange.services.queries.ports import (
    AnswerRow,
    GateAsk,
    GatePass,
    GateResult,
    GateRow,
    QueryQuotas,
    StoredAnswer,
)
from exchange.services.records.ports import SealedRecord
from exchange.store.driver.columns import blobs, copy_columns, same_int8, same_text, texts, uuids
from exchange.store.driver.trips import Call, TripConnection
from exchange.store.gate.calls import PASS_ONE, pass_several
from exchange.store.leaves import APPEND_LEAF, copy_leaves, leaf_parameters
from exchange.store.statement import Statement

_STORE_ANSWER = Statement(f"""
WITH {APPEND_LEAF},
inquiries AS (
    INSERT INTO inquiry (token_index, member_id, query_id, asked_at)
    SELECT token_index, %(member)s, %(query_id)s, %(now)s
    FROM unnest(%(inquiries)s::bytea[]) AS i(token_index)
)
INSERT INTO query (member_id, query_id, digest, leaf_hash, key_id, sealed)
VALUES (%(member)s, %(query_id)s, %(digest)s, %(leaf_hash)s, %(key_id)s, %(claims)s)
""")  # noqa: S608 - composed of constants alone
_SPEND = Statement("""
SELECT spend_quota(%(member)s, %(now)s, %(slot)s, %(operators)s, %(counts)s, %(operator_hour)s,
    %(day)s, %(new_member_day)s, %(new_member_seconds)s)
""")
QUOTA_SLOTS = 8  # of `spend_quota`, over which a member's day is spread
_QUOTA_SPENT = "CXQ01"  # SQLSTATE of `spend_quota`
_STATES = {state.value: state for state in GrantState}  # Quicker than to ask the class each time.
_DETAILS = {detail.value: detail for detail in Detail}
FEW = 32  # up to here a statement each costs less than a COPY into five tables
_COPY_INQUIRIES = """COPY inquiry (token_index, member_id, query_id, asked_at)
    FROM STDIN (FORMAT BINARY)"""
_COPY_ANSWERS = """COPY query (member_id, query_id, digest, leaf_hash, key_id, sealed)
    FROM STDIN (FORMAT BINARY)"""

_STORED_ANSWER = Statement("""
SELECT a.digest, a.leaf_hash, a.key_id, a.sealed, k.kek_id, k.wrapped
FROM query a JOIN opening_key k USING (key_id)
WHERE a.member_id = %(member)s AND a.query_id = %(query_id)s
""")


class Queries:
    """Statements about queries, bound to one open transaction."""

    def __init__(self, connection: TripConnection) -> None:
        self._connection = connection

    def pass_gate(
        self, askers: Sequence[Asker], rows: Sequence[GateRow], ask: GateAsk, *, now: int
    ) -> GatePass:
        """Claim the nonces, lock and spend the grants, count and look up: one statement."""
        parameters: dict[str, object] = {
            "member": askers[0].member,
            "keys": list({asker.key for asker in askers}),
            "nonces": sorted(asker.nonce for asker in askers),
            "now": now,
            "log_id": ask.log_id,
            "after_sizes": [after.size for after in ask.afters],
            "after_roots": [after.root for after in ask.afters],
            "subject_day": ask.quotas.subject_day,
        }
        if len(rows) == 1:
            parameters |= _parameters(rows[0])
            found = self._connection.trip(Call(PASS_ONE, parameters))
            groups = [found]
        else:
            parameters |= _columns(rows)
            found = self._connection.trip(Call(pass_several(len(rows)), parameters))
            groups = [[] for _ in rows]
            for row in found:
                if row[6] is not None:  # Else nothing was looked at: `check_gate` says why.
                    groups[row[-1] - 1].append(row)
        first = found[0]
        return GatePass(
            nonce_fresh=first[0],
            key_live=first[1],
            covered_until=first[2],
            contributors=first[3],
            after_agrees=first[4],
            earned=Earned(first[5]),
            subject_spent=any(row[51] for row in found),
            results=tuple(self._result(group) for group in groups if group and first[0]),
        )

    def _result(self, group: Sequence[TupleRow]) -> GateResult:
        row = group[0]
        kek_id, wrapped = row[11:13]
        if row[6]:
            stored = StoredAnswer(row[7], row[8], row[10], row[9], kek_id, wrapped)
            return GateResult(stored, None, False, None, (0, 0, 0), ())
        return GateResult(
            stored=None,
            grant=_held(row) if row[13] else None,
            spent=row[30],
            turn=SubjectTurn(row[32], kek_id, wrapped),
            velocity=(row[33], row[34], row[35]),
            records=tuple(SealedRecord(*each[36:46]) for each in group if each[36] is not None),
            statement=SealedStatement(*row[46:51]) if row[46] is not None else None,
        )

    def commit_answers(
        self, member: str, answers: Sequence[AnswerRow], ask: GateAsk, *, now: int
    ) -> None:
        """Write leaves, openings, search rows, answers and inquiries, count them, and commit.

        A few take a statement each and one wait in all, their commit included.

        Raises:
            QueryConflict: the same query id was stored meanwhile; start over.
            QuotaError: queries of this operator or member are used up; nothing is written.
        """
        calls: list[Call] = []
        try:
            if len(answers) <= FEW:
                calls = [_storing(member, one, log_id=ask.log_id, now=now) for one in answers]
            else:
                self._copy(member, answers, log_id=ask.log_id, now=now)
            spending = _spending(member, answers, ask.quotas, now=now)
            self._connection.trip(*calls, spending, commit=True)
        except UniqueViolation as error:
            raise QueryConflict("the query id was stored meanwhile") from error
        except DatabaseError as error:
            if error.sqlstate == _QUOTA_SPENT:
                raise quota_error(error.diag.message_primary or "", now) from error
            raise

    def _copy(self, member: str, answers: Sequence[AnswerRow], *, log_id: int, now: int) -> None:
        # The answers first: a query id stored meanwhile must not cost the rest.
        copy_columns(
            self._connection,
            _COPY_ANSWERS,
            (
                same_text(member),
                uuids([row.query_id for row in answers]),
                blobs([row.digest for row in answers]),
                blobs([row.leaf.leaf_hash for row in answers]),
                texts([row.leaf.key_id for row in answers]),
                blobs([row.sealed_claims for row in answers]),
            ),
        )
        copy_leaves(self._connection, [row.leaf for row in answers], log_id=log_id, now=now)
        left = [(index, row.query_id) for row in answers for index in row.inquiry_indices]
        copy_columns(
            self._connection,
            _COPY_INQUIRIES,
            (
                blobs([index for index, _ in left]),
                same_text(member),
                uuids([query_id for _, query_id in left]),
                same_int8(now),
            ),
        )

    def stored_answer(self, member: str, query_id: UUID) -> StoredAnswer | None:
        """Find the answer given under a query id of this member."""
        parameters = {"member": member, "query_id": query_id}
        row = _STORED_ANSWER.run(self._connection, parameters).fetchone()
        return None if row is None else StoredAnswer(*row)


def _storing(member: str, answer: AnswerRow, *, log_id: int, now: int) -> Call:
    parameters = leaf_parameters(answer.leaf, log_id=log_id, now=now) | {
        "member": member,
        "query_id": answer.query_id,
        "digest": answer.digest,
        "claims": answer.sealed_claims,
        "inquiries": answer.inquiry_indices,
    }
    return Call(_STORE_ANSWER, parameters)


def _spending(member: str, answers: Sequence[AnswerRow], quotas: QueryQuotas, *, now: int) -> Call:
    # One counter an operator, and one order for everybody.
    counts = sorted(Counter(answer.leaf.operator_mac for answer in answers).items())
    parameters = {
        "member": member,
        "now": now,
        "slot": crc32(answers[0].query_id.bytes) % QUOTA_SLOTS,
        "operators": [f"operator/{operator.hex()}" for operator, _ in counts],
        "counts": [count for _, count in counts],
        **quotas._asdict(),
    }
    return Call(_SPEND, parameters)


def _parameters(row: GateRow) -> dict[str, object]:
    return {name: column[0] for name, column in _columns([row]).items()}


def _columns(rows: Sequence[GateRow]) -> dict[str, list[object]]:
    """Return what the gate asks about queries, each parameter in a list of its own."""
    subjects = [row.subject for row in rows]
    return {
        "query_id": [row.query_id for row in rows],
        "index": [row.indices[0] for row in rows],
        "index_2": [row.indices[1] if row.identities > 1 else None for row in rows],
        "index_3": [row.indices[2] if row.identities > 2 else None for row in rows],
        "contact": [row.indices[-1] if len(row.indices) > row.identities else None for row in rows],
        "grant_id": [row.grant_id for row in rows],
        "purpose": [row.purpose for row in rows],
        "open": [row.open for row in rows],
        "level": [row.level for row in rows],
        "needs_account": [row.needs_account for row in rows],
        "needs_overdue": [row.needs_overdue for row in rows],
        "subject": [subject.subject for subject in subjects],
        "key_id": [subject.key_id for subject in subjects],
        "kek_id": [subject.kek_id for subject in subjects],
        "wrapped": [subject.wrapped for subject in subjects],
    }


def _held(row: TupleRow) -> HeldGrant:
    return HeldGrant(
        grantee=row[14],
        state=_STATES[row[15]],
        purpose=row[16],
        level=row[17],
        cross_border=row[18],
        not_before=row[19],
        expires=row[20],
        uses=row[21],
        max_uses=row[22],
        window_start=row[23],
        window_uses=row[24],
        window_max=row[25],
        window_seconds=row[26],
        detail=_DETAILS[row[27]],
        fields=frozenset(row[28]),
        lookback_months=row[29],
        own_account=row[31],
    )
