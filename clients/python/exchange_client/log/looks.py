"""Verify what a borrower took home: who looked, and that the list is complete.

What must hold, by the numbers in the code (`HOLDS`); 1 to 7 need the file and the pins alone, 8
the policy as well. Written apart from the exchange's own code. What no file can show: entries
newer than its index, which the next one counts; and looks that were never logged at all.
Source: log.md, 12; crypto.md 4 (JWS rules); RFC 6962 for the index.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exchange_client.core.encoding import JSON, loads_object
from exchange_client.errors import InclusionInvalid, LogInvalid, ReceiptInvalid
from exchange_client.log.policy import Policy
from exchange_client.log.stated import Stated, StatedIndex, StatedSubject, read_stated
from exchange_client.merkle import TreeHead, leaf_hash, verify_inclusion
from exchange_client.notes import read_base64
from exchange_client.pins import Pins
from exchange_client.proofs import VerifiedProof, verify_proof
from exchange_client.signing import open_jws

LOOKS_TYPE: Final = "cx-looks+jwt"
INDEX_RULE: Final = "index_root/1"
FILE_BYTES_MAX: Final = 32 * 1024 * 1024
AHEAD_SECONDS_MAX: Final = 60  # how far the exchange's clock may be ahead of ours
INDEX_SECONDS_MAX: Final = 2 * 86_400  # an index is made each night
QUORUM_SECONDS_MAX: Final = 86_400  # what a borrower takes for "now" (log.md, 8)

HOLDS: Final = MappingProxyType(
    {
        1: "it is one strict JWS of a statement, signed by a statement key pinned for the exchange",
        2: "its claims are exactly those of a statement, of the pinned exchange and log, not from "
        "the future",
        3: "each entry stands in the log, under one checkpoint; what it opens is about this "
        "subject, under this number; a withheld one opens nothing",
        4: "entries that are listed, hidden, older or erased are as many as were numbered, and "
        "none is left out between",
        5: "the root of the index stands in the log, made within two days of the statement",
        6: "the subject's line leads to the root of the index",
        7: "the line counts as many entries as are listed below its size, and ends where they end",
        8: "a quorum of the policy's witnesses cosigned the checkpoint within a day of it",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedLook:
    """One entry that stands in the log, or that the exchange's signature stands for."""

    number: int
    index: int | None  # None: it had no index yet
    said: dict[str, JSON]  # what it opens; empty where it is withheld or had no index yet
    withheld_until: int | None  # unix seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedIndex:
    """Up to where a night's index shows that nobody else looked."""

    day: str  # UTC, 2026-12-31
    size: int  # entries of the log that it covers
    count: int  # of them about the subject


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSubject:
    """What the log has about one pseudonym."""

    stated: StatedSubject
    looks: tuple[VerifiedLook, ...]  # newest first
    index: VerifiedIndex | None

    @property
    def complete(self) -> bool:
        """Tell whether the index shows that every entry up to it is listed."""
        left = self.stated.hidden + self.stated.older + self.stated.erased
        return self.index is not None and not left


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedLooks:
    """A statement that held."""

    origin: str
    issued_at: int  # unix seconds
    size: int | None  # of the tree that it is proven under; None: nothing had an index yet
    subjects: tuple[VerifiedSubject, ...]
    held: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Log:
    """Which log and tree the proofs must lead to."""

    vkey: str
    origin: str
    checkpoint: bytes | None  # the first one met; every other proof has the same

    def verify(self, proof: str, leaf: bytes, number: int) -> VerifiedProof:
        try:
            proven = verify_proof(proof.encode(), self.vkey, leaf=leaf)
        except InclusionInvalid as error:
            raise InclusionInvalid(f"({number}) {error}") from error
        if (proven.origin, proven.checkpoint) != (self.origin, self.checkpoint):
            raise _fails(number, "its proofs are of several logs or checkpoints")
        return proven


def verify_looks(text: str, pins: Pins, *, now: int, policy: Policy | None = None) -> VerifiedLooks:
    """Verify a statement of who looked, offline.

    Args:
        text: the statement, as it was downloaded.
        now: unix seconds.
        policy: whose witnesses must have cosigned.

    Raises:
        ReceiptInvalid: one of `HOLDS` does not; the message starts with its number.
    """
    stated = _open(text, pins, now)
    checkpoint = next((one for one in map(_note, stated.proofs()) if one), None)
    log = _Log(vkey=pins.log_vkey, origin=stated.origin, checkpoint=checkpoint)
    subjects = tuple(_subject(one, stated.issued_at, log) for one in stated.subjects)
    held, size = list(range(1, 8)), None
    if checkpoint is not None:
        size = int(checkpoint.split(b"\n", 2)[1])
        if policy is not None:
            _check_quorum(policy, checkpoint, stated.issued_at)
            held.append(8)
    return VerifiedLooks(
        origin=stated.origin,
        issued_at=stated.issued_at,
        size=size,
        subjects=subjects,
        held=tuple(held),
    )


def _open(text: str, pins: Pins, now: int) -> Stated:
    keys = pins.keys_of("statement")
    try:
        payload = open_jws(text.strip(), LOOKS_TYPE, keys, bytes_max=FILE_BYTES_MAX)  # 1
    except ReceiptInvalid as error:
        raise _fails(1, str(error)) from error
    try:
        stated = read_stated(loads_object(payload))  # 2
    except (ValueError, KeyError, TypeError) as error:
        raise _fails(2, f"not a statement of looks ({error})") from error
    if (stated.issuer, stated.origin) != (pins.exchange, pins.log_origin):
        raise _fails(2, "it is of another exchange, or of a log that is not pinned")
    if stated.issued_at > now + AHEAD_SECONDS_MAX:
        raise _fails(2, "it was issued in the future; is the clock right?")
    return stated


def _note(proof: str) -> bytes:
    return proof.encode().partition(b"\n\n")[2]


def _subject(stated: StatedSubject, issued_at: int, log: _Log) -> VerifiedSubject:
    looks = tuple(_looks(stated, issued_at, log))
    _check_numbers(stated, looks)  # 4
    if stated.index is None:
        newest = [look.said["t"] for look in looks if look.index is not None and look.said]
        if any(type(t) is not int or t < issued_at - INDEX_SECONDS_MAX for t in newest):
            raise _fails(5, "no index counted entries that are older than two days")
        return VerifiedSubject(stated=stated, looks=looks, index=None)
    index = _index(stated.subject, stated.index, issued_at, log)
    _check_count(stated, stated.index, index, looks)  # 7
    return VerifiedSubject(stated=stated, looks=looks, index=index)


def _looks(stated: StatedSubject, issued_at: int, log: _Log) -> list[VerifiedLook]:
    found = []
    for look in stated.looks:
        proven = None if look.proof is None else log.verify(look.proof, look.leaf, 3)
        said = {} if proven is None else _said(proven, "subject", 3)
        withheld = look.withheld_until is not None
        if proven is not None and withheld == bool(proven.openings):
            raise _fails(3, f"entry {look.number} is open though withheld, or closed and is not")
        if look.withheld_until is not None and look.withheld_until <= issued_at:
            raise _fails(3, f"entry {look.number} is withheld beyond its embargo")
        if said and (said.get("subject"), said.get("subject_seq")) != (
            stated.subject,
            look.number,
        ):
            raise _fails(3, f"entry {look.number} is about somebody else, or another entry")
        found.append(
            VerifiedLook(
                number=look.number,
                index=None if proven is None else proven.index,
                said=said,
                withheld_until=look.withheld_until,
            )
        )
    return found


def _said(proven: VerifiedProof, slot: str, number: int) -> dict[str, JSON]:
    """Read what a slot says; nothing where it is closed."""
    try:
        return loads_object(proven.openings.get(slot, b"{}"))
    except ValueError as error:
        raise _fails(number, f"a leaf says nothing that can be read ({error})") from error


def _check_numbers(stated: StatedSubject, looks: tuple[VerifiedLook, ...]) -> None:
    numbers = [look.number for look in looks]
    places = [look.index for look in looks]
    proven = [one for one in places if one is not None]
    if numbers != sorted(set(numbers), reverse=True) or (
        numbers and not 1 <= numbers[-1] <= numbers[0] <= stated.numbered
    ):
        raise _fails(4, "numbers are repeated, out of order or beyond those that were given")
    # What had no index yet is newer than whatever had one.
    if places[len(places) - len(proven) :] != sorted(set(proven), reverse=True):
        raise _fails(4, "entries do not stand in the log in the order of their numbers")
    left_out = stated.hidden + stated.older + stated.erased
    if len(numbers) + left_out != stated.numbered:
        raise _fails(4, f"{stated.numbered} entries were numbered; some are not accounted for")


def _index(subject: str, stated: StatedIndex, issued_at: int, log: _Log) -> VerifiedIndex:
    proven = log.verify(stated.proof, stated.leaf, 5)
    if proven.openings.keys() != {"subject", "audit"}:
        raise _fails(5, "the root of the index is not opened")
    said, rule = _said(proven, "subject", 5), _said(proven, "audit", 5).get("rule")
    try:
        day, at, size, subjects = said["day"], said["t"], said["size"], said["subjects"]
        root = read_base64(str(said["root"]))
    except (KeyError, InclusionInvalid) as error:
        raise _fails(5, "the leaf names no root of an index") from error
    if (said.get("kind"), rule) != ("index_root", INDEX_RULE):
        raise _fails(5, "the leaf is of another kind, or of a rule that is not known here")
    if type(at) is not int or type(size) is not int or type(subjects) is not int:
        raise _fails(5, "the leaf names no root of an index")
    if size > proven.index or at < issued_at - INDEX_SECONDS_MAX:
        raise _fails(5, "the index is older than two days, or covers what came after it")
    line = f"{subject} {stated.count} {stated.last}\n".encode()
    try:
        verify_inclusion(
            leaf_hash(line), stated.position, TreeHead(size=subjects, root=root), stated.path
        )
    except InclusionInvalid as error:
        raise InclusionInvalid(f"(6) {error}") from error
    return VerifiedIndex(day=str(day), size=size, count=stated.count)


def _check_count(
    stated: StatedSubject,
    line: StatedIndex,
    index: VerifiedIndex,
    looks: tuple[VerifiedLook, ...],
) -> None:
    """Hold the line against the list; what is not listed by name can only fill a difference."""
    below = [one.index for one in looks if one.index is not None and one.index < index.size]
    left_out = stated.hidden + stated.older + stated.erased
    if not len(below) <= line.count <= len(below) + left_out:
        raise _fails(7, f"the index counted {line.count} entries, {len(below)} are listed")
    last = max(below, default=-1)
    if not last <= line.last < index.size or (not left_out and line.last != last):
        raise _fails(7, "the index names another entry as the last one")


def _check_quorum(policy: Policy, checkpoint: bytes, issued_at: int) -> None:
    try:
        policy.check_fresh(policy.open(checkpoint), issued_at, QUORUM_SECONDS_MAX)  # 8
    except InclusionInvalid as error:
        raise InclusionInvalid(f"(8) {error}") from error


def _fails(number: int, detail: str) -> LogInvalid:
    return LogInvalid(f"({number}) {detail}")
