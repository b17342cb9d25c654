"""What the services of disputes need of the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, Protocol
from uuid import UUID

from exchange.domain.life.disputes import Cause, DisputeEvent, DisputeState, Result


class DisputedRecord(NamedTuple):
    """A live record, as one may dispute it or speak about it."""

    record_id: UUID
    member: str
    account_ref: str
    indices: tuple[bytes, ...]  # of the identity tokens it stands under


class StoredDispute(NamedTuple):
    """A dispute as it is stored."""

    dispute_id: UUID
    member: str  # whose record it is
    record_id: UUID
    account_ref: str
    token_index: bytes
    cause: Cause
    opened_by: str  # SUBJECT, OPERATOR, or a member's id
    opened_at: int  # unix seconds
    due_on: date
    due_at: int  # first second after that day
    extended: bool
    state: DisputeState
    result: Result | None
    answered_at: int | None
    closed_at: int | None
    days_late: int
    reopened: int  # how often
    digest: bytes
    kek_id: str
    wrapped: bytes


class NewEvent(NamedTuple):
    """One step of a dispute to append."""

    event: DisputeEvent
    actor: str
    result: Result | None
    happened_at: int  # unix seconds
    leaf_hash: bytes
    sealed: bytes  # what was said, under the dispute's key


class StoredEvent(NamedTuple):
    """One step of a dispute, as it is stored."""

    n: int
    event: DisputeEvent
    actor: str
    result: Result | None
    happened_at: int
    leaf_hash: bytes
    sealed: bytes


class NewStatement(NamedTuple):
    """A statement of a borrower to store."""

    statement_id: UUID
    indices: tuple[bytes, ...]
    record_id: UUID | None
    about_member: str | None
    made_at: int  # unix seconds
    digest: bytes
    leaf_hash: bytes
    kek_id: str
    wrapped: bytes
    sealed: bytes


class StoredStatement(NamedTuple):
    """What is known of a statement when its id comes again."""

    digest: bytes
    leaf_hash: bytes
    made_at: int


class SealedStatement(NamedTuple):
    """A statement of the borrower, still sealed."""

    statement_id: UUID
    record_id: UUID | None  # what it speaks of; None: the subject as a whole
    kek_id: str
    wrapped: bytes
    sealed: bytes


class DisputeAsk(NamedTuple):
    """Which disputes are listed."""

    member: str | None  # None: of every member, for the regulator
    state: DisputeState | None
    overdue_at: int | None  # only those whose answer is overdue at this time
    after: UUID | None
    rows: int


class DisputeStatements(Protocol):
    """Statements about disputes and statements of borrowers."""

    def record_of_account(self, member: str, account_ref: str) -> DisputedRecord | None:
        """Find the live record of an account of this member."""
        ...

    def record(self, record_id: UUID) -> DisputedRecord | None:
        """Find a live record."""
        ...

    def add(self, dispute: StoredDispute) -> bool:
        """Store a dispute; say whether its id was free and the record under no other one."""
        ...

    def find(self, dispute_id: UUID, *, lock: bool = False) -> StoredDispute | None:
        """Find a dispute; with `lock`, hold it as it is until the end."""
        ...

    def running(self, record_id: UUID) -> UUID | None:
        """Find the dispute that runs about a record."""
        ...

    def save(self, dispute: StoredDispute) -> None:
        """Store where a locked dispute stands now.

        Raises:
            DisputeConflict: it was opened again, and another one runs about its record.
        """
        ...

    def add_event(self, dispute_id: UUID, event: NewEvent) -> None:
        """Append one step to a dispute that is locked, or was added just now."""
        ...

    def events(self, dispute_id: UUID) -> list[StoredEvent]:
        """List the steps of a dispute, oldest first."""
        ...

    def mark(self, record_id: UUID, due_at: int | None) -> None:
        """Let every look see that a record is disputed, and from when its answer is overdue."""
        ...

    def unmark(self, record_id: UUID) -> None:
        """Let looks see no dispute about a record."""
        ...

    def listed(self, ask: DisputeAsk) -> list[StoredDispute]:
        """List disputes in the order of their ids."""
        ...

    def of_subject(self, indices: Sequence[bytes]) -> list[StoredDispute]:
        """List the disputes about one subject's records."""
        ...

    def answered_before(self, moment: int, rows: int) -> list[UUID]:
        """Find disputes answered before this time that nobody has closed."""
        ...

    def add_statement(self, statement: NewStatement) -> None:
        """Store a statement under each of the subject's tokens.

        Raises:
            StatementConflict: somebody stored one of this id a moment ago.
        """
        ...

    def statement(self, index: bytes, statement_id: UUID) -> StoredStatement | None:
        """Find a statement of this id."""
        ...
