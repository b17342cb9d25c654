"""Statements of looks as golden vectors: `python -m tests.unit.log.looks_vectors` writes them anew.

Made of the worked example of the log (`access_log_v1.json`): its subject, leaves, checkpoint and
index. Each case changes the true claims by one thing, and is signed again by the statement key.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.crypto.signing import sign_jws
from exchange.domain.borrowers.looks_statement import (
    LOOKS_TYPE,
    LooksStatement,
    StatedLine,
    StatedLook,
    StatedSubject,
)
from exchange.domain.leaves import Leaf, Opening, Slot, leaf_of, proof_extra
from exchange.domain.log.index import (
    LineProof,
    SubjectLine,
    cut_index,
    prove_line,
    root_of_parts,
    subject_line,
)
from exchange.domain.merkle import inclusion_ranges, root
from exchange.domain.notes import TlogProof

VECTORS = Path(__file__).parents[2] / "vectors"
PLACE = VECTORS / "looks_v1.json"
LOG = json.loads((VECTORS / "access_log_v1.json").read_text())
SUBJECT = "p:241d581b957d9f06d86e8e8f102a4a18"
ISSUER, KID = "exchange.example", "statement-1"
ISSUED_AT = 1_767_225_620
KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"vector seed statement").digest())
OWN, ALL = frozenset({Slot.SUBJECT}), frozenset(Slot)
_DAYS = 86_400

Claims = dict[str, Any]  # JSON that a case bends


def leaf(index: int) -> Leaf:
    """Return a leaf of the worked example."""
    stored = LOG["leaves"][index]
    subject, audit = (
        Opening(salt=bytes.fromhex(one["salt"]), payload=one["payload"].encode())
        for one in (stored["subject"], stored["audit"])
    )
    return leaf_of(subject, audit)


def proof(index: int, opened: frozenset[Slot]) -> str:
    """Return the `.tlog-proof` of a leaf of the worked example."""
    hashes = [leaf(one).leaf_hash for one in range(5)]
    path = tuple(root(hashes[first:end]) for first, end in inclusion_ranges(index, 5))
    extra = proof_extra(leaf(index), opened=opened)
    note = LOG["checkpoint"]["note"].encode()
    return TlogProof(index=index, path=path, checkpoint=note, extra=extra).print().decode()


def true_statement() -> LooksStatement:
    """Return what an exchange states about the worked example."""
    looks = [
        StatedLook(
            number=one, leaf_hash=leaf(one).leaf_hash, proof=proof(one, OWN), withheld_until=None
        )
        for one in (3, 2, 1)
    ]
    line = LineProof(line=SubjectLine(SUBJECT, 3, 3), position=0, path=())
    index = StatedLine(proof=line, leaf_hash=leaf(4).leaf_hash, leaf_proof=proof(4, ALL))
    stated = StatedSubject(
        subject=SUBJECT, numbered=3, erased=0, hidden=0, older=0, looks=looks, line=index
    )
    return LooksStatement(
        issuer=ISSUER,
        origin=LOG["origin"],
        issued_at=ISSUED_AT,
        expires_at=ISSUED_AT + 365 * _DAYS,
        subjects=[stated],
    )


def _set(*path: str | int, to: object) -> Callable[[Claims], None]:
    """Return what sets one value of the subject's part."""

    def bend(claims: Claims) -> None:
        place: Any = claims["subjects"][0]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return bend


def _drop(*path: str | int) -> Callable[[Claims], None]:
    """Return what takes one value out of the subject's part."""

    def bend(claims: Claims) -> None:
        place: Any = claims["subjects"][0]
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return bend


def _all(*bends: Callable[[Claims], None]) -> Callable[[Claims], None]:
    def bend(claims: Claims) -> None:
        for one in bends:
            one(claims)

    return bend


def _claim(name: str, value: object) -> Callable[[Claims], None]:
    return lambda claims: claims.update({name: value})


def _hash(index: int) -> str:
    return urlsafe_b64encode(leaf(index).leaf_hash).rstrip(b"=").decode()


def _twice(claims: Claims) -> None:
    looks = claims["subjects"][0]["looks"]
    looks.insert(0, looks[0])


_WITHHELD = _all(
    _set("looks", 1, "proof", to=proof(2, frozenset())),
    _set("looks", 1, "withheld_until", to=ISSUED_AT + 30 * _DAYS),
)
_UNPROVEN = {"number": 4, "leaf": _hash(0)}
# What happened, what is bent, and the number of HOLDS that refuses it; 0: it holds.
CASES: tuple[tuple[str, Callable[[Claims], None], int], ...] = (
    ("true", lambda _: None, 0),
    ("an embargo stands on one entry", _WITHHELD, 0),
    (
        "a new entry has no index yet",
        _all(
            lambda claims: claims["subjects"][0]["looks"].insert(0, dict(_UNPROVEN)),
            _set("numbered", to=4),
        ),
        0,
    ),
    ("one entry is not this passkey's", _all(_drop("looks", 1), _set("hidden", to=1)), 0),
    ("one entry was erased", _all(_drop("looks", 2), _set("erased", to=1)), 0),
    ("one entry is older than the list", _all(_drop("looks", 2), _set("older", to=1)), 0),
    ("no index yet", _drop("index"), 0),
    ("another version", _claim("v", 2), 2),
    ("another exchange", _claim("iss", "other.example"), 2),
    ("another log", _claim("aud", "exchange.example/access/2025"), 2),
    ("of the future", _claim("iat", ISSUED_AT + 61), 2),
    ("a member too many", _set("note", to="nobody else looked"), 2),
    ("no pseudonym", _set("subject", to="somebody"), 2),
    ("a number below 0", _set("hidden", to=-1), 2),
    ("the proof of another entry", _set("looks", 1, "proof", to=proof(1, OWN)), 3),
    ("an entry about somebody else", _set("subject", to="p:" + "0" * 32), 3),
    (
        "an entry of another number",
        _all(_set("looks", 0, "number", to=4), _set("numbered", to=4), _set("older", to=1)),
        3,
    ),
    ("withheld and open", _set("looks", 1, "withheld_until", to=ISSUED_AT + _DAYS), 3),
    ("closed and not withheld", _set("looks", 1, "proof", to=proof(2, frozenset())), 3),
    (
        "withheld beyond the embargo",
        _all(_WITHHELD, _set("looks", 1, "withheld_until", to=ISSUED_AT)),
        3,
    ),
    ("an entry is left out", _drop("looks", 1), 4),
    (
        "an entry is left out and its number not given",
        _all(_drop("looks", 1), _set("numbered", to=2)),
        4,
    ),
    (
        "a proven entry is newer than one without a proof",
        _drop("looks", 1, "proof"),
        4,
    ),
    (
        "one entry twice",
        lambda claims: claims["subjects"][0]["looks"].insert(0, claims["subjects"][0]["looks"][0]),
        4,
    ),
    ("the index is three days old", _claim("iat", ISSUED_AT + 3 * _DAYS), 5),
    (
        "no index counted an entry of three days ago",
        _all(_drop("index"), _claim("iat", ISSUED_AT + 3 * _DAYS)),
        5,
    ),
    (
        "the index is another leaf",
        _all(_set("index", "leaf", to=_hash(1)), _set("index", "proof", to=proof(1, ALL))),
        5,
    ),
    ("the root of the index is closed", _set("index", "proof", to=proof(4, OWN)), 5),
    ("a line that counts fewer", _set("index", "count", to=2), 6),
    ("a line at another place", _set("index", "position", to=1), 6),
    ("a line with a path", _set("index", "path", to=[_hash(1)]), 6),
    (
        "the newest entry is taken out, and its number as well",
        _all(_drop("looks", 0), _set("numbered", to=2)),
        7,
    ),
    ("every entry is taken out", _all(_set("looks", to=[]), _set("numbered", to=0)), 7),
    (
        "entries that the index counted are said to have no index",
        _all(*(_drop("looks", one, "proof") for one in range(3))),
        7,
    ),
)


def vectors() -> Iterator[dict[str, object]]:
    """Make every vector."""
    true = json.loads(true_statement().payload())
    for what, bend, refused in CASES:
        claims = deepcopy(true)
        bend(claims)
        payload = json.dumps(claims, sort_keys=True, separators=(",", ":")).encode()
        statement = sign_jws(payload, LOOKS_TYPE, KID, KEY.sign)
        now = max(ISSUED_AT, claims["iat"] if refused == 5 else 0)
        yield {"what": what, "refused": refused, "now": now, "statement": statement}


def indices() -> Iterator[dict[str, object]]:
    """Make lines and roots of indices around the cuts between their parts."""
    for count in (1, 2, 255, 256, 257, 600):
        names = [sha256(f"vector subject {n}".encode()).hexdigest() for n in range(count)]
        lines = [SubjectLine(f"p:{name[:32]}", n % 5 + 1, n) for n, name in enumerate(names)]
        parts = cut_index(lines)
        number, part = len(parts) - 1, parts[-1]
        proven = prove_line(part.first, number, part.lines, [one.root for one in parts])
        assert proven is not None
        yield {
            "subjects": count,
            "root": root_of_parts([one.root for one in parts]).hex(),
            "line": subject_line(proven.line).decode(),
            "position": proven.position,
            "path": [one.hex() for one in proven.path],
        }


def text() -> str:
    """Write the vectors, one a line."""
    head = {
        "version": "looks_v1",
        "issuer": ISSUER,
        "origin": LOG["origin"],
        "log_vkey": LOG["keys"]["log"]["vkey"],
        "kid": KID,
        "public_key": KEY.public_key().public_bytes_raw().hex(),
        "subject": SUBJECT,
        "indices": list(indices()),
    }
    lines = ",\n".join(json.dumps(one) for one in vectors())
    return f'{json.dumps(head)[:-1]}, "cases": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    PLACE.write_text(text())
