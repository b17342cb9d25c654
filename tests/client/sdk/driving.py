"""One contract for both clients: the asyncio one is driven so that a test reads the same."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias, cast

import httpx2

from exchange_client import AsyncExchange, Exchange, KeyFile, Pins

Drive: TypeAlias = Callable[[KeyFile, Pins, httpx2.BaseTransport], Exchange]


class Served(httpx2.AsyncBaseTransport):
    """A transport that waits, behind a client that does not."""

    def __init__(self, transport: httpx2.BaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Hand one request on, whole."""
        response = self._transport.handle_request(request)
        return httpx2.Response(
            response.status_code, headers=response.headers, content=response.read()
        )


class Driven:
    """The asyncio client, each of its methods carried to its end."""

    def __init__(self, exchange: AsyncExchange, runner: asyncio.Runner) -> None:
        self._exchange = exchange
        self._runner = runner

    def __getattr__(self, name: str) -> object:
        found = getattr(self._exchange, name)
        return self._ending(found) if callable(found) else found

    def _ending(self, method: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **named: object) -> object:
            result = method(*args, **named)
            if isinstance(result, AsyncIterator):
                return iter(self._runner.run(_all_of(result)))
            return self._runner.run(result) if inspect.iscoroutine(result) else result

        return call


async def _all_of(yielded: AsyncIterator[object]) -> list[object]:
    return [one async for one in yielded]


@contextmanager
def driving(client: str) -> Iterator[Drive]:
    """Return how a test opens the client of this kind."""
    with asyncio.Runner() as runner:

        def drive(key: KeyFile, pins: Pins, transport: httpx2.BaseTransport) -> Exchange:
            if client == "waiting":
                return Exchange(key, pins, transport=transport)
            driven = Driven(AsyncExchange(key, pins, transport=Served(transport)), runner)
            return cast("Exchange", driven)  # It answers as one: that is what is tested.

        yield drive
