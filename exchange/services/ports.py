"""What the services need of the world, as values and protocols.

`app` picks the concrete classes. Everything a service touches comes in through `Ports`; time is
read once at its start. What passes between services and store by the thousand is a named tuple:
it costs a tenth of a frozen dataclass to make.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from consent.grants import HeldGrant
from consent.profiles import Profile
from consent.reciprocity import Earned
from exchange.crypto.keyring import Keyring
from exchange.crypto.oprf import Evaluation
from exchange.crypto.sealing import Sealer
from exchange.domain.queries import Asker
from exchange.services.batches.ports import BatchTerms, Session
from exchange.services.borrower.ports import BorrowerStatements
from exchange.services.disbursements.ports import DisbursementStatements
from exchange.services.disputes.ports import DisputeStatements, SealedStatement
from exchange.services.grants.ports import GrantStatements
from exchange.services.members.ports import MemberStatements
from exchange.services.notices.ports import NoticeStatements
from exchange.services.nouns import Nouns
from exchange.services.records.ports import RecordStatements
from exchange.services.security.ports import SecurityStatements


class SubjectAsk(NamedTuple):
    """A subject whose counter is to be raised in the log, and a key to use if it has none yet."""

    subject: str  # pseudonym, or "" for a leaf without a subject
    key_id: str  # of the opening key of this subject and quarter
    kek_id: str
    wrapped: bytes  # a fresh key, stored only if the subject has none in this quarter


class SubjectTurn(NamedTuple):
    """The subject's next number in the log, and the opening key that stands for the quarter."""

    seq: int
    kek_id: str
    wrapped: bytes


class LeafRow(NamedTuple):
    """One leaf as it is stored: commitments for everyone, sealed openings for the few."""

    leaf_hash: bytes
    entry: bytes  # 116 bytes
    key_id: str
    subject_sealed: bytes
    audit_sealed: bytes
    kind: str
    member: str
    subject: str
    purpose: str
    outcome: str
    operator_mac: bytes
    application_mac: bytes


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


class SealedRecord(NamedTuple):
    """One record version of a subject, still sealed."""

    record_id: UUID
    member: str
    version: int
    epoch: str
    disputed: bool
    suppressed: bool
    kek_id: str
    wrapped: bytes
    sealed: bytes
    answer_late: bool  # the answer to its dispute is overdue


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
    quota_spent: str | None  # `operator`, `subject` or `member`: whose queries are used up
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
        self, member: str, answers: Sequence[AnswerRow], *, log_id: int, now: int
    ) -> None:
        """Write leaves, openings, search rows, answers and inquiries, and make all of it durable.

        Raises:
            QueryConflict: the same query id was stored meanwhile; start over.
        """
        ...

    def stored_answer(self, member: str, query_id: UUID) -> StoredAnswer | None:
        """Find the answer given under a query id of this member."""
        ...


class LogStatements(Protocol):
    """Statements by which every other use case writes its leaves."""

    def open_subjects(self, asks: Sequence[SubjectAsk], *, log_id: int) -> list[SubjectTurn]:
        """Raise the counters (locking them) and fetch the opening keys."""
        ...

    def find_log(self, origin: str) -> int | None:
        """Find the open log of this name."""
        ...

    def append(self, leaves: Sequence[LeafRow], *, log_id: int, now: int) -> None:
        """Write leaves, openings and search rows."""
        ...


class Work(Nouns, Protocol):
    """One unit of work: one transaction. Leaving it without commit() undoes everything."""

    @property
    def queries(self) -> QueryStatements:
        """Statements of the query's way."""
        ...

    @property
    def log(self) -> LogStatements:
        """Statements that write leaves."""
        ...

    @property
    def grants(self) -> GrantStatements:
        """Statements about grants."""
        ...

    @property
    def notices(self) -> NoticeStatements:
        """Statements about notices."""
        ...

    @property
    def records(self) -> RecordStatements:
        """Statements about records."""
        ...

    @property
    def disputes(self) -> DisputeStatements:
        """Statements about disputes and borrowers' statements."""
        ...

    @property
    def disbursements(self) -> DisbursementStatements:
        """Statements about disbursements."""
        ...

    @property
    def members(self) -> MemberStatements:
        """Statements about members."""
        ...

    @property
    def security(self) -> SecurityStatements:
        """Statements about security events."""
        ...

    @property
    def borrowers(self) -> BorrowerStatements:
        """Statements about borrowers: passkeys, links, sessions."""
        ...

    def attempt(self) -> AbstractContextManager[None]:
        """Undo what is written within the block, and that alone, where the block raises."""
        ...

    def commit(self) -> None:
        """Make everything durable; nothing may be written afterwards."""
        ...


class EvaluatorPort(Protocol):
    """Whoever holds the OPRF key: this process, or another authority's service."""

    @property
    def public_key(self) -> bytes:
        """32 bytes that members pin for this epoch."""
        ...

    def evaluate(self, elements: Sequence[bytes]) -> Evaluation:
        """Evaluate 1 to 500 blinded elements under one proof."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What this exchange goes by: names and limits that its signed statements carry."""

    issuer: str  # id of the exchange, `iss` of what it signs
    name: str
    public_base: str  # URL under which members reach it
    domain: str  # the log's origin is <domain>/access/<year>
    log_restart: str  # "2026-r1" after that year's log was given up, else ""
    profile: Profile
    evaluations_per_day: int
    queries: QueryQuotas
    uploads_per_day: int
    disputes_per_subject_day: int
    log_late_seconds_max: int
    batches: BatchTerms


MMD_SECONDS = 60  # maximum merge delay that receipts promise (log.md, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything a service may touch."""

    now: Callable[[], int]  # unix seconds
    now_ms: Callable[[], int]  # unix milliseconds, for ids only
    random_bytes: Callable[[int], bytes]
    begin: Callable[[], AbstractContextManager[Work]]
    session: Callable[[], AbstractContextManager[Session]]
    log_id: Callable[[int], int]  # the log that is active at this time
    keyring: Keyring
    sealer: Sealer
    evaluators: Callable[[str], EvaluatorPort]  # by epoch; raises ClosedEpoch
    terms: Terms

    def origin(self, now: int) -> str:
        """Return the origin of the log that is active now (one log a calendar year, UTC)."""
        return log_origin(self.terms.domain, now, self.terms.log_restart)


def log_origin(domain: str, now: int, restart: str) -> str:
    """Name the log of the calendar year (UTC) that this time lies in.

    Args:
        restart: the name of the log that took a year's place, such as `2026-r1`; "" if none did.
    """
    year = f"{datetime.fromtimestamp(now, UTC).year}"
    return f"{domain}/access/{restart if restart.startswith(year) else year}"
