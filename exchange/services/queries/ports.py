"""What the way of a query needs of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from consent.grants import HeldGrant
from consent.reciprocity import Earned
from exchange.domain.queries import Asker
from exchange.services.disputes.ports import SealedStatement
from exchange.services.log.leaf_ports import LeafRow, SubjectAsk, SubjectTurn
from exchange.services.records.ports import SealedRecord


class QueryQuotas(NamedTuple):
    """How many queries may be asked: security.md, 4."""

    operator_hour: int
    subject_day: int  # by one member
    day: int  # by one member
    new_member_day: int  # while its membership is younger than the next
    new_member_seconds: int


class After(NamedTuple):
    """A checkpoint that the asker named as the last it saw."""

    size: int
    root: str  # standard base64


class GateRow(NamedTuple):
    """What the gate asks the store about one query: see consent.md, 7."""

    query_id: UUID
    grant_id: UUID | None
    indices: tuple[bytes, ...]  # identity tokens first, primary at 0
    identities: int  # how many of them are identity tokens
    purpose: str
    open: bool  # false where purpose, role or reciprocity already refuse
    level: int  # evidence level that policy asks for
    needs_account: bool
    needs_overdue: bool  # the account must be overdue as well
    subject: SubjectAsk
    operator_mac: bytes  # keyed hash of who asked, for its quota


class GateAsk(NamedTuple):
    """What the gate goes by beside the rows."""

    log_id: int
    afters: tuple[After, ...]
    quotas: QueryQuotas


class StoredAnswer(NamedTuple):
    """The claims given before under the same query id, still sealed."""

    digest: bytes
    leaf_hash: bytes
    key_id: str
    sealed: bytes
    kek_id: str
    wrapped: bytes


class GateResult(NamedTuple):
    """What the one statement of the gate found for one query."""

    stored: StoredAnswer | None
    grant: HeldGrant | None  # as the row lock found it, before this use
    spent: bool  # the grant's use was counted, so the look-up was made
    turn: SubjectTurn | None  # None only when the answer is stored
    velocity: tuple[int, int, int]  # other members asking, in 7, 30 and 90 days
    records: tuple[SealedRecord, ...]
    statement: SealedStatement | None = None  # newest of the borrower


class GatePass(NamedTuple):
    """The gate's results, and what it found out about the asker and the log on the way."""

    nonce_fresh: bool
    key_live: bool
    covered_until: int  # unix seconds up to which the log is sequenced
    contributors: int  # other active members that contribute
    after_agrees: bool  # the named checkpoints are of ours
    earned: Earned  # how deep the asker's own contribution lets answers go
    subject_spent: bool  # the member's looks of the day at one of the subjects are used up
    results: tuple[GateResult, ...]


class AnswerRow(NamedTuple):
    """An answer to store: its leaf, its sealed claims and the inquiry it leaves behind."""

    query_id: UUID
    digest: bytes
    leaf: LeafRow
    sealed_claims: bytes
    inquiry_indices: tuple[bytes, ...]  # empty unless it counts in velocity


class QueryStatements(Protocol):
    """Statements of the query's way."""

    def pass_gate(
        self, askers: Sequence[Asker], rows: Sequence[GateRow], ask: GateAsk, *, now: int
    ) -> GatePass:
        """Lock, spend, count and look up in one statement, for requests of one member."""
        ...

    def commit_answers(
        self, member: str, answers: Sequence[AnswerRow], ask: GateAsk, *, now: int
    ) -> None:
        """Write leaves, openings, search rows, answers and inquiries, and make all of it durable.

        Raises:
            QueryConflict: the same query id was stored meanwhile; start over.
            QuotaError: queries of this operator or member are used up; nothing is written.
        """
        ...

    def stored_answer(self, member: str, query_id: UUID) -> StoredAnswer | None:
        """Find the answer given under a query id of this member."""
        ...
