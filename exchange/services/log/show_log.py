"""Show a log to whoever may mirror it: checkpoint, tiles and bundles of entries, to the C2SP byte.

In:  the path below `/log/`, as it was asked for.
Out: the bytes, and whether they may ever change. Nothing here tells who asked about whom: an entry
     is two commitments, and what opens them is shown elsewhere, to few.
Order: who may ask, which log, what of it. Whatever does not fit is absent, in one and the same way.
Source: C2SP tlog-tiles; log.md, 2 and 8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from exchange.domain.merkle import HASH_BYTES, TILE_HEIGHT
from exchange.domain.tiles import TILE_WIDTH, TileId, bundle, parse_place
from exchange.errors import AbsentError, InvalidField, LogDamaged, TileDamaged
from exchange.services.log.ports import LogPorts, LogWork
from exchange.services.witnesses.ports import Cosignature

QUORUM_SECONDS_MAX = 30  # with no quorum younger than this, the newest signed one is shown
LEVEL_MAX = 7  # sizes stay below 2^63
_YEAR = re.compile(r"[0-9]{4}(?:-r[1-9][0-9]?)?", re.ASCII)
_TILE = re.compile(r"tile/(entries|[0-7])/(.+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is shown."""

    body: bytes
    text: bool  # a checkpoint, which a newer one replaces; else bytes that never change


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowPorts:
    """What showing a log needs."""

    log_ports: LogPorts
    open: bool  # anyone may fetch; else each path starts with a member's capability


def show_log(path: str, ports: ShowPorts) -> Shown:
    """Return what stands at a path: `[<capability>/][<year>/]checkpoint`, or `…/tile/…`.

    Raises:
        AbsentError: nothing stands there, or it is not for whoever asks.
    """
    words, log_ports = path.split("/"), ports.log_ports
    with log_ports.begin() as work:
        if not ports.open:
            capability = words.pop(0).encode()
            if not work.publication.may_fetch(sha256(capability).digest()):
                raise AbsentError
        origin = log_ports.ports.origin(log_ports.ports.now())
        if words and _YEAR.fullmatch(words[0]):
            origin = f"{origin.rpartition('/')[0]}/{words.pop(0)}"
        log_id = work.publication.find_log(origin)
        if log_id is None:
            raise AbsentError
        if words == ["checkpoint"]:
            return Shown(body=_checkpoint(log_id, work, log_ports), text=True)
        return Shown(body=_tile("/".join(words), log_id, work), text=False)


def _checkpoint(log_id: int, work: LogWork, ports: LogPorts) -> bytes:
    """Return the newest checkpoint with a quorum, or the newest signed one if that is too old."""
    newest = work.publication.newest(log_id)
    if newest is None:
        raise AbsentError
    shown = work.publication.published(log_id)
    if shown and (
        # A witness whose clock runs ahead would keep an old one here for as long.
        shown.size == newest.size or abs(ports.ports.now() - shown.quorum_at) <= QUORUM_SECONDS_MAX
    ):
        return shown.note.encode()
    return cosigned(newest.note, work.publication.cosignatures(log_id, newest.size))


def cosigned(note: str, cosignatures: list[Cosignature]) -> bytes:
    """Return a note with the newest line of each witness below it."""
    lines = {one.witness: one.line for one in sorted(cosignatures, key=lambda one: one.signed_at)}
    return (note + "".join(lines.values())).encode()


def _tile(path: str, log_id: int, work: LogWork) -> bytes:
    match = _TILE.fullmatch(path)
    try:
        n, width = parse_place(match[2] if match else "")
    except InvalidField as error:
        raise AbsentError from error
    level = 0 if match is None or match[1] == "entries" else int(match[1])
    if (
        match is None
        or n * TILE_WIDTH + width > work.tree.state(log_id).size >> TILE_HEIGHT * level
    ):
        raise AbsentError
    if match[1] == "entries":
        leaves = work.tree.sequenced(log_id, first=n * TILE_WIDTH, rows_max=width)
        if len(leaves) != width:
            raise LogDamaged("leaves are missing from the log")
        return bundle(leaf.entry for leaf in leaves)
    tile = TileId(level, n)
    hashes = work.tree.tiles(log_id, [tile]).get(tile, b"")[: width * HASH_BYTES]
    if len(hashes) != width * HASH_BYTES:
        raise TileDamaged(f"{tile.path()} is missing or too short")
    return hashes
