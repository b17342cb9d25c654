"""Reading a block ahead: the same elements, in order, and the same errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exchange.errors import InvalidBatch
from exchange.services.read_ahead import read_ahead


def test_elements_come_in_order_and_one_ahead_at_most() -> None:
    """Blocks out of order would give rows another line; many ahead, a worker without memory."""
    made: list[int] = []

    def blocks() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    for number in read_ahead(blocks()):
        assert made[: number + 1] == list(range(number + 1))
        assert len(made) <= number + 2
    assert 5 == len(made)


def test_what_reading_raises_reaches_whoever_uses_it() -> None:
    """A broken line found in another thread must still refuse the file."""

    def blocks() -> Iterator[int]:
        yield 1
        raise InvalidBatch("line 3")

    seen: list[int] = []
    with pytest.raises(InvalidBatch, match="line 3"):
        seen.extend(read_ahead(blocks()))

    assert [1] == seen


def test_whoever_stops_early_leaves_no_reader_behind() -> None:
    """A refused block ends the file's reading too."""
    reading = read_ahead(iter(range(100)))

    first = next(iter(reading))

    reading.close()  # type: ignore[attr-defined]  # it is a generator
    assert 0 == first
