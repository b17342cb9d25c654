"""What a route of the fake is handed, and how it answers in JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from exchange_client.core.encoding import JSON, dumps, loads_object
from exchange_client.testing.messages import Caller
from exchange_client.testing.refusals import Answered, Refusal
from exchange_client.testing.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One authenticated request on its way to its route."""

    world: World
    caller: Caller
    body: bytes
    parts: tuple[str, ...]  # what the path's pattern caught
    query: dict[str, list[str]]

    def json(self) -> dict[str, JSON]:
        """Read the body as one strict JSON object.

        Raises:
            Refusal: 400, it is none.
        """
        try:
            return loads_object(self.body)
        except ValueError:
            raise Refusal(400, "request.form") from None

    def asked(self, name: str, default: str = "") -> str:
        """Return an argument of the query."""
        return self.query.get(name, [default])[0]


Route: TypeAlias = Callable[[Visit], Answered]
Places: TypeAlias = tuple[tuple[str, str, str | None, Route], ...]  # method, pattern, body's type


def json_answer(value: dict[str, object], *, replayed: bool = False) -> Answered:
    """Answer with one JSON object; say whether the request came before."""
    return Answered(body=dumps(value), headers={"Cx-Replayed": "true"} if replayed else {})
