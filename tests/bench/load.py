"""A light load generator: prepared requests over kept connections, one thread, no parsing."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_CHUNK = 1 << 20
_SECONDS_MAX = 60.0  # without any answer


@dataclass(slots=True)
class _Lane:
    sock: socket.socket
    due: float = 0.0
    buffer: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one round measured."""

    seconds: float
    latencies: tuple[float, ...]  # seconds, in order of completion
    generator_cpu_seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds


def drive(
    port: int, requests: Sequence[bytes], *, connections: int, per_second: float | None = None
) -> Load:
    """Send every request once over a few kept connections.

    Args:
        per_second: when given, requests fall due at this pace whether or not the server keeps up,
            and a latency counts from there; else each lane sends as soon as it is answered.

    Raises:
        RuntimeError: a response is not 200.
    """
    lanes = [
        _Lane(socket.create_connection(("127.0.0.1", port), timeout=_SECONDS_MAX))
        for _ in range(connections)
    ]
    cpu, began = time.process_time(), time.perf_counter()
    latencies = tuple(_run(lanes, requests, per_second))
    seconds = time.perf_counter() - began
    for lane in lanes:
        lane.sock.close()
    return Load(
        seconds=seconds,
        latencies=latencies,
        generator_cpu_seconds=time.process_time() - cpu,
    )


def _run(
    lanes: list[_Lane], requests: Sequence[bytes], per_second: float | None
) -> Iterator[float]:
    """Yield each request's latency as it is answered."""
    began, sent, answered = time.perf_counter(), 0, 0
    idle = list(lanes)
    with selectors.DefaultSelector() as selector:
        for lane in lanes:
            selector.register(lane.sock, selectors.EVENT_READ, lane)
        while answered < len(requests):
            wait = _SECONDS_MAX
            while idle and sent < len(requests):
                now = time.perf_counter()
                due = began + sent / per_second if per_second else now
                if due > now:
                    wait = due - now
                    break
                _send(idle.pop(), requests[sent], due)
                sent += 1
            for key, _ in selector.select(wait):
                if _receive(key.data):
                    yield time.perf_counter() - key.data.due
                    idle.append(key.data)
                    answered += 1


def _send(lane: _Lane, request: bytes, due: float) -> None:
    lane.buffer.clear()
    lane.due = due
    lane.sock.sendall(request)


def _receive(lane: _Lane) -> bool:
    """Read what is there; say whether the response is whole."""
    chunk = lane.sock.recv(_CHUNK)
    if not chunk:
        raise RuntimeError("the server closed the connection")
    lane.buffer += chunk
    head = lane.buffer.find(b"\r\n\r\n")
    if head < 0:
        return False
    if not lane.buffer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"refused: {bytes(lane.buffer[:600])!r}")
    length = lane.buffer[:head].lower().find(b"content-length:")
    end = lane.buffer.find(b"\r\n", length)
    return len(lane.buffer) >= head + 4 + int(lane.buffer[length + 15 : end])
