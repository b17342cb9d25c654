"""How much of a machine, or of its container, the embedded PostgreSQL takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.store.embedded.memory import memory_bytes, memory_settings


@pytest.mark.parametrize(
    ("gib", "pages", "log"), [(0.5, 128, 8), (2, 256, 16), (8, 1024, 64), (64, 2048, 64)]
)
def test_a_server_takes_an_eighth_of_the_memory(gib: float, pages: int, log: int) -> None:
    """With too little a large stock makes files slow; with too much the machine has none left."""
    told = memory_settings(int(gib * (1 << 30)))

    assert [f"shared_buffers = {pages}MB", f"wal_buffers = {log}MB"] == told.splitlines()[:2]


def test_a_container_has_the_memory_that_it_was_given(tmp_path: Path) -> None:
    """A server that counts on its host's memory is killed in a small container."""
    (tmp_path / "old").write_text("9223372036854771712\n")
    (tmp_path / "given").write_text("268435456\n")
    (tmp_path / "free").write_text("max\n")
    places = [tmp_path / name for name in ("absent", "old", "free")]

    machine = memory_bytes([])

    assert [machine, 1 << 28] == [memory_bytes(places), memory_bytes([*places, tmp_path / "given"])]
