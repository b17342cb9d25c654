"""An exchange that lies, and a wire that does: every call of the SDK ends, and in an outage."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import NamedTuple

import httpx2
import pytest

from exchange_client import AsyncExchange, Exchange
from exchange_client.batches import sending
from exchange_client.batches.files import BatchFile, BatchHeader, build
from exchange_client.core import http
from exchange_client.core.calls import JSON_TYPE
from exchange_client.core.encoding import dumps
from exchange_client.core.ids import new_id
from exchange_client.core.retrying import Patience
from exchange_client.errors import Outage, Refused, Unreachable, UnverifiedResponse
from exchange_client.testing import FakeExchange
from exchange_client.testing.messages import authenticate, signed_headers
from exchange_client.testing.refusals import Answered
from exchange_client.testing.world import PUBLIC_BASE

ONCE = Patience(deadline_seconds=0.05, try_seconds=1.0, tries=1)
MEMBER = "lender-a"


@pytest.fixture(scope="module")
def fake() -> FakeExchange:
    """An exchange whose keys lie."""
    return FakeExchange()


def liar(
    fake: FakeExchange, says: Callable[[httpx2.Request], bytes], status: int = 200
) -> Exchange:
    """Open the SDK at an exchange that signs, with its own key, whatever a test makes it say."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        caller = authenticate(request, PUBLIC_BASE, fake.world.members.get, fake.clock())
        answered = Answered(status=status, body=says(request), content_type=JSON_TYPE)
        headers = signed_headers(answered, caller, fake.world.keys["response"], fake.clock())
        return httpx2.Response(status, content=answered.body, headers=headers)

    wire = httpx2.MockTransport(answer)
    return Exchange(fake.key(MEMBER), fake.pins, transport=wire, clock=fake.clock)


def file() -> BatchFile:
    """Return a batch of one row."""
    header = BatchHeader(
        batch_id=new_id("bat"), member=MEMBER, epoch="ep_1", profile="cn@1", sequence=1, created=1
    )
    return build(header, [{"as_of": "2026-01-31"}])


def state(**changes: object) -> bytes:
    """Say how a file stands."""
    return dumps({"state": "RECEIVING", "received_bytes": 0, "rows": 1, "rows_done": 0} | changes)


class Lie(NamedTuple):
    """What the exchange says to everything, and what the member does."""

    says: bytes
    call: Callable[[Exchange], object]


BATCH = new_id("bat")
EVENT = {"event_id": new_id("evt"), "kind": "GRANT_WITHDRAWN", "made_at": 1, "facts": {}}
LIES: Mapping[str, Lie] = {
    "no byte has arrived": Lie(state(), lambda one: one.upload(file())),
    "more arrived than there is": Lie(
        state(received_bytes=1 << 40), lambda one: one.upload(file())
    ),
    "all arrived and it still waits": Lie(
        state(received_bytes=len(file().sent)), lambda one: one.upload(file())
    ),
    "a number that is a text": Lie(state(received_bytes="5"), lambda one: one.upload(file())),
    "done, and no receipt": Lie(state(state="DONE"), lambda one: one.upload(file())),
    "the same faults again": Lie(b'{"line":2}\n{"line":2}\n', lambda one: one.faults(BATCH)),
    "faults without order": Lie(b'{"line":3}\n{"line":2}\n', lambda one: one.faults(BATCH)),
    "the same accounts again": Lie(
        dumps({"account_refs": ["acc-1"]}), lambda one: one.absent(BATCH)
    ),
    "more events, but none": Lie(
        dumps({"events": [], "has_more": True}), lambda one: list(one.events())
    ),
    "the same events again": Lie(
        dumps({"events": [EVENT], "has_more": True}), lambda one: list(one.events())
    ),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_no_signed_answer_keeps_a_call_going_for_ever(
    fake: FakeExchange, lie: Lie, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A nightly job that never ends reports nothing, and nobody hears that it does not."""
    monkeypatch.setattr(sending, "WHOLE_BYTES_MAX", 0)
    monkeypatch.setattr(sending, "PART_BYTES", 100)

    with pytest.raises(UnverifiedResponse), liar(fake, lambda _: lie.says) as exchange:
        lie.call(exchange)


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (409, dumps({"code": "batch.conflict", "detail": "x"}), "batch.conflict"),
        (
            200,
            state(state="REJECTED", refusal={"code": "batch.totals", "detail": "x"}),
            "batch.totals",
        ),
    ],
)
def test_a_file_that_is_refused_while_it_arrives_is_refused(
    fake: FakeExchange, status: int, said: bytes, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lender must not send the rest of a file that will never be taken, nor think it was."""
    monkeypatch.setattr(sending, "WHOLE_BYTES_MAX", 0)

    with pytest.raises(Refused) as refused, liar(fake, lambda _: said, status) as exchange:
        exchange.upload(file())

    assert code == refused.value.code


def test_a_file_that_is_never_worked_off_is_waited_for_for_hours_and_not_for_ever(
    fake: FakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is down all night must be heard of in the morning."""
    monkeypatch.setattr(sending, "PAUSE_SECONDS", 0)
    looks = 0

    def says(_: httpx2.Request) -> bytes:
        nonlocal looks
        looks += 1
        fake.clock.advance(seconds=sending.WAIT_SECONDS_MAX // 2)
        return state(state="QUEUED")

    with pytest.raises(Outage, match="send it again"), liar(fake, says) as exchange:
        exchange.upload(file())

    assert 3 == looks


class Dripping(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body of which a byte comes in now and then, and never the last."""

    def __iter__(self) -> Iterator[bytes]:
        while True:
            time.sleep(0.01)
            yield b" "

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


class Answering(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """A wire on which somebody else answers."""

    def __init__(self, answer: Callable[[], httpx2.Response]) -> None:
        self._answer = answer

    def handle_request(self, _: httpx2.Request) -> httpx2.Response:
        """Answer at once."""
        return self._answer()

    async def handle_async_request(self, _: httpx2.Request) -> httpx2.Response:
        """Answer at once."""
        return self._answer()


def packed(content: bytes) -> httpx2.Response:
    """Return a packed body."""
    stream = httpx2.ByteStream(content)
    return httpx2.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream)


WIRES: Mapping[str, tuple[type[Outage], Callable[[], httpx2.Response]]] = {
    "drips": (Unreachable, lambda: httpx2.Response(200, stream=Dripping())),
    "is long": (UnverifiedResponse, lambda: httpx2.Response(200, content=bytes(1_001))),
    "is packed": (UnverifiedResponse, lambda: packed(gzip.compress(bytes(1_000)))),
    "is packed wrongly": (UnverifiedResponse, lambda: packed(b"no gzip")),
    "leads elsewhere": (
        UnverifiedResponse,
        lambda: httpx2.Response(307, headers={"Location": "https://elsewhere.example/"}),
    ),
}


@pytest.mark.parametrize("client", ["waiting", "asyncio"])
@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES.keys())
def test_what_nobody_signed_is_read_within_limits(
    fake: FakeExchange,
    client: str,
    wire: tuple[type[Outage], Callable[[], httpx2.Response]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever stands between lender and exchange must not fill its memory or hold its threads."""
    expected, answer = wire
    monkeypatch.setattr(http, "BODY_BYTES_MAX", 1_000)

    with pytest.raises(expected) as refused:
        ask(client, fake, Answering(answer))

    assert expected is type(refused.value)


def ask(client: str, fake: FakeExchange, wire: Answering) -> None:
    """Ask for a grant, once."""
    key, grant = fake.key(MEMBER), new_id("gnt")

    async def wait() -> None:
        async with AsyncExchange(key, fake.pins, transport=wire, patience=ONCE) as sdk:
            await sdk.grant(grant)

    if client == "asyncio":
        asyncio.run(wait())
        return
    with Exchange(key, fake.pins, transport=wire, patience=ONCE) as sdk:
        sdk.grant(grant)
