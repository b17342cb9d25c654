"""What a log sends to a witness and what comes back, to the byte.

Source: C2SP tlog-witness, `add-checkpoint`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256

from exchange.domain.merkle import HASH_BYTES
from exchange.domain.notes import PATH_HASHES_MAX, SignatureLine, parse_note, read_base64
from exchange.errors import InvalidNote

SIZE_TYPE = "text/x.tlog.size"  # of the body that a 409 has
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A checkpoint that a witness is asked to cosign."""

    old_size: int  # of the checkpoint that it cosigned last
    path: tuple[bytes, ...]  # proof that the older tree is a prefix
    checkpoint: bytes  # the signed note, verbatim

    def print(self) -> bytes:
        """Write the request's body."""
        lines = [f"old {self.old_size}", *(b64encode(node).decode() for node in self.path)]
        return ("\n".join(lines) + "\n\n").encode() + self.checkpoint


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Read a request's body.

    Raises:
        InvalidNote: it is not of this form.
    """
    head, gap, checkpoint = body.partition(b"\n\n")
    try:
        old, *path = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise InvalidNote("sizes and hashes are ASCII") from error
    match = _OLD.fullmatch(old)
    hashes = tuple(map(read_base64, path))
    wrong = any(len(node) != HASH_BYTES for node in hashes) or len(path) > PATH_HASHES_MAX
    if not gap or match is None or wrong:
        raise InvalidNote("expected an old size, at most 63 hashes, an empty line, a checkpoint")
    return AddCheckpoint(old_size=int(match[1]), path=hashes, checkpoint=checkpoint)


def parse_size(body: bytes) -> int | None:
    """Read the size in the body of a 409, if that is what it is."""
    match = _SIZE.fullmatch(body)
    return int(match[1]) if match else None


def parse_lines(body: bytes) -> tuple[SignatureLine, ...]:
    """Read the signature lines that a witness answers with.

    Raises:
        InvalidNote: they are none.
    """
    return parse_note(b"cosigned\n\n" + body).signatures


def origin_id(origin: str) -> str:
    """Return the name of a log's checkpoint under a witness's monitoring prefix: 64 hex digits."""
    return sha256(origin.encode()).hexdigest()
