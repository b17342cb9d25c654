"""Read a statement of looks strictly: every member of its form, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from exchange_client.core.encoding import JSON, unb64url

HASH_BYTES: Final = 32
SUBJECTS_MAX: Final = 64
LOOKS_MAX: Final = 10_000

_SUBJECT = re.compile(r"p:[0-9a-f]{32}")
_CLAIMS = {"v", "iss", "aud", "jti", "iat", "exp", "subjects"}
_COUNTS = ("numbered", "erased", "hidden", "older")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedLook:
    """One entry, as the exchange states it."""

    number: int
    leaf: bytes
    proof: str | None = field(repr=False)  # None: it had no index yet
    withheld_until: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedIndex:
    """The subject's line, and what proves it."""

    count: int
    last: int
    position: int
    path: tuple[bytes, ...] = field(repr=False)
    leaf: bytes
    proof: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedSubject:
    """What the exchange states about one pseudonym."""

    subject: str
    numbered: int
    erased: int
    hidden: int
    older: int
    looks: tuple[StatedLook, ...]
    index: StatedIndex | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A statement, not yet verified."""

    issuer: str
    origin: str
    issued_at: int
    subjects: tuple[StatedSubject, ...]

    def proofs(self) -> Iterator[str]:
        """Yield every proof."""
        for one in self.subjects:
            yield from (look.proof for look in one.looks if look.proof is not None)
            if one.index is not None:
                yield one.index.proof


def read_stated(claims: dict[str, JSON]) -> Stated:
    """Read the claims of a statement.

    Raises:
        ValueError: they are not of its form.
    """
    _members(claims, _CLAIMS)
    if claims["v"] != 1 or claims["v"] is True:
        raise ValueError("another version")
    for name in ("iss", "aud", "jti"):
        _text(claims[name])
    _number(claims["exp"])
    subjects = [_subject(_object(one)) for one in _list(claims["subjects"], SUBJECTS_MAX)]
    if len({one.subject for one in subjects}) != len(subjects):
        raise ValueError("a subject twice")
    return Stated(
        issuer=_text(claims["iss"]),
        origin=_text(claims["aud"]),
        issued_at=_number(claims["iat"]),
        subjects=tuple(subjects),
    )


def _subject(given: dict[str, JSON]) -> StatedSubject:
    _members(given, {"subject", "looks", *_COUNTS}, {"index"})
    subject = _text(given["subject"])
    if not _SUBJECT.fullmatch(subject):
        raise ValueError("no pseudonym")
    index = given.get("index")
    numbered, erased, hidden, older = (_number(given[name]) for name in _COUNTS)
    return StatedSubject(
        subject=subject,
        numbered=numbered,
        erased=erased,
        hidden=hidden,
        older=older,
        looks=tuple(_look(_object(one)) for one in _list(given["looks"], LOOKS_MAX)),
        index=None if index is None else _index(_object(index)),
    )


def _look(given: dict[str, JSON]) -> StatedLook:
    _members(given, {"number", "leaf"}, {"proof", "withheld_until"})
    return StatedLook(
        number=_number(given["number"]),
        leaf=_hash(given["leaf"]),
        proof=_text(given["proof"]) if "proof" in given else None,
        withheld_until=_number(given["withheld_until"]) if "withheld_until" in given else None,
    )


def _index(given: dict[str, JSON]) -> StatedIndex:
    _members(given, {"count", "last", "position", "path", "leaf", "proof"})
    return StatedIndex(
        count=_number(given["count"]),
        last=_number(given["last"]),
        position=_number(given["position"]),
        path=tuple(_hash(one) for one in _list(given["path"], 64)),
        leaf=_hash(given["leaf"]),
        proof=_text(given["proof"]),
    )


def _members(given: dict[str, JSON], must: set[str], may: set[str] | None = None) -> None:
    if not must <= given.keys() <= must | (may or set()):
        raise ValueError("members are missing or too many")


def _object(value: JSON) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def _list(value: JSON, rows_max: int) -> list[JSON]:
    if not isinstance(value, list) or len(value) > rows_max:
        raise ValueError(f"no list of at most {rows_max}")
    return value


def _number(value: JSON) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("no number from 0 on")
    return value


def _text(value: JSON) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


def _hash(value: JSON) -> bytes:
    raw = unb64url(value)
    if len(raw) != HASH_BYTES:
        raise ValueError("no hash of 32 bytes")
    return raw
