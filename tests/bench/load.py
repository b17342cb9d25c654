"""A light load generator: prepared requests over kept connections, one thread, no parsing."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

_CHUNK = 1 << 20


@dataclass(slots=True)
class _Lane:
    sock: socket.socket
    sent_at: float = 0.0
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


def drive(port: int, requests: Sequence[bytes], *, connections: int) -> Load:
    """Send every request once, each lane its next one as soon as the last is answered.

    Raises:
        RuntimeError: a response is not 200.
    """
    selector = selectors.DefaultSelector()
    waiting = iter(requests)
    lanes = [
        _Lane(socket.create_connection(("127.0.0.1", port), timeout=60)) for _ in range(connections)
    ]
    latencies: list[float] = []
    cpu, began = time.process_time(), time.perf_counter()
    active = 0
    for lane in lanes:
        if (first := next(waiting, None)) is not None:
            selector.register(lane.sock, selectors.EVENT_READ, lane)
            _send(lane, first)
            active += 1
    while active:
        for key, _ in selector.select(60):
            lane = key.data
            if not _receive(lane):
                continue
            latencies.append(time.perf_counter() - lane.sent_at)
            if (following := next(waiting, None)) is None:
                selector.unregister(lane.sock)
                active -= 1
            else:
                _send(lane, following)
    seconds = time.perf_counter() - began
    for lane in lanes:
        lane.sock.close()
    return Load(
        seconds=seconds,
        latencies=tuple(latencies),
        generator_cpu_seconds=time.process_time() - cpu,
    )


def _send(lane: _Lane, request: bytes) -> None:
    lane.buffer.clear()
    lane.sent_at = time.perf_counter()
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
    length = lane.buffer.lower().find(b"content-length:")
    end = lane.buffer.find(b"\r\n", length)
    return len(lane.buffer) >= head + 4 + int(lane.buffer[length + 15 : end])
