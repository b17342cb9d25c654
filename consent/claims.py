"""Read the JSON claims of an artefact strictly: nothing missing, unknown, null or of another type.

In:  an object as JSON gives it.
Out: checked values; else ArtefactRefused with the step, the member's place and what was expected.
Not here: which members an artefact has (artefact.py). No message holds a value.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from enum import StrEnum
from typing import TypeVar

WHOLE_MAX = 2**53 - 1
_DIGEST_CHARACTERS = 43  # 32 bytes as unpadded base64url
_E = TypeVar("_E", bound=StrEnum)


class Step(StrEnum):
    """The steps of a registration, in order; the one that refused is named in the code."""

    FORM = "form"
    KEY = "key"
    SIGNATURE = "signature"
    SCHEMA = "schema"
    CROSS_FIELD = "cross_field"
    POLICY = "policy"
    NOTICE = "notice"
    AFTER_WITHDRAWAL = "after_withdrawal"
    EVIDENCE = "evidence"
    CLAIM = "claim"


class ArtefactRefused(Exception):
    """An artefact is refused: at which step, in which member, and what was expected there."""

    def __init__(self, step: Step, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.step = step
        self.field = field  # a path such as `subject/commit`, empty for the whole
        self.message = message


class Claims:
    """One JSON object whose members are taken one by one; `done` refuses what is left."""

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise ArtefactRefused(Step.SCHEMA, path, "must be an object")
        self._path = path
        self._members: dict[str, object] = value
        self._taken: set[str] = set()

    def has(self, name: str) -> bool:
        """Tell whether the member stands there, whatever it holds."""
        return name in self._members

    def done(self) -> None:
        """Refuse every member that was not taken."""
        if self._members.keys() - self._taken:
            raise ArtefactRefused(Step.SCHEMA, self._path, "has a member that is not known")

    def child(self, name: str) -> Claims:
        """Return a member that is an object."""
        return Claims(self._take(name), self._at(name))

    def text(self, name: str, pattern: re.Pattern[str], expected: str) -> str:
        """Return a text that fits the pattern whole."""
        value = self._take(name)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self.refused(name, expected)
        return value

    def text_or_none(self, name: str, pattern: re.Pattern[str], expected: str) -> str | None:
        """Return a text that fits the pattern whole, or None where the member is absent."""
        return self.text(name, pattern, expected) if self.has(name) else None

    def word(self, name: str, words: type[_E]) -> _E:
        """Return a word of a closed list."""
        value = self._take(name)
        for word in words:
            if word == value:
                return word
        raise self.refused(name, f"must be one of {', '.join(words)}")

    def words(self, name: str, allowed: Collection[str]) -> frozenset[str]:
        """Return a list of different words of a closed list, as a set."""
        value = self._take(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refused(name, "must be a list of texts")
        found = frozenset(value)
        if len(found) != len(value) or not found <= frozenset(allowed):
            raise self.refused(name, f"must be different ones of {', '.join(sorted(allowed))}")
        return found

    def whole(self, name: str, low: int, high: int = WHOLE_MAX) -> int:
        """Return an integer between two bounds."""
        value = self._take(name)
        if type(value) is not int or not low <= value <= high:
            raise self.refused(name, f"must be an integer from {low} to {high}")
        return value

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self._take(name)
        if not isinstance(value, bool):
            raise self.refused(name, "must be true or false")
        return value

    def digest(self, name: str) -> bytes:
        """Return 32 bytes from their one spelling in unpadded base64url."""
        value = self._take(name)
        found = _decoded(value) if isinstance(value, str) else None
        if found is None:
            raise self.refused(name, "must be 32 bytes as unpadded base64url")
        return found

    def refused(self, name: str, expected: str) -> ArtefactRefused:
        """Return the error for this member."""
        return ArtefactRefused(Step.SCHEMA, self._at(name), expected)

    def _take(self, name: str) -> object:
        if name not in self._members:
            raise self.refused(name, "is missing")
        self._taken.add(name)
        return self._members[name]

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}" if self._path else name


def encode(value: bytes) -> str:
    """Return unpadded base64url."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> bytes | None:
    if len(text) != _DIGEST_CHARACTERS:
        return None
    try:
        value = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # Two spellings may name the same bytes; only the canonical one is taken.
    return value if encode(value) == text else None
