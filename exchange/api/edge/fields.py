"""Strict schema fields, and what a schema refuses as faults with JSON pointers.

A value is taken in its own type or refused: `true` is no 1, "5" is no 5, nothing is converted.
Not here: the JSON itself; `domain/strict_json` has read it before a schema sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import cast

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from exchange.domain.base64url import unb64url
from exchange.domain.strict_json import pointer_name
from exchange.errors import Fault, InvalidField

FAULTS_MAX = 100  # of one request; a longer list helps nobody


class StrictSchema(Schema):
    """A schema that refuses members it does not know."""

    class Meta:
        """Unknown members are refused everywhere (A40)."""

        unknown = RAISE


class EmptySchema(StrictSchema):
    """Nothing: the path says it all."""


class WholeNumber(fields.Integer):
    """A whole number within its range; neither a boolean nor text."""

    def __init__(self, *, minimum: int, maximum: int, required: bool = True) -> None:
        super().__init__(
            required=required, strict=True, validate=validate.Range(min=minimum, max=maximum)
        )

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, object] | None, **_: object
    ) -> int:
        if type(value) is not int:  # A boolean is an int to isinstance.
            raise self.make_error("invalid")
        return value


class Flag(fields.Boolean):
    """True or false; neither 0 or 1 nor text."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, object] | None, **_: object
    ) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input="")
        return value


class Text(fields.String):
    """Text that matches a pattern as a whole; the pattern bounds its length."""

    def __init__(self, *, pattern: str, required: bool = True) -> None:
        # Checked here and only documented there: `$` of the two dialects differ at a line's end.
        super().__init__(required=required, metadata={"pattern": f"^(?:{pattern})$"})
        self._pattern = re.compile(pattern)

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, object] | None, **_: object
    ) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not self._pattern.fullmatch(value):
            raise ValidationError("Not of the expected pattern.")
        return value


class ByteText(fields.Field[bytes]):
    """Bytes of one length, in canonical unpadded base64url."""

    def __init__(self, *, length: int, required: bool = True) -> None:
        characters = -(-length * 4 // 3)
        pattern = f"^[A-Za-z0-9_-]{{{characters}}}$"
        super().__init__(required=required, metadata={"pattern": pattern})
        self._length = length

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, object] | None, **_: object
    ) -> bytes:
        try:
            read = unb64url(value) if isinstance(value, str) else b""
        except ValueError:
            read = b""
        if len(read) != self._length:
            raise ValidationError("Not canonical base64url of the expected length.")
        return read


def load(schema: Schema, value: object, *, at: str = "") -> object:
    """Load a JSON value by its schema.

    Args:
        schema: what the value must be.
        value: what strict JSON was read into.
        at: JSON pointer to the value, where it is a part of something larger.

    Raises:
        InvalidField: the schema refuses it; one fault for each place, and no value in any.
    """
    try:
        return schema.load(cast("Mapping[str, object]", value))
    except ValidationError as error:
        faults = tuple(_faults(error.messages, at))[:FAULTS_MAX]
        raise InvalidField("see errors", faults=faults) from None


def _faults(messages: object, pointer: str) -> Iterator[Fault]:
    """Flatten marshmallow's messages. A member's name that is no plain word stays out."""
    if isinstance(messages, dict):
        for name, below in messages.items():
            yield from _faults(below, _below(pointer, name))
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            yield Fault(pointer, InvalidField.code, str(message))


def _below(pointer: str, name: object) -> str:
    if isinstance(name, int):
        return f"{pointer}/{name}"
    known = None if name == "_schema" else pointer_name(str(name))
    return pointer if known is None else f"{pointer}/{known}"
