"""Send files in parts, and look at what became of them."""

from __future__ import annotations

import hashlib

from werkzeug.test import TestResponse

from tests.support.record_desk import RecordDesk

PART = "application/octet-stream"


def rows_of(desk: RecordDesk, count: int = 4) -> list[dict[str, object]]:
    """Return rows about accounts of one subject."""
    return [desk.clean(1, f"acc-{number}") for number in range(count)]


def batch_of(content: bytes) -> str:
    """Return the id in a file's header."""
    return "bat_" + content.split(b'"batch_id":"bat_')[1][:32].decode()


def part(
    desk: RecordDesk, content: bytes, start: int, end: int, sent: bytes | None = None
) -> TestResponse:
    """Send the bytes from start to end of a file, or of its packed form."""
    wire = content if sent is None else sent
    query = (
        f"batch={batch_of(content)}&offset={start}&total={len(wire)}"
        f"&sha256={hashlib.sha256(content).hexdigest()}"
    )
    return desk.post("POST", f"/v1/batches?{query}", wire[start:end], PART)


def state(desk: RecordDesk, content: bytes) -> dict[str, object]:
    """Look at a file."""
    shown = desk.send("GET", f"/v1/batches/{batch_of(content)}").get_json()
    assert isinstance(shown, dict)
    return shown
