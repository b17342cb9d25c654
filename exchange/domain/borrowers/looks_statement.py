"""Write what a borrower takes home: every look at them, each with its proof, and the index's line.

In:  entries of one log about the subjects of one passkey, proven under one checkpoint.
Out: the bytes that are signed as `cx-looks+jwt`: canonical JSON, binary values in base64url.
Whoever has the file and the pinned keys counts again what the exchange says it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from exchange.domain.base64url import b64url
from exchange.domain.leaves import JsonValue, canonical_json
from exchange.domain.log.index import LineProof

LOOKS_TYPE = "cx-looks+jwt"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedLook:
    """One entry."""

    number: int  # subject_seq
    leaf_hash: bytes
    proof: str | None  # a `.tlog-proof`; None: it waits for its index, this signature stands for it
    withheld_until: int | None  # unix seconds; its proof opens nothing before


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedLine:
    """The subject's line in the newest index."""

    proof: LineProof
    leaf_hash: bytes  # of the `index_root` leaf
    leaf_proof: str  # a `.tlog-proof` that opens it


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedSubject:
    """What the log has about one pseudonym."""

    subject: str
    numbered: int  # entries that were ever numbered
    erased: int  # of them, no longer there by order
    hidden: int  # of them, there and not open to this passkey
    older: int  # of them, open and beyond the rows of this statement
    looks: Sequence[StatedLook]  # newest first
    line: StatedLine | None  # None: no index counted an entry yet


@dataclass(frozen=True, slots=True, kw_only=True)
class LooksStatement:
    """A statement of who looked, in one log."""

    issuer: str
    origin: str  # of the log
    issued_at: int  # unix seconds
    expires_at: int  # unix seconds: the end of the log's retention
    subjects: Sequence[StatedSubject]

    def payload(self) -> bytes:
        """Write the bytes that are signed."""
        subjects: list[JsonValue] = [_subject(one) for one in self.subjects]
        digest = sha256(canonical_json(subjects)).digest()
        claims: dict[str, JsonValue] = {
            "v": _VERSION,
            "iss": self.issuer,
            "aud": self.origin,
            "jti": f"lks_{b64url(digest[:16])}",
            "iat": self.issued_at,
            "exp": self.expires_at,
            "subjects": subjects,
        }
        return canonical_json(claims)


def _subject(stated: StatedSubject) -> dict[str, JsonValue]:
    written: dict[str, JsonValue] = {
        "subject": stated.subject,
        "numbered": stated.numbered,
        "erased": stated.erased,
        "hidden": stated.hidden,
        "older": stated.older,
        "looks": [_look(one) for one in stated.looks],
    }
    if stated.line is not None:
        written["index"] = _line(stated.line)
    return written


def _look(stated: StatedLook) -> dict[str, JsonValue]:
    written: dict[str, JsonValue] = {"number": stated.number, "leaf": b64url(stated.leaf_hash)}
    if stated.proof is not None:
        written["proof"] = stated.proof
    if stated.withheld_until is not None:
        written["withheld_until"] = stated.withheld_until
    return written


def _line(stated: StatedLine) -> dict[str, JsonValue]:
    line = stated.proof.line
    return {
        "count": line.leaves,
        "last": line.last_index,
        "position": stated.proof.position,
        "path": [b64url(one) for one in stated.proof.path],
        "leaf": b64url(stated.leaf_hash),
        "proof": stated.leaf_proof,
    }
