"""What every service may touch: the unit of work and what stands around it.

`app` picks the concrete classes. Everything a service touches comes in through `Ports`; time is
read once at its start. Each noun's own `ports.py` says what its statements are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

from consent.profiles import Profile
from exchange.crypto.keyring import Keyring
from exchange.crypto.oprf import Evaluation
from exchange.crypto.sealing import Sealer
from exchange.services.batches.ports import (
    BatchStatements,
    BatchTerms,
    StagingStatements,
)
from exchange.services.borrower.statements import BorrowerStatements, FileStatements
from exchange.services.disbursements.ports import DisbursementStatements
from exchange.services.disputes.ports import DisputeStatements
from exchange.services.events.ports import CorrectionStatements, EventStatements
from exchange.services.grants.ports import GrantStatements
from exchange.services.log.leaf_ports import LogStatements
from exchange.services.members.ports import MemberStatements
from exchange.services.notices.ports import NoticeStatements
from exchange.services.operators.ports import OperatorStatements
from exchange.services.queries.ports import QueryQuotas, QueryStatements
from exchange.services.records.ports import RecordStatements, TransferStatements
from exchange.services.reports.ports import ReportStatements
from exchange.services.retention.ports import RetentionStatements
from exchange.services.seats.ports import SeatStatements
from exchange.services.security.ports import SecurityStatements
from exchange.services.standing.ports import StandingStatements
from exchange.services.statuses.ports import StatusStatements
from exchange.services.watches.ports import WatchStatements
from exchange.services.webhooks.ports import WebhookStatements


class Work(Protocol):
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
    def transfers(self) -> TransferStatements:
        """Statements about the two sides of a sale."""
        ...

    @property
    def batches(self) -> BatchStatements:
        """Statements about record files."""
        ...

    @property
    def staging(self) -> StagingStatements:
        """Statements about the file that this session is at work on."""
        ...

    @property
    def corrections(self) -> CorrectionStatements:
        """Statements about the corrections of that file."""
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
    def operators(self) -> OperatorStatements:
        """Statements about operators' keys."""
        ...

    @property
    def seats(self) -> SeatStatements:
        """Statements about seats at the console."""
        ...

    @property
    def security(self) -> SecurityStatements:
        """Statements about security events."""
        ...

    @property
    def standing(self) -> StandingStatements:
        """Statements about members' standing."""
        ...

    @property
    def retention(self) -> RetentionStatements:
        """Statements about retention."""
        ...

    @property
    def reports(self) -> ReportStatements:
        """Statements about the consortium's reports."""
        ...

    @property
    def events(self) -> EventStatements:
        """Statements about events."""
        ...

    @property
    def webhooks(self) -> WebhookStatements:
        """Statements about webhooks."""
        ...

    @property
    def watches(self) -> WatchStatements:
        """Statements about watches."""
        ...

    @property
    def statuses(self) -> StatusStatements:
        """Statements about status lists."""
        ...

    @property
    def borrowers(self) -> BorrowerStatements:
        """Statements about borrowers: passkeys, links, sessions."""
        ...

    @property
    def files(self) -> FileStatements:
        """Statements by which borrowers see their own files."""
        ...

    def attempt(self) -> AbstractContextManager[None]:
        """Undo what is written within the block, and that alone, where the block raises."""
        ...

    def commit(self) -> None:
        """Make everything durable; nothing may be written afterwards."""
        ...


class Session(Protocol):
    """One connection for as long as a file is at work: its units of work share what is staged."""

    def begin(self) -> AbstractContextManager[Work]:
        """Open a unit of work."""
        ...

    def queue(self, member: str) -> AbstractContextManager[None]:
        """Let one small file of the member pass after the other."""
        ...

    def claim(self, member: str) -> bool:
        """Take the member's turn, until `release` or the session's end; False if it is taken."""
        ...

    def release(self, member: str) -> None:
        """Give the member's turn back."""
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


@lru_cache(maxsize=64)  # asked several times for each leaf of a transaction
def log_origin(domain: str, now: int, restart: str) -> str:
    """Name the log of the calendar year (UTC) that this time lies in.

    Args:
        restart: the name of the log that took a year's place, such as `2026-r1`; "" if none did.
    """
    year = f"{datetime.fromtimestamp(now, UTC).year}"
    return f"{domain}/access/{restart if restart.startswith(year) else year}"
