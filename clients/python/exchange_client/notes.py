"""Signed notes and checkpoints as a verifier reads them, to the letter of C2SP.

Written apart from the exchange's own code. Anything that a strict reader would refuse is refused:
CRLF, a missing last LF, leading zeros, base64 in another spelling, lines beyond the third.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from exchange_client.errors import InclusionInvalid, PinError
from exchange_client.merkle import HASH_BYTES, TreeHead

NOTE_BYTES_MAX = 64 * 1024
SIGNATURES_MAX = 100
ED25519 = 1
ED25519_COSIGNATURE = 4

_FORBIDDEN = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_SIZE = re.compile("0|[1-9][0-9]{0,18}")
_SIGNATURE = re.compile("— ([^ ]+) ([^ ]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key that signs notes, from its one-line form."""

    name: str
    kind: int  # ED25519 or ED25519_COSIGNATURE
    public_key: bytes  # 32 bytes
    key_id: bytes  # 4 bytes

    @property
    def vkey(self) -> str:
        """Its one-line form: `name+key id+base64`."""
        typed = base64.b64encode(bytes([self.kind]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{typed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint, and which of the keys asked for have signed it."""

    origin: str
    head: TreeHead
    signed_by: frozenset[str]  # names
    cosigned_at: Mapping[str, int]  # unix seconds, by the name of the witness: the latest
    first_cosigned_at: Mapping[str, int]  # the same: the earliest


def parse_vkey(vkey: str) -> VerifierKey:
    """Read a key as it is pinned: `name+key id+base64`.

    Raises:
        PinError: it is not in that form, or of a type that is not verified here.
    """
    name, _, rest = vkey.partition("+")
    digits, _, encoded = rest.partition("+")  # base64 has a + of its own
    try:
        typed = _standard_base64(encoded)
    except ValueError as error:
        raise PinError("a vkey is name+key id+base64") from error
    if not _is_name(name) or key_id(name, typed).hex() != digits:
        raise PinError("the vkey's key id is not that of its name and key")
    if len(typed) != 33 or typed[0] not in (ED25519, ED25519_COSIGNATURE):
        raise PinError("the vkey is not of a type that is verified here")
    return VerifierKey(name=name, kind=typed[0], public_key=typed[1:], key_id=key_id(name, typed))


def open_checkpoint(
    note: bytes, log: VerifierKey, witnesses: Iterable[VerifierKey] = ()
) -> Checkpoint:
    """Verify a checkpoint under its log's key.

    Args:
        note: the signed note, verbatim.
        log: the log's key; its name is the log's origin.
        witnesses: keys whose cosignatures are looked for; lines of other keys count for nothing.

    Raises:
        InclusionInvalid: it is no checkpoint, the log has not signed it, or a line of a known key
            does not verify.
    """
    text, lines = _split(note)
    signed: set[VerifierKey] = set()
    times: dict[str, list[int]] = {}
    for key in (log, *witnesses):
        for name, raw in lines:
            if (name, raw[:4]) != (key.name, key.key_id):
                continue
            message, signature, time = _signed(key, text, raw[4:])
            _verify(key, message, signature)
            signed.add(key)
            if time is not None:
                times.setdefault(name, []).append(time)
    origin, head = _read_text(text)
    if log not in signed or origin != log.name:
        raise InclusionInvalid("the checkpoint is not signed by the pinned log")
    return Checkpoint(
        origin=origin,
        head=head,
        signed_by=frozenset(key.name for key in signed),
        cosigned_at={name: max(given) for name, given in times.items()},
        first_cosigned_at={name: min(given) for name, given in times.items()},
    )


def open_statement(note: bytes, keys: Iterable[VerifierKey]) -> str:
    """Verify a note that is no checkpoint, and return its text.

    Args:
        note: the signed note, verbatim.
        keys: one of them, each of type Ed25519, must have signed it.

    Raises:
        InclusionInvalid: it is no note, none of the keys has signed it, or a line of one does not
            verify.
    """
    text, lines = _split(note)
    signed = False
    for key in keys:
        for name, raw in lines:
            if (name, raw[:4]) == (key.name, key.key_id):
                _verify(key, text.encode(), raw[4:])
                signed = True
    if not signed:
        raise InclusionInvalid("the statement is not signed by a pinned key")
    return text


def read_number(digits: str) -> int:
    """Read a decimal number below 2^63 in its one spelling.

    Raises:
        InclusionInvalid: anything else.
    """
    if not _SIZE.fullmatch(digits) or int(digits) >= 2**63:
        raise InclusionInvalid("a number is decimal, without leading zeros")
    return int(digits)


def read_base64(encoded: str) -> bytes:
    """Read standard base64, padded, in its one spelling.

    Raises:
        InclusionInvalid: anything else.
    """
    try:
        return _standard_base64(encoded)
    except ValueError as error:
        raise InclusionInvalid("not canonical base64") from error


def _split(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Cut a note at its last empty line into the signed text and (name, raw signature)."""
    at = note.rfind(b"\n\n")
    if len(note) > NOTE_BYTES_MAX or _FORBIDDEN.search(note) or at < 0 or note[-1:] != b"\n":
        raise InclusionInvalid("the checkpoint is not a signed note")
    try:
        text, lines = note[: at + 1].decode(), note[at + 2 : -1].decode().split("\n")
    except UnicodeDecodeError as error:
        raise InclusionInvalid("a note is UTF-8") from error
    if len(lines) > SIGNATURES_MAX:
        raise InclusionInvalid(f"a note has at most {SIGNATURES_MAX} signatures")
    return text, [_read_line(line) for line in lines]


def _read_line(line: str) -> tuple[str, bytes]:
    found = _SIGNATURE.fullmatch(line)
    if not found or not _is_name(found[1]):
        raise InclusionInvalid("a signature line is an em dash, a name and base64")
    raw = read_base64(found[2])
    if len(raw) < 5:
        raise InclusionInvalid("a signature is longer than its key id")
    return found[1], raw


def _read_text(text: str) -> tuple[str, TreeHead]:
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise InclusionInvalid("a checkpoint is an origin, a size and a root")
    head = TreeHead(size=read_number(lines[1]), root=read_base64(lines[2]))
    if len(head.root) != HASH_BYTES:
        raise InclusionInvalid("a hash has 32 bytes")
    return lines[0], head


def _signed(key: VerifierKey, text: str, raw: bytes) -> tuple[bytes, bytes, int | None]:
    """Return what was signed, the bare signature and, for a witness, the time it vouches for."""
    if key.kind == ED25519:
        return text.encode(), raw, None
    time = int.from_bytes(raw[:8], "big")
    if time >= 2**63:
        raise InclusionInvalid("a cosignature's time lies below 2^63")
    return f"cosignature/v1\ntime {time}\n{text}".encode(), raw[8:], time


def _verify(key: VerifierKey, message: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise InclusionInvalid("a signature of a known key does not verify") from error


def key_id(name: str, typed: bytes) -> bytes:
    """Return the 4 bytes that find a key in a signature line. Source: C2SP signed-note."""
    return hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and name.split() == [name]


def _standard_base64(encoded: str) -> bytes:
    raw = base64.b64decode(encoded, validate=True)
    if base64.b64encode(raw).decode() != encoded:
        raise ValueError("not canonical base64")
    return raw
