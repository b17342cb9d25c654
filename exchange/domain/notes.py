"""Signed notes, checkpoints, their keys and `.tlog-proof` files: parse and print, to the byte.

In:  bytes from outside, or the values that go into them.
Out: frozen values, or bytes that any C2SP tool reads.
Not here: private keys and signature arithmetic; `open_note` is handed a check.

Source: C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof. No extension lines.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from exchange.domain.merkle import HASH_BYTES, TreeHead
from exchange.errors import InvalidNote, InvalidProof

NOTE_BYTES_MAX = 65_536
SIGNATURES_MAX = 100
PATH_HASHES_MAX = 63  # sizes stay below 2^63
KEY_ID_BYTES = 4
ORIGIN_BYTES_MAX = 255
_PROOF_HEADER = "c2sp.org/tlog-proof@v1"
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_NAME = re.compile(r"[^\s+\x00-\x1f]+")
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+(.+)", re.DOTALL)


class KeyType(IntEnum):
    """The first byte of a key in a vkey. Source: C2SP signed-note, "Signature types"."""

    ED25519 = 0x01
    ED25519_COSIGNATURE = 0x04
    ML_DSA_44 = 0x06


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKey:
    """The public half of a key that signs notes, under the name it signs with."""

    name: str
    kind: int  # a KeyType; others are carried and never verified
    public_key: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that find this key in a signature line."""
        return _key_id(self.name, bytes([self.kind]) + self.public_key)

    def vkey(self) -> str:
        """Write this key as one line."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.kind]) + self.public_key)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureLine:
    """One signature under a note: who says so, which key, and the bytes."""

    name: str
    key_id: bytes  # 4 bytes
    signature: bytes  # Ed25519: 64 bytes; a cosignature: 8 bytes of time and 64 bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.key_id) != KEY_ID_BYTES or not self.signature:
            raise InvalidNote("a signature line holds a key id of 4 bytes and a signature")

    def print(self) -> str:
        """Write this line, with its LF."""
        return f"— {self.name} {_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text and the signatures below it."""

    text: str  # ends in LF
    signatures: tuple[SignatureLine, ...]

    def __post_init__(self) -> None:
        if not self.text.endswith("\n") or _CONTROL.search(self.text):
            raise InvalidNote("a note's text ends in LF and has no other control character")

    def print(self) -> bytes:
        """Write this note."""
        return f"{self.text}\n{''.join(line.print() for line in self.signatures)}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says of itself: its origin, its size and its root."""

    origin: str
    head: TreeHead

    def __post_init__(self) -> None:
        _check_name(self.origin)
        if len(self.origin.encode()) > ORIGIN_BYTES_MAX:
            raise InvalidNote(f"an origin has at most {ORIGIN_BYTES_MAX} bytes")

    def text(self) -> str:
        """Write the text that is signed."""
        return f"{self.origin}\n{self.head.size}\n{_base64(self.head.root)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """That a leaf stands at an index of the tree a checkpoint names."""

    index: int
    path: tuple[bytes, ...]  # from the leaf upwards
    checkpoint: bytes  # the signed note, verbatim
    extra: bytes | None = None  # ours: what opens the leaf (leaves.py); not signed

    def __post_init__(self) -> None:
        wrong = any(len(node) != HASH_BYTES for node in self.path)
        if self.index < 0 or wrong or len(self.path) > PATH_HASHES_MAX:
            raise InvalidProof(f"a proof has at most {PATH_HASHES_MAX} hashes of 32 bytes")

    def print(self) -> bytes:
        """Write this proof as a file."""
        lines = [_PROOF_HEADER]
        if self.extra is not None:
            lines.append(f"extra {_base64(self.extra)}")
        lines += [f"index {self.index}", *map(_base64, self.path)]
        return ("\n".join(lines) + "\n\n").encode() + self.checkpoint


def parse_vkey(vkey: str) -> NoteKey:
    """Read a key written as one line.

    Raises:
        InvalidNote: it is no vkey, or its key id is not that of its name and key.
    """
    found = _VKEY.fullmatch(vkey)  # At the first two + only: base64 has its own.
    if not found:
        raise InvalidNote("a vkey is name+key id in hex+base64")
    name, key_id, encoded = found.groups()
    typed = read_base64(encoded)
    if len(typed) < 2 or _key_id(name, typed).hex() != key_id:
        raise InvalidNote("the vkey's key id is not that of its name and key")
    return NoteKey(name=name, kind=typed[0], public_key=typed[1:])


def parse_note(note: bytes) -> Note:
    """Read a signed note, its signatures still unverified.

    Raises:
        InvalidNote: the bytes are no note.
    """
    if len(note) > NOTE_BYTES_MAX:
        raise InvalidNote(f"a note has at most {NOTE_BYTES_MAX} bytes")
    body, gap, tail = _utf8(note).rpartition("\n\n")  # At the LAST empty line.
    if not gap or not tail.endswith("\n"):
        raise InvalidNote("a note is a text, an empty line and signature lines, each with its LF")
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise InvalidNote(f"a note has at most {SIGNATURES_MAX} signatures")
    return Note(text=f"{body}\n", signatures=tuple(map(_signature_line, lines)))


def open_note(
    note: bytes,
    keys: Iterable[NoteKey],
    check: Callable[[NoteKey, bytes, bytes], bool],
) -> tuple[Note, frozenset[NoteKey]]:
    """Read a note and say which of these keys signed it; lines of other keys count for nothing.

    Args:
        note: the note's bytes.
        keys: the keys known to the caller.
        check: whether (key, message, 64-byte signature) verify.

    Raises:
        InvalidNote: it is no note, or a line of a known key does not verify.
    """
    opened = parse_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    signed = set()
    for line in opened.signatures:
        if key := known.get((line.name, line.key_id)):
            message, signature = signed_message(key, opened.text, line.signature)
            if not check(key, message, signature):
                raise InvalidNote("a signature of a known key does not verify")
            signed.add(key)
    return opened, frozenset(signed)


def signed_message(key: NoteKey, text: str, signature: bytes) -> tuple[bytes, bytes]:
    """Return the bytes that were signed and the bare signature of a line under this text.

    Raises:
        InvalidNote: the signature has no length this type of key makes.
    """
    if key.kind != KeyType.ED25519_COSIGNATURE:
        return text.encode(), signature
    time = int.from_bytes(signature[:8], "big")
    if len(signature) != 8 + 64 or time >= 1 << 63:
        raise InvalidNote("a cosignature holds 8 bytes of time, below 2^63, and 64 bytes")
    return cosignature_message(text, time), signature[8:]


def cosignature_message(text: str, time: int) -> bytes:
    """Return what a witness signs. Source: C2SP tlog-cosignature."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint.

    Raises:
        InvalidNote, InvalidProof: it is anything but an origin, a size and a root.
    """
    match text.split("\n"):
        case [origin, size, root, ""]:
            head = TreeHead(size=_decimal(size), root=read_base64(root))
            return Checkpoint(origin=origin, head=head)
    raise InvalidNote("a checkpoint is an origin, a size and a root, each with its LF")


def parse_proof(proof: bytes) -> TlogProof:
    """Read a `.tlog-proof` file; nothing in it is verified yet.

    Raises:
        InvalidProof, InvalidNote: the bytes are no proof.
    """
    head, gap, checkpoint = proof.partition(b"\n\n")
    lines = _utf8(head).split("\n")
    if not gap or lines.pop(0) != _PROOF_HEADER:
        raise InvalidProof(f"a proof starts with {_PROOF_HEADER}")
    extra = _after("extra ", lines)
    index = _after("index ", lines)
    if index is None:
        raise InvalidProof("a proof has an index")
    return TlogProof(
        index=_decimal(index),
        path=tuple(map(read_base64, lines)),
        checkpoint=checkpoint,
        extra=None if extra is None else read_base64(extra),
    )


def _after(label: str, lines: list[str]) -> str | None:
    """Take the first line when it carries this label, and return the rest of it."""
    return lines.pop(0).removeprefix(label) if lines and lines[0].startswith(label) else None


def _signature_line(line: str) -> SignatureLine:
    dash, _, rest = line.partition(" ")
    name, gap, encoded = rest.partition(" ")
    if dash != "—" or not gap:
        raise InvalidNote("a signature line is an em dash, a name and base64")
    raw = read_base64(encoded)
    return SignatureLine(name=name, key_id=raw[:KEY_ID_BYTES], signature=raw[KEY_ID_BYTES:])


def _key_id(name: str, typed: bytes) -> bytes:
    return sha256(f"{name}\n".encode() + typed).digest()[:KEY_ID_BYTES]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidNote("a name is not empty and has no space, no + and no control character")


def _decimal(digits: str) -> int:
    if not _DECIMAL.fullmatch(digits) or int(digits) >= 1 << 63:
        raise InvalidNote("a number is decimal, without leading zeros and below 2^63")
    return int(digits)


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidNote("not UTF-8") from error


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()


def read_base64(encoded: str) -> bytes:
    """Read standard base64, padded, in its one spelling."""
    try:
        raw = binascii.a2b_base64(encoded.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise InvalidNote("not base64") from error
    if _base64(raw) != encoded:  # One spelling only: unused bits are zero.
        raise InvalidNote("base64 must be canonical")
    return raw
