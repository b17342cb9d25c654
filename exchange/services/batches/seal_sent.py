"""Keep what was sent of a file until it is worked off: sealed, slice by slice.

A file says who owes what to whom, so it is no more readable at rest than a record is. One data
key seals a file's slices, each bound to its place; a member's file of 64 MiB has 64 of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from exchange.crypto.sealing import DataKey
from exchange.domain.batches import SLICE_BYTES
from exchange.services.batches.ports import BatchKey, PartKey
from exchange.services.ports import Ports, Work


def new_part_key(key: BatchKey, ports: Ports) -> DataKey:
    """Make the data key of a file that is about to be received."""
    return ports.sealer.new_key(_aad(key))


def keep_sent(key: BatchKey, data_key: DataKey, offset: int, content: bytes, work: Work) -> None:
    """Seal bytes of a file and keep them.

    Args:
        offset: how many bytes of the file came before.
    """
    for at in range(0, len(content), SLICE_BYTES):
        start = offset + at
        sealed = data_key.seal(content[at : at + SLICE_BYTES], _place(key, start))
        work.batches.add_part(key, start, sealed)


def open_part_key(key: BatchKey, part_key: PartKey, ports: Ports) -> DataKey:
    """Unwrap the data key of a file.

    Raises:
        IntegrityError: it is not what was wrapped for this file.
    """
    return ports.sealer.open_key(part_key.kek_id, part_key.wrapped, _aad(key))


def read_sent(key: BatchKey, ports: Ports) -> Callable[[], Iterator[bytes]]:
    """Return what reads the file from its start, slice by slice, as often as it is called.

    The reader raises:
        IntegrityError: a slice was edited, moved or lost.
    """

    def slices() -> Iterator[bytes]:
        with ports.begin() as work:
            data_key = open_part_key(key, work.batches.part_key(key), ports)
        offset = 0
        while part := part_at(offset):  # One by one: the memory of the last serves for the next.
            start, sealed = part
            content = data_key.open(sealed, _place(key, offset))
            offset = start + len(content)
            yield content

    def part_at(offset: int) -> tuple[int, bytes] | None:
        with ports.begin() as work:
            return work.batches.part(key, offset)

    return slices


def _aad(key: BatchKey) -> bytes:
    return b"batch_part|1|%s|%s" % (key.member.encode(), key.batch_id.hex.encode())


def _place(key: BatchKey, start: int) -> bytes:
    return b"%s|%d" % (_aad(key), start)
