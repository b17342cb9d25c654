"""The same front door for asyncio: `sync.py` says what each method does.

    async with AsyncExchange("member.key.json", "exchange.pins.json") as exchange:
        answer = await exchange.query(identifier, purpose="credit_application", grant=grant_id)

Both carry out the same flows; a test holds their methods equal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx2
import stamina

from exchange_client.answers import Answer
from exchange_client.batches import flows as batches
from exchange_client.batches import sending
from exchange_client.batches.files import BatchFile, UploadOptions
from exchange_client.batches.flows import RowFault
from exchange_client.batches.receipts import BatchReceipt, RecordReceipt
from exchange_client.batches.rows import Row, subject_of
from exchange_client.client.standing import AsyncStanding
from exchange_client.core import asking, disbursing, following, granting, proving
from exchange_client.core.asking import Asking, Question
from exchange_client.core.calls import Call, Flow, Reply
from exchange_client.core.disbursing import Disbursement
from exchange_client.core.encoding import JSON
from exchange_client.core.following import Event
from exchange_client.core.http import Incoming, asked, unreachable
from exchange_client.core.ids import new_id
from exchange_client.core.proving import ProvenReceipt
from exchange_client.core.setup import Settings, set_up
from exchange_client.errors import CxError, Refused
from exchange_client.grants import Grant
from exchange_client.identifiers import Identifier
from exchange_client.keys import KeyFile
from exchange_client.log.gossip import Gossip
from exchange_client.pins import Pins
from exchange_client.receipts import Receipt
from exchange_client.statuses import StatusList

T = TypeVar("T")


class AsyncExchange(AsyncStanding):
    """One member's connection to one pinned exchange, for one event loop.

    Args:
        key: the member's key, or its file.
        pins: what is pinned of the exchange, or its file.
        transport: of httpx2, for tests and proxies.
        settings: see `Settings`.

    Raises:
        KeyFileError, PinError, UsageError: they cannot be used, or not together.
    """

    def __init__(
        self,
        key: KeyFile | Path | str,
        pins: Pins | Path | str,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        self._setup = set_up(key, pins, settings)
        self._desk = self._setup.desk
        self._http = httpx2.AsyncClient(
            transport=transport, trust_env=False, follow_redirects=False
        )

    @property
    def member(self) -> str:
        """The member that asks."""
        return self._desk.member

    @property
    def pins(self) -> Pins:
        """What is pinned of the exchange."""
        return self._desk.pins

    async def query(
        self, identifiers: Identifier | Sequence[Identifier], **asking_: Unpack[Asking]
    ) -> Answer:
        """Ask whether a subject is delinquent at other members.

        Args:
            identifiers: of one subject: 1 to 3 identities, primary first, then at most one mobile.
            asking_: see `Asking`; the purpose is always needed.

        Raises:
            Outage: no answer was had. Refused: the question was not taken.
            ReceiptInvalid: what came back proves nothing.
        """
        return await self.ask(Question(identifiers=subject_of(identifiers), **asking_))

    async def ask(self, question: Question) -> Answer:
        """Ask a question that was made before; the same question again is the same look."""
        return await self._run(asking.ask(self._desk, question))

    async def query_batch(self, questions: Sequence[Question]) -> list[Answer]:
        """Ask many questions, up to 1,000 under one signature; the answers are in their order."""
        return await self._run(asking.ask_many(self._desk, questions))

    async def answer(self, query_id: str) -> Answer:
        """Fetch the answer that this query id was given before."""
        return await self._run(asking.find(self._desk, query_id))

    async def upload(
        self,
        rows: Iterable[Row] | BatchFile,
        *,
        on_progress: sending.OnProgress | None = None,
        **options: Unpack[UploadOptions],
    ) -> BatchReceipt:
        """Report a batch of records.

        Args:
            rows: rows with `identifiers`, or a batch that was prepared before.
            on_progress: told how far it has come.
            options: see `UploadOptions`.
        """
        if isinstance(rows, BatchFile):
            return await self._run(sending.send(self._desk, rows, on_progress))
        return await self._run(batches.upload(self._desk, rows, options, on_progress))

    async def prepare_batch(
        self, rows: Iterable[Row], **options: Unpack[UploadOptions]
    ) -> BatchFile:
        """Build a batch without sending it: keep it, and the same batch can be sent again."""
        return await self._run(batches.prepare(self._desk, rows, options))

    async def faults(self, batch_id: str) -> list[RowFault]:
        """Fetch what was wrong with the rows of a batch."""
        return await self._run(batches.fetch_faults(batch_id))

    async def absent(self, batch_id: str) -> list[str]:
        """Fetch the open accounts that a FULL batch did not mention: none of them was closed."""
        return await self._run(batches.fetch_absent(batch_id))

    async def disburse(self, told: Disbursement) -> RecordReceipt:
        """Report that a loan was paid out, and by which look it was decided."""
        return await self._run(disbursing.disburse(self._desk, told))

    async def put_record(self, row: Row) -> RecordReceipt:
        """Report one account."""
        return await self._run(batches.put_record(self._desk, row))

    async def delete_record(self, account_ref: str, reason: str) -> RecordReceipt:
        """Withdraw everything said about one account: DELETE_ERROR or DELETE_FRAUD."""
        return await self._run(batches.delete_record(self._desk, account_ref, reason))

    async def register_grant(self, grant: Grant, identifier: Identifier) -> Mapping[str, JSON]:
        """Register a grant, bound to its subject's current token."""
        return await self._run(granting.register(self._desk, grant, identifier))

    async def withdraw_grant(self, grant_id: str) -> Mapping[str, JSON]:
        """Relay the subject's withdrawal: the next question under this grant is refused."""
        return await self._run(granting.withdraw(grant_id))

    async def pause_grant(self, grant_id: str) -> Mapping[str, JSON]:
        """Relay the subject's wish to pause a grant: the next question under it is refused."""
        return await self._run(granting.rest(grant_id, "pause"))

    async def resume_grant(self, grant_id: str) -> Mapping[str, JSON]:
        """Relay the subject's wish to let a grant go on that they paused."""
        return await self._run(granting.rest(grant_id, "resume"))

    async def notices(self) -> list[Mapping[str, JSON]]:
        """Fetch the notices; a grant names the digest of a live one that the borrower was shown."""
        return await self._run(granting.notices())

    async def grant(self, grant_id: str) -> Mapping[str, JSON]:
        """Fetch a grant's state."""
        return await self._run(granting.show(grant_id))

    async def events(self, after: str | None = None) -> AsyncIterator[Event]:
        """Yield what the member was told since the event it holds, oldest first, to the newest."""
        more = True
        while more:
            page = await self._run(following.events(after))
            for event in page.events:
                yield event
            after, more = page.events[-1].event_id if page.events else after, page.more

    async def add_webhook(self, url: str, *, webhook_id: str | None = None) -> Mapping[str, JSON]:
        """Register an endpoint to be rung at; the answer holds the secret it is signed under."""
        return await self._run(following.add_webhook(webhook_id or new_id("whk"), url))

    async def webhooks(self) -> list[Mapping[str, JSON]]:
        """List the member's endpoints."""
        return await self._run(following.list_webhooks())

    async def remove_webhook(self, webhook_id: str) -> Mapping[str, JSON]:
        """Forget an endpoint, its secrets and its deliveries."""
        return await self._run(following.remove_webhook(webhook_id))

    async def rotate_webhook(self, webhook_id: str) -> Mapping[str, JSON]:
        """Make a new secret; the one before stays live beside it until the next."""
        return await self._run(following.rotate_webhook(webhook_id, new_id("whk")))

    async def replay_webhook(self, webhook_id: str, first: str, last: str) -> Mapping[str, JSON]:
        """Let the events from the first to the last, both included, ring again."""
        return await self._run(following.replay_webhook(webhook_id, first, last))

    async def status_list(self, number: int) -> StatusList:
        """Fetch and verify a signed status list."""
        return await self._run(following.status_list(self._desk, number))

    async def receipt_proof(self, receipt: Receipt, *, wait_seconds: int = 0) -> ProvenReceipt:
        """Fetch and verify the proof that a receipt's leaf is in the log.

        Raises:
            NotYetLogged: not within that time. InclusionInvalid: not in the pinned log.
        """
        return await self._run(proving.redeem(self._desk, receipt, wait_seconds))

    async def wait_final(self, receipt: Receipt) -> ProvenReceipt:
        """The same with a quorum of witnesses, waiting as long as the receipt promises.

        Base no decision on a receipt before.
        """
        mmd = receipt.claims.mmd
        return await self._run(proving.redeem(self._desk, receipt, mmd, final=True))

    async def audit(self, flow: Flow[T]) -> T:
        """Carry out one of a regulator's flows, made by `exchange_client.audit.flows`."""
        return await self._run(flow)

    @property
    def gossip(self) -> Gossip:
        """What log this member was shown; let it learn what others were."""
        return self._desk.gossip

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _run(self, flow: Flow[T]) -> T:
        """Carry out a flow: make each call it asks for, and hand it the reply."""
        try:
            call = next(flow)
            while True:
                try:
                    reply = await self._call(call)
                except Refused as refused:  # A flow may know what a refusal means.
                    call = flow.throw(refused)
                else:
                    call = flow.send(reply)
        except StopIteration as done:
            result: T = done.value
            return result

    async def _call(self, call: Call) -> Reply:
        await asyncio.sleep(call.pause_seconds)
        deadline = self._setup.patience.start()
        async for attempt in stamina.retry_context(
            on=deadline.again,
            attempts=self._setup.patience.tries,
            timeout=self._setup.patience.deadline_seconds,
        ):
            with attempt:
                return await self._try(call, deadline.try_seconds())
        raise CxError("no try was made")  # Unreachable: the last try returns or raises.

    async def _try(self, call: Call, seconds: float) -> Reply:
        outgoing = self._setup.session.sign(call)
        try:
            async with self._http.stream(**asked(outgoing, seconds)) as response:
                incoming = Incoming(response, self._setup.patience.deadline_seconds)
                async for part in response.aiter_bytes():
                    incoming.add(part)
        except httpx2.RequestError as error:
            raise unreachable(error) from error
        return self._setup.session.accept(call, outgoing, incoming.whole())
