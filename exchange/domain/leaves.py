"""Leaves of the access log: canonical payloads, salted commitments, entries, openings.

In:  what happened, as two small objects: one for the *subject* slot, one for the *audit* slot.
Out: a leaf of 116 bytes that shows nothing, and the openings that a few may see.
Not here: what each kind must say (log/kinds.py), sealing, the tree.

Whoever holds tiles and entries learns nothing from them, though a record has few possible values:
each commitment carries 32 bytes of salt that stand nowhere but in the sealed opening. Erasure
destroys salt and payload, never a leaf.
"""

from __future__ import annotations

from base64 import b64encode
from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import TypeAlias

import msgspec
from msgspec import Struct

from exchange.domain.merkle import leaf_hash
from exchange.errors import IntegrityError, InvalidPayload

SALT_BYTES = 32
ENTRY_BYTES = 116
PAYLOAD_BYTES_MAX = 65_535  # its length is stored in 16 bits
PADDED_BYTES = (512, 1_024)  # then multiples of the step
PADDED_BYTES_STEP = 4_096
INTEGER_MAX = (1 << 53) - 1  # what every JSON reader holds exactly (RFC 7493)

_COMMITMENT_LABEL = b"credit-exchange/commit/v1\n"
_ENTRY_LABEL = b"credit-exchange/access/v1\n"
_OPENING_LABEL = b"credit-exchange/opening/v1"

JsonValue: TypeAlias = str | int | Sequence["JsonValue"] | Mapping[str, "JsonValue"]


class Slot(StrEnum):
    """Who may see an opening: borrower, member and regulator, or the latter two alone."""

    # Enum's own hash is a Python call; each leaf looks its slots up several times.
    __hash__ = str.__hash__

    SUBJECT = "subject"
    AUDIT = "audit"


_HEADS = {slot: _COMMITMENT_LABEL + slot.encode() + b"\n" for slot in Slot}
_ENCODE = msgspec.json.Encoder(order="sorted").encode


class Opening(Struct, frozen=True, kw_only=True, gc=False):
    """What opens one commitment."""

    salt: bytes  # 32 bytes
    payload: bytes  # canonical JSON

    def __post_init__(self) -> None:
        if len(self.salt) != SALT_BYTES or len(self.payload) > PAYLOAD_BYTES_MAX:
            raise InvalidPayload("an opening has a salt of 32 bytes and a payload below 64 kB")

    def commitment(self, slot: Slot) -> bytes:
        """Return the 32 bytes that stand in the entry for this slot."""
        return commitment(slot, self.salt, self.payload)


class Leaf(Struct, frozen=True, kw_only=True, gc=False):
    """One entry of the log with both its openings."""

    entry: bytes  # 116 bytes
    leaf_hash: bytes  # 32 bytes
    subject: Opening
    audit: Opening


def canonical_json(value: JsonValue) -> bytes:
    """Write objects, arrays, strings and integers in their one canonical form.

    Raises:
        InvalidPayload: a value of another type, an integer beyond 2^53 - 1, a key that is not
            ASCII, or text that is no Unicode.

    Source: RFC 8785, without fractions, booleans and null: absent means absent.
    """
    _check(value)
    try:
        return _ENCODE(value)
    except UnicodeEncodeError as error:  # A lone surrogate.
        raise InvalidPayload("text must be Unicode") from error


def commitment(slot: Slot, salt: bytes, payload: bytes) -> bytes:
    """Return the commitment to a payload: nothing without its salt."""
    return sha256(_HEADS[slot] + salt + payload).digest()


def entry(subject: bytes, audit: bytes) -> bytes:
    """Return the 116 bytes that are a leaf, from its two commitments."""
    return _ENTRY_LABEL + b2a_base64(subject) + b2a_base64(audit)  # Each ends with LF.


def new_leaf(
    subject: Mapping[str, JsonValue],
    audit: Mapping[str, JsonValue],
    random_bytes: Callable[[int], bytes],
) -> Leaf:
    """Make a leaf of two payloads under two fresh salts.

    Args:
        subject: what the borrower may see; holds `kind` and `t`.
        audit: what only the asking member and the regulator may see.
        random_bytes: the operating system's generator; salts are never derived or reused.

    Raises:
        InvalidPayload: a payload has no canonical form, or lacks `kind` or `t`.
    """
    if not isinstance(subject.get("kind"), str) or type(subject.get("t")) is not int:
        raise InvalidPayload("the subject slot holds a kind and a time")
    open_subject = Opening(salt=random_bytes(SALT_BYTES), payload=canonical_json(dict(subject)))
    open_audit = Opening(salt=random_bytes(SALT_BYTES), payload=canonical_json(dict(audit)))
    return leaf_of(open_subject, open_audit)


def leaf_of(subject: Opening, audit: Opening) -> Leaf:
    """Return the leaf that commits to these openings."""
    line = entry(subject.commitment(Slot.SUBJECT), audit.commitment(Slot.AUDIT))
    return Leaf(entry=line, leaf_hash=leaf_hash(line), subject=subject, audit=audit)


def pad_opening(salt: bytes, payload: bytes) -> bytes:
    """Write an opening for sealing, padded so that its length says little of its content."""
    raw = salt + len(payload).to_bytes(2, "big") + payload
    for size in PADDED_BYTES:
        if len(raw) <= size:
            return raw.ljust(size, b"\0")
    return raw.ljust(-(-len(raw) // PADDED_BYTES_STEP) * PADDED_BYTES_STEP, b"\0")


def unpad_opening(padded: bytes) -> Opening:
    """Read back what `pad_opening` wrote.

    Raises:
        IntegrityError: the bytes are not as it writes them.
    """
    start = SALT_BYTES + 2
    end = start + int.from_bytes(padded[SALT_BYTES:start], "big")
    opening = Opening(salt=padded[:SALT_BYTES].ljust(SALT_BYTES), payload=padded[start:end])
    if pad_opening(opening.salt, opening.payload) != padded:
        raise IntegrityError("an opening is not padded as it is written")
    return opening


def opening_aad(origin: str, leaf: bytes, slot: Slot, key_id: str) -> bytes:
    """Return what the sealing of an opening is bound to.

    Args:
        origin: the log's.
        leaf: the leaf hash, 32 bytes.
        slot: which of its two openings.
        key_id: the data key that seals it.
    """
    return opening_aads(origin, leaf, key_id)[slot is Slot.AUDIT]


def opening_aads(origin: str, leaf: bytes, key_id: str) -> tuple[bytes, bytes]:
    """Return what the sealings of both openings are bound to, the subject's first."""
    head = b"%b\n%b\n%b" % (_OPENING_LABEL, origin.encode(), b2a_base64(leaf))  # With its LF.
    tail = key_id.encode()
    return b"%bsubject\n%b" % (head, tail), b"%baudit\n%b" % (head, tail)


def proof_extra(leaf: Leaf, *, opened: frozenset[Slot]) -> bytes:
    """Write the `extra` of a proof: opened slots with salt and payload, closed ones committed to.

    It is not signed: each opening proves itself against the leaf.
    """
    slots: dict[str, JsonValue] = {"v": 1}
    for slot, opening in ((Slot.SUBJECT, leaf.subject), (Slot.AUDIT, leaf.audit)):
        if slot in opened:
            salt = b64encode(opening.salt).decode()
            slots[slot.value] = {"payload": opening.payload.decode(), "salt": salt}
        else:
            slots[slot.value] = {"c": b64encode(opening.commitment(slot)).decode()}
    return canonical_json(slots)


def _check(value: JsonValue) -> None:
    """Refuse what has no canonical form here; the encoder would take more."""
    if type(value) is dict:
        for key, member in value.items():
            if type(key) is not str or not key.isascii():
                raise InvalidPayload("a key must be ASCII text")
            if type(member) is not str:
                _check(member)
    elif type(value) is list:
        for member in value:
            _check(member)
    elif not isinstance(value, str) and not _is_integer(value):
        raise InvalidPayload("a value must be an object, an array, a string or an integer")


def _is_integer(value: object) -> bool:
    return type(value) is int and -INTEGER_MAX <= value <= INTEGER_MAX  # A bool is none here.
