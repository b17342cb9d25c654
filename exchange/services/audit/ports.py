"""What the audit needs of the world, as values and protocols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from exchange.domain.audit.filters import AuditFilter
from exchange.domain.flags.parameters import Parameters
from exchange.domain.log.policies import Policy
from exchange.services.log.ports import LogRef, TreeStatements
from exchange.services.ports import Ports, Work

QUORUM_SECONDS_MAX = 30  # with no quorum younger than this, the newest signed checkpoint is shown


class SealedLeaf(NamedTuple):
    """A leaf with its index, both openings still sealed; what was erased is None."""

    leaf_index: int
    leaf_hash: bytes
    entry: bytes
    created_at: int  # unix seconds
    key_id: str | None
    subject_sealed: bytes | None
    audit_sealed: bytes | None
    kek_id: str | None
    wrapped: bytes | None


class SearchTerms(NamedTuple):
    """A filter as the store compares it."""

    filter: AuditFilter
    operator_mac: bytes | None
    hits: list[int] | None  # indices that flags or the filter name; None: not narrowed by any


class SignedCheckpoint(NamedTuple):
    """A checkpoint as it was signed, with the cosignatures that are kept."""

    size: int
    root: bytes
    note: str
    signed_at: int  # by our clock, unix seconds


class RaisedFlag(NamedTuple):
    """A flag that was raised."""

    rule: str
    member: str
    start: int  # t of its earliest hit
    end: int  # t of its latest
    hits: tuple[int, ...]  # indices
    leaf_hash: bytes  # of its own leaf
    raised_at: int  # unix seconds


class JudgedMonth(NamedTuple):
    """What a member's loans of a month came to, in a log of one size."""

    member: str
    month: str  # such as 2026-11
    in_time: int
    stale: int
    late: int
    never: int
    unwitnessed: int  # of all of them: judged by the exchange's clock
    size: int
    judged_at: int  # unix seconds

    @property
    def loans(self) -> int:
        """How many there are."""
        return self.in_time + self.stale + self.late + self.never


class SubjectOpening(NamedTuple):
    """That an authority asked to open a person, and whether it may."""

    opening_id: UUID
    member: str  # the authority
    digest: bytes  # SHA-256 of what was asked
    subjects: tuple[str, ...]  # pseudonyms
    case: str
    asked_by: str  # key id
    asked_at: int  # unix seconds
    released_by: str | None
    released_at: int | None
    embargo_until: int | None = None  # unix seconds


class Released(NamedTuple):
    """That a pseudonym may be searched by."""

    embargo_until: int | None  # the latest end among the openings that let it; None: no embargo


class AuditStatements(Protocol):
    """Statements that read the log for an authority."""

    def find_log(self, origin: str) -> LogRef | None:
        """Find a log by its name, open or closed."""
        ...

    def newest(self, log_id: int, *, since: int) -> SignedCheckpoint | None:
        """Fetch the checkpoint that is shown now: with a quorum, unless that is older."""
        ...

    def checkpoint(self, log_id: int, size: int) -> SignedCheckpoint | None:
        """Fetch the checkpoint of a size."""
        ...

    def checkpoints(self, log_id: int, *, above: int, upto: int) -> list[SignedCheckpoint]:
        """List the checkpoints of sizes in (above, upto], and the next after them."""
        ...

    def count(self, log_id: int, terms: SearchTerms, *, size: int) -> int:
        """Count the leaves below a size that match."""
        ...

    def search(
        self, log_id: int, terms: SearchTerms, *, after: int, size: int, rows: int
    ) -> list[SealedLeaf]:
        """List leaves that match, by index."""
        ...

    def leaves(self, log_id: int, *, first: int, end: int) -> list[SealedLeaf]:
        """List every leaf of a range, by index."""
        ...

    def of_kind(self, log_id: int, kind: str) -> list[SealedLeaf]:
        """List every leaf of a kind that the search index names, by index."""
        ...

    def counts(self, log_id: int, *, member: str | None) -> list[tuple[str, str, str, int]]:
        """Count the leaves of members: (member, kind, outcome, count)."""
        ...

    def signed_at(self, log_id: int, *, size: int) -> list[tuple[int, int]]:
        """List (size, when it was signed) of the checkpoints up to a size."""
        ...

    def cosigned_at(self, log_id: int) -> list[tuple[int, str, int]]:
        """List (size, witness, when it first cosigned)."""
        ...

    def flag_digests(self, log_id: int) -> frozenset[bytes]:
        """List the flags that were raised, by digest."""
        ...

    def put_flag(self, log_id: int, flag: RaisedFlag, digest: bytes) -> bool:
        """Keep a flag; say whether it was new."""
        ...

    def flags(self, log_id: int, *, rule: str | None, member: str | None) -> list[RaisedFlag]:
        """List flags, as they were raised."""
        ...

    def flagged(self, log_id: int, rule: str) -> list[int]:
        """List the indices that flags of a rule name as hits."""
        ...

    def ask_opening(self, opening: SubjectOpening) -> tuple[SubjectOpening, bool]:
        """Store that a person's opening was asked for.

        Returns:
            What stands under its id, and whether it was stored now.
        """
        ...

    def lock_opening(self, opening_id: UUID) -> SubjectOpening | None:
        """Find an opening, for update."""
        ...

    def release_opening(self, opening_id: UUID, *, by: str, at: int) -> None:
        """Release an opening."""
        ...

    def released(self, member: str, subject: str, *, since: int) -> Released | None:
        """Find out whether this pseudonym was released to this authority since then."""
        ...


class MonthStatements(Protocol):
    """Statements about how months of loans were judged."""

    def keep(self, log_id: int, months: Sequence[JudgedMonth], *, size: int) -> None:
        """Keep how months were judged, unless a longer log was judged already."""
        ...

    def all(self, log_id: int) -> list[JudgedMonth]:
        """List how months were judged last, by member and month."""
        ...


class AuditWork(Work, Protocol):
    """A unit of work of the audit."""

    @property
    def audit(self) -> AuditStatements:
        """Statements that read the log for an authority."""
        ...

    @property
    def months(self) -> MonthStatements:
        """Statements about how months of loans were judged."""
        ...

    @property
    def tree(self) -> TreeStatements:
        """Statements about the tree."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPorts:
    """What the audit may touch."""

    ports: Ports
    begin: Callable[[], AbstractContextManager[AuditWork]]
    policy: Policy  # whose cosignatures make a quorum
    parameters: Parameters  # of the flags
    export_entries_max: int
    opening_life_seconds: int  # how long a released pseudonym may be searched by
    embargo_seconds_max: int  # how long a person may be kept from reading that it was opened
