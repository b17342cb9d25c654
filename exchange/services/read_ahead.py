"""Read the next block while this one is judged: an iterator that runs in a thread of its own.

A worker waits for PostgreSQL a quarter of its time, and reading needs no PostgreSQL. One element
lies ready at most, so memory stays flat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Element = TypeVar("Element")


def read_ahead(elements: Iterable[Element]) -> Iterator[Element]:
    """Yield the elements, each made while the one before it is used; raise what making raises."""
    source = iter(elements)
    end = object()
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(next, source, end)
        while (element := coming.result()) is not end:
            coming = reader.submit(next, source, end)
            yield element  # type: ignore[misc]  # the end is the only other object
