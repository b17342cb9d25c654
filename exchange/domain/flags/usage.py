"""Rules over what the exchange says of itself: daily usage, checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exchange.domain.flags.events import Event, Flag
from exchange.domain.flags.rule import Numbers


class Evaluations:
    """enumeration/1: a member evaluates far more than it asks or reports."""

    def __init__(self, numbers: Numbers) -> None:
        self._percent = numbers["evaluations_percent"]

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        said = event.numbers
        if said is None:
            return
        asked = said.get("queries", 0) + said.get("rows", 0)
        if said.get("evaluations", 0) * 100 > self._percent * asked:
            yield Flag.of("enumeration/1", event.member, [event])


class Unredeemed:
    """silent/1: a member leaves its receipts unproven, so that nobody would notice."""

    def __init__(self, numbers: Numbers) -> None:
        self._percent = numbers["proofs_percent"]

    def feed(self, event: Event) -> Iterator[Flag]:
        """Take the next entry."""
        said = event.numbers
        if said is None:
            return
        if said.get("proofs", 0) * 100 < self._percent * said.get("queries", 0):
            yield Flag.of("silent/1", event.member, [event])


def late_entries(
    events: Sequence[Event], checkpoints: Sequence[tuple[int, int]], numbers: Numbers
) -> Iterator[Flag]:
    """silent/1: entries that no checkpoint covered in time.

    Args:
        events: opened entries, by index.
        checkpoints: (size, signed_at) of every checkpoint, by size.
    """
    first = 0
    for size, signed_at in checkpoints:
        limit, covered = signed_at - numbers["mmd_seconds"], []
        while first < len(events) and events[first].index < size:
            covered.append(events[first])
            first += 1
        late = [event for event in covered if event.t < limit]
        if late:
            yield Flag.of("silent/1", "", late)
