"""The statements that a unit of work offers, by noun; each noun's own room says what they are."""

from __future__ import annotations

from typing import Protocol

from exchange.services.batches.ports import BatchStatements, StagingStatements
from exchange.services.borrower.ports import BorrowerStatements, FileStatements
from exchange.services.disputes.ports import DisputeStatements
from exchange.services.events.ports import EventStatements
from exchange.services.grants.ports import GrantStatements
from exchange.services.members.ports import MemberStatements
from exchange.services.notices.ports import NoticeStatements
from exchange.services.records.ports import RecordStatements
from exchange.services.retention.ports import RetentionStatements
from exchange.services.security.ports import SecurityStatements
from exchange.services.standing.ports import StandingStatements
from exchange.services.statuses.ports import StatusStatements
from exchange.services.webhooks.ports import WebhookStatements


class Nouns(Protocol):
    """The nouns of a unit of work, but for those of the query's way."""

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
    def batches(self) -> BatchStatements:
        """Statements about record files."""
        ...

    @property
    def staging(self) -> StagingStatements:
        """Statements about the file that this session is at work on."""
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
    def files(self) -> FileStatements:
        """Statements by which borrowers see their own files."""
        ...

    @property
    def borrowers(self) -> BorrowerStatements:
        """Statements about borrowers: passkeys, links, sessions."""
        ...

    @property
    def statuses(self) -> StatusStatements:
        """Statements about status lists."""
        ...

    @property
    def webhooks(self) -> WebhookStatements:
        """Statements about webhooks."""
        ...

    @property
    def events(self) -> EventStatements:
        """Statements about events."""
        ...

    @property
    def retention(self) -> RetentionStatements:
        """Statements about retention."""
        ...

    @property
    def disputes(self) -> DisputeStatements:
        """Statements about disputes and borrowers' statements."""
        ...

    @property
    def standing(self) -> StandingStatements:
        """Statements about members' standing."""
        ...
