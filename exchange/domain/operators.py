"""Operators' words: what one of them agreed to, signed, in one line that any reader can check.

A word binds one operator's key, one proposal and one change to one exchange: it says nothing about
another proposal, and nothing about a change that was altered since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast

from exchange.domain.base64url import b64url, unb64url
from exchange.domain.leaves import JsonValue, canonical_json

OPERATORS_MIN = 2  # from then on one person alone enrols and retires nobody
_PARTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One person's enrolled key. A person has one live key."""

    name: str
    key: str
    public_key: bytes  # 32, Ed25519
    enrolled_at: int  # unix seconds
    retired_at: int | None

    @property
    def keyid(self) -> str:
        """The name that words carry."""
        return f"{self.name}/{self.key}"


class Word(NamedTuple):
    """What an operator said: yes to this change, under this proposal."""

    keyid: str  # `<operator>/<key>`
    exchange: str  # at which this was said
    of: str  # the proposal, `prp_…`, or the kind of what is approved for good
    digest: bytes  # SHA-256 of the change
    signature: bytes  # 64, Ed25519

    @property
    def name(self) -> str:
        """Whose word it is."""
        return self.keyid.partition("/")[0]

    def line(self) -> str:
        """Write the word as leaves and proposals keep it."""
        end = f"{b64url(self.digest)} {b64url(self.signature)}"
        return f"{self.keyid} {self.exchange} {self.of} {end}"


def read_word(line: str) -> Word:
    """Read a word.

    Raises:
        ValueError: it is none; a sandbox keeps bare names.
    """
    parts = line.split(" ")
    if len(parts) != _PARTS:
        raise ValueError("no signed word")
    return Word(parts[0], parts[1], parts[2], unb64url(parts[3]), unb64url(parts[4]))


def name_of(line: str) -> str:
    """Return who said it, whether it is a word or a bare name."""
    return line.split(" ", maxsplit=1)[0].partition("/")[0]


def word_text(issuer: str, keyid: str, of: str, digest: bytes) -> bytes:
    """Return the bytes that an operator signs."""
    lines = ("credit-exchange/operator/v1", issuer, keyid, of, b64url(digest), "")
    return "\n".join(lines).encode()


def change_digest(kind: str, about: str, details: Mapping[str, object]) -> bytes:
    """Return the SHA-256 of a change: of its kind, whom it is about, and everything it says."""
    change = {"kind": kind, "about": about, "details": cast("JsonValue", details)}
    return hashlib.sha256(canonical_json(change)).digest()
