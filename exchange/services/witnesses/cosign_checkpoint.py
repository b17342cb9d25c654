"""Be a witness: cosign a checkpoint if it continues the one that was cosigned last, and only then.

In:  a submission, as a log sends it.
Out: a verdict; with it a cosignature, or the size that was cosigned last.
Order: log known, signed by it, size asked from, proof; then the new checkpoint is kept, durably,
and only then is the cosignature given away. Source: C2SP tlog-witness, `add-checkpoint`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from exchange.crypto.note_keys import note_signature_holds
from exchange.domain.log.witnessing import AddCheckpoint, origin_id, parse_add_checkpoint
from exchange.domain.merkle import EMPTY_ROOT, TreeHead, verify_consistency
from exchange.domain.notes import (
    Checkpoint,
    NoteKey,
    SignatureLine,
    cosignature_message,
    open_note,
    parse_checkpoint,
    parse_note,
)
from exchange.errors import FormError, InvalidProof
from exchange.services.log.ports import HeldCheckpoint

_NOTHING = TreeHead(size=0, root=EMPTY_ROOT)


class Verdict(Enum):
    """What became of a submission."""

    COSIGNED = auto()
    MALFORMED = auto()
    LOG_UNKNOWN = auto()
    UNSIGNED = auto()
    OTHER_SIZE = auto()  # the old size is not that of the checkpoint cosigned last
    OTHER_ROOT = auto()  # same size, another tree
    INCONSISTENT = auto()


class Judged(NamedTuple):
    """A verdict, and what goes with it."""

    verdict: Verdict
    line: str = ""  # the cosignature
    size: int = 0  # of the checkpoint cosigned last


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignPorts:
    """Everything that a witness may touch."""

    now: Callable[[], int]  # unix seconds
    logs: Mapping[str, tuple[NoteKey, ...]]  # keys that each log may sign with, by origin
    key: NoteKey  # of this witness
    sign: Callable[[bytes], bytes]
    hold: Callable[[str], AbstractContextManager[HeldCheckpoint]]  # by origin; waits its turn


def cosign_checkpoint(body: bytes, ports: CosignPorts) -> Judged:
    """Judge a submission, and cosign it if nothing speaks against it."""
    try:
        asked = parse_add_checkpoint(body)
        checkpoint = parse_checkpoint(parse_note(asked.checkpoint).text)
    except FormError:
        return Judged(Verdict.MALFORMED)
    keys = ports.logs.get(checkpoint.origin)
    if keys is None:
        return Judged(Verdict.LOG_UNKNOWN)
    try:
        _, signers = open_note(asked.checkpoint, keys, note_signature_holds)
    except FormError:
        return Judged(Verdict.UNSIGNED)
    if not signers:
        return Judged(Verdict.UNSIGNED)
    if asked.old_size > checkpoint.head.size:
        return Judged(Verdict.MALFORMED)
    with ports.hold(checkpoint.origin) as held:
        return _judge(asked, checkpoint, held, ports)


def _judge(
    asked: AddCheckpoint, checkpoint: Checkpoint, held: HeldCheckpoint, ports: CosignPorts
) -> Judged:
    last = parse_checkpoint(parse_note(held.note).text).head if held.note else _NOTHING
    if asked.old_size != last.size:
        return Judged(Verdict.OTHER_SIZE, size=last.size)
    if last.size == checkpoint.head.size and last.root != checkpoint.head.root:
        return Judged(Verdict.OTHER_ROOT, size=last.size)
    try:
        verify_consistency(last, checkpoint.head, asked.path)
    except InvalidProof:
        return Judged(Verdict.INCONSISTENT)
    now = ports.now()
    signature = ports.sign(cosignature_message(checkpoint.text(), now))
    line = SignatureLine(
        name=ports.key.name,
        key_id=ports.key.key_id,
        signature=now.to_bytes(8, "big") + signature,
    ).print()
    held.replace(asked.checkpoint + line.encode())
    return Judged(Verdict.COSIGNED, line=line)


def cosigned_last(name: str, ports: CosignPorts) -> bytes | None:
    """Return the checkpoint cosigned last, by the hash of its log's origin; None: never."""
    for origin in ports.logs:
        if origin_id(origin) == name:
            with ports.hold(origin) as held:
                return held.note or None
    return None
