"""Read a row line as the exchange does: strict JSON, but a number of the wrong kind is a fault."""

from __future__ import annotations

import json
from typing import NoReturn, cast

from exchange_client.core.encoding import JSON


class Twice(dict[str, JSON]):
    """An object in which a name stands twice, here or further in."""


def read_object(line: bytes) -> dict[str, JSON]:
    """Read one JSON object.

    Raises:
        ValueError: it is none.
    """
    twice = False

    def pairs(members: list[tuple[str, JSON]]) -> dict[str, JSON]:
        nonlocal twice
        named = dict(members)
        twice = twice or len(named) != len(members)
        return named

    try:
        content = json.loads(line.decode(), object_pairs_hook=pairs, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(content, dict):
        raise ValueError("not an object")
    return Twice(content) if twice else cast("dict[str, JSON]", content)


def _refuse(_: str) -> NoReturn:
    raise ValueError("not JSON")
