"""What a member answers for: disputes, watches, its own people; mixed into the two clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from exchange_client.core import granting, staffing
from exchange_client.core.calls import Flow
from exchange_client.core.encoding import JSON
from exchange_client.core.records import disputing, reporting, watching
from exchange_client.core.records.disputing import Dispute, DisputeAnswer, DisputeOpening
from exchange_client.core.records.reporting import QualityReport
from exchange_client.core.records.watching import NewWatch, Watch
from exchange_client.core.setup import Desk
from exchange_client.grants import Grant
from exchange_client.identifiers import Identifier

T = TypeVar("T")


class _Runs(Protocol):
    _desk: Desk

    def _run(self, flow: Flow[T]) -> T: ...


class _RunsLater(Protocol):
    _desk: Desk

    async def _run(self, flow: Flow[T]) -> T: ...


class Standing:
    """Disputes and standing, for the client that waits."""

    def open_dispute(self: _Runs, opening: DisputeOpening) -> Dispute:
        """Open a dispute for a borrower of one's own: the flag travels from its commit on."""
        return self._run(disputing.open_dispute(opening))

    def disputes(self: _Runs, *, state: str | None = None, overdue: bool = False) -> list[Dispute]:
        """List disputes about one's own records."""
        return self._run(disputing.list_disputes(state=state, overdue=overdue))

    def dispute(self: _Runs, dispute_id: str) -> Dispute:
        """Fetch one dispute with everything that was said in it."""
        return self._run(disputing.show_dispute(dispute_id))

    def answer_dispute(self: _Runs, dispute_id: str, answer: DisputeAnswer) -> Dispute:
        """Answer a dispute, its correction in the same call."""
        return self._run(disputing.answer_dispute(self._desk, dispute_id, answer))

    def close_dispute(self: _Runs, dispute_id: str, *, agreed: bool) -> Dispute:
        """Relay that the borrower does not agree, or that a correction settled it."""
        return self._run(disputing.close_dispute(dispute_id, agreed=agreed))

    def relay_facts(self: _Runs, dispute_id: str, text: str, *, reopen: bool = False) -> Dispute:
        """Relay new facts; with `reopen` they open a closed dispute again."""
        return self._run(disputing.relay_facts(dispute_id, text, reopen=reopen))

    def make_statement(
        self: _Runs, account_ref: str, text: str, statement_id: str | None = None
    ) -> str:
        """Relay a statement of one's own borrower; return its id."""
        return self._run(disputing.make_statement(account_ref, text, statement_id))

    def add_watch(self: _Runs, new: NewWatch) -> Watch:
        """Watch the borrower of an own open account; `events()` tells what changes elsewhere."""
        return self._run(watching.add_watch(self._desk, new))

    def watches(self: _Runs) -> list[Watch]:
        """List the member's watches, ended ones for a while."""
        return self._run(watching.list_watches())

    def watch(self: _Runs, watch_id: str) -> Watch:
        """Fetch one watch."""
        return self._run(watching.show_watch(watch_id))

    def renew_watch(self: _Runs, watch_id: str, grant: str | None = None) -> Watch:
        """Let a watch live on from now, under its grant or another one."""
        return self._run(watching.renew_watch(watch_id, grant))

    def remove_watch(self: _Runs, watch_id: str) -> Watch:
        """End a watch; that is a leaf and no event."""
        return self._run(watching.remove_watch(watch_id))

    def list_staff(self: _Runs, people: Iterable[Identifier]) -> str:
        """Replace the list of one's own people, looks at whom are flagged; return its leaf."""
        return self._run(staffing.list_staff(self._desk, people))

    def request_grant(self: _Runs, grant: Grant, identifier: Identifier) -> Mapping[str, JSON]:
        """Request a grant that its subject signs as well: pass the answer's `link` on to them."""
        return self._run(granting.request(self._desk, grant, identifier))

    def show_evidence(self: _Runs, grant_id: str, content: bytes) -> Mapping[str, JSON]:
        """Send the evidence that was asked for (`GRANT_EVIDENCE_ASKED`); its bytes are not kept."""
        return self._run(granting.show_evidence(grant_id, content))

    def confirm_stop(self: _Runs, grant_id: str) -> Mapping[str, JSON]:
        """Confirm that one stopped using what an ended grant allowed, as one was told to."""
        return self._run(granting.rest(grant_id, "confirm-stop"))

    def data_quality(self: _Runs) -> list[QualityReport]:
        """Fetch how well one contributes, by month, and what that earns."""
        return self._run(reporting.fetch_quality())


class AsyncStanding:
    """Disputes and standing, for asyncio."""

    async def open_dispute(self: _RunsLater, opening: DisputeOpening) -> Dispute:
        """Open a dispute for a borrower of one's own: the flag travels from its commit on."""
        return await self._run(disputing.open_dispute(opening))

    async def disputes(
        self: _RunsLater, *, state: str | None = None, overdue: bool = False
    ) -> list[Dispute]:
        """List disputes about one's own records."""
        return await self._run(disputing.list_disputes(state=state, overdue=overdue))

    async def dispute(self: _RunsLater, dispute_id: str) -> Dispute:
        """Fetch one dispute with everything that was said in it."""
        return await self._run(disputing.show_dispute(dispute_id))

    async def answer_dispute(self: _RunsLater, dispute_id: str, answer: DisputeAnswer) -> Dispute:
        """Answer a dispute, its correction in the same call."""
        return await self._run(disputing.answer_dispute(self._desk, dispute_id, answer))

    async def close_dispute(self: _RunsLater, dispute_id: str, *, agreed: bool) -> Dispute:
        """Relay that the borrower does not agree, or that a correction settled it."""
        return await self._run(disputing.close_dispute(dispute_id, agreed=agreed))

    async def relay_facts(
        self: _RunsLater, dispute_id: str, text: str, *, reopen: bool = False
    ) -> Dispute:
        """Relay new facts; with `reopen` they open a closed dispute again."""
        return await self._run(disputing.relay_facts(dispute_id, text, reopen=reopen))

    async def make_statement(
        self: _RunsLater, account_ref: str, text: str, statement_id: str | None = None
    ) -> str:
        """Relay a statement of one's own borrower; return its id."""
        return await self._run(disputing.make_statement(account_ref, text, statement_id))

    async def add_watch(self: _RunsLater, new: NewWatch) -> Watch:
        """Watch the borrower of an own open account; `events()` tells what changes elsewhere."""
        return await self._run(watching.add_watch(self._desk, new))

    async def watches(self: _RunsLater) -> list[Watch]:
        """List the member's watches, ended ones for a while."""
        return await self._run(watching.list_watches())

    async def watch(self: _RunsLater, watch_id: str) -> Watch:
        """Fetch one watch."""
        return await self._run(watching.show_watch(watch_id))

    async def renew_watch(self: _RunsLater, watch_id: str, grant: str | None = None) -> Watch:
        """Let a watch live on from now, under its grant or another one."""
        return await self._run(watching.renew_watch(watch_id, grant))

    async def remove_watch(self: _RunsLater, watch_id: str) -> Watch:
        """End a watch; that is a leaf and no event."""
        return await self._run(watching.remove_watch(watch_id))

    async def list_staff(self: _RunsLater, people: Iterable[Identifier]) -> str:
        """Replace the list of one's own people, looks at whom are flagged; return its leaf."""
        return await self._run(staffing.list_staff(self._desk, people))

    async def request_grant(
        self: _RunsLater, grant: Grant, identifier: Identifier
    ) -> Mapping[str, JSON]:
        """Request a grant that its subject signs as well: pass the answer's `link` on to them."""
        return await self._run(granting.request(self._desk, grant, identifier))

    async def show_evidence(self: _RunsLater, grant_id: str, content: bytes) -> Mapping[str, JSON]:
        """Send the evidence that was asked for (`GRANT_EVIDENCE_ASKED`); its bytes are not kept."""
        return await self._run(granting.show_evidence(grant_id, content))

    async def confirm_stop(self: _RunsLater, grant_id: str) -> Mapping[str, JSON]:
        """Confirm that one stopped using what an ended grant allowed, as one was told to."""
        return await self._run(granting.rest(grant_id, "confirm-stop"))

    async def data_quality(self: _RunsLater) -> list[QualityReport]:
        """Fetch how well one contributes, by month, and what that earns."""
        return await self._run(reporting.fetch_quality())
