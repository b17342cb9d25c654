"""Verify a whole log from its bytes and pinned keys: every entry, every tile, the signed root.

What must hold, by the numbers in the code:
1. the checkpoint is signed by a log of the policy, and by a quorum of its witnesses;
2. the bundles hold exactly as many entries as the checkpoint says;
3. the root over these entries is the root that was signed;
4. each hash tile that the source holds is the one that follows from the entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exchange_client.errors import InclusionInvalid, LogInvalid
from exchange_client.log.policy import Policy, Witnessed
from exchange_client.log.sources import Source
from exchange_client.log.tiles import (
    BUNDLE_BYTES_MAX,
    TILE_BYTES_MAX,
    Growing,
    bundle_widths,
    entries_of,
    leaf_hashes,
    tile_path,
)
from exchange_client.notes import NOTE_BYTES_MAX

CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedLog:
    """A log whose every byte was checked."""

    witnessed: Witnessed
    tiles: int  # hash tiles that were held against the entries


def verify_log(source: Source, policy: Policy, on_entries: Callable[[int], None]) -> VerifiedLog:
    """Verify a log.

    Args:
        source: the folder or URL.
        policy: the pinned keys.
        on_entries: told how many entries were read so far.

    Raises:
        InclusionInvalid: the checkpoint does not verify.
        LogInvalid: entries or tiles are missing, or not what was signed.
    """
    witnessed = policy.open(fetch_checkpoint(source))  # 1
    head = witnessed.checkpoint.head
    checked = 0

    def compare(level: int, n: int, hashes: list[bytes]) -> None:
        nonlocal checked
        checked += check_tile(source, level, n, hashes)

    tree = Growing(on_tile=compare)
    for n, width in bundle_widths(0, head.size):
        tree.add(leaf_hashes(entries_of(fetch_bundle(source, n, width), width)))  # 2
        on_entries(tree.size)
    if tree.root() != head.root:  # 3
        raise LogInvalid("the root over the entries is not the one that was signed")
    for level, row in enumerate(tree.rows):  # 4
        if row:
            compare(level, tree.size >> 8 * (level + 1), row)
    return VerifiedLog(witnessed=witnessed, tiles=checked)


def fetch_checkpoint(source: Source) -> bytes:
    """Fetch the newest checkpoint.

    Raises:
        InclusionInvalid: there is none.
    """
    note = source.fetch(CHECKPOINT, NOTE_BYTES_MAX)
    if note is None:
        raise InclusionInvalid("there is no checkpoint")
    return note


def fetch_bundle(source: Source, n: int, width: int) -> bytes:
    """Fetch a bundle of this width; a wider one is cut to it.

    Raises:
        LogInvalid: it is missing.
    """
    for wide in dict.fromkeys((width, 256)):
        bundle = source.fetch(tile_path("entries", n, wide), BUNDLE_BYTES_MAX)
        if bundle is not None:
            return bundle if wide == width else _cut(bundle, width)
    raise LogInvalid(f"{tile_path('entries', n, width)}: missing")


def check_tile(source: Source, level: int, n: int, hashes: list[bytes]) -> bool:
    """Hold a hash tile of the source against the hashes that follow from the entries.

    Returns:
        Whether the source holds that tile at all: nothing depends on its having it.

    Raises:
        LogInvalid: it holds others.
    """
    path = tile_path(level, n, len(hashes))
    found = source.fetch(path, TILE_BYTES_MAX)
    if found is not None and found != b"".join(hashes):
        raise LogInvalid(f"{path}: not what follows from the entries")
    return found is not None


def _cut(bundle: bytes, width: int) -> bytes:
    """Return the first entries of a full bundle."""
    entries = entries_of(bundle, 256)[:width]
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
