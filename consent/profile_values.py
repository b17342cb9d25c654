"""Read one profile file strictly: each value with its unit, and with exactly one authority.

In:  the text of a TOML file.
Out: a Sheet that hands out typed values and knows which of its keys were asked for.
Not here: which keys a profile has (profiles.py), files, countries.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass

NONE = "none"  # a rule that this country does not have: written down, never left out
_MEMBERS = frozenset({"value", "unit", "from", "currency", "source", "counsel"})
_TEXT_CHARACTERS_MAX = 400


class ProfileFault(Exception):
    """A profile file is refused; the message names the profile and the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value of a profile, and who says so."""

    key: str
    value: bool | int | str | tuple[int, ...] | tuple[str, ...]
    unit: str | None
    starts: str | None  # `from`: the event a period runs from, or the side of an edge
    currency: str | None
    source: str | None  # act and article, or "own choice: …"
    counsel: str | None  # where it was reported: to be confirmed by counsel

    @property
    def confirmed(self) -> bool:
        """Tell whether the value stands on a source and not on a report."""
        return self.source is not None


class Sheet:
    """The inline tables of one file, each handed out once by type."""

    def __init__(self, profile_id: str, tables: dict[str, object]) -> None:
        self._id = profile_id
        self._values = {key: self._value(key, table) for key, table in tables.items()}
        self._taken: set[str] = set()

    def fault(self, key: str, message: str) -> ProfileFault:
        """Return the fault for this key."""
        return ProfileFault(f"profile {self._id}: {key}: {message}")

    def values(self) -> tuple[Value, ...]:
        """Return every value in the file's order.

        Raises:
            ProfileFault: a key stands in the file that nobody asked for.
        """
        for key in self._values:
            if key not in self._taken:
                raise self.fault(key, "unknown key")
        return tuple(self._values.values())

    def whole(self, key: str, unit: str | None = None) -> int:
        """Return an integer, 0 or more."""
        value = self._take(key, unit).value
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.fault(key, "must be an integer, 0 or more")
        return value

    def whole_or_none(self, key: str, unit: str | None = None) -> int | None:
        """Return an integer, 0 or more, or None where the rule is off."""
        return None if self._off(key) else self.whole(key, unit)

    def money_minor(self, key: str, currency: str) -> int:
        """Return minor units of the profile's currency; 0 where the rule is off."""
        return 0 if self._off(key) else self.whole(key, self._minor(key, currency))

    def edges_minor(self, key: str, currency: str) -> tuple[int, ...]:
        """Return rising sums in minor units of the profile's currency."""
        return self.rising(key, self._minor(key, currency))

    def rising(self, key: str, unit: str) -> tuple[int, ...]:
        """Return strictly rising integers, at least one, the first above 0."""
        value = self._take(key, unit).value
        numbers = [n for n in value if isinstance(n, int)] if isinstance(value, tuple) else []
        rises = all(low < high for low, high in zip([0, *numbers], numbers, strict=False))
        if not numbers or not rises:
            raise self.fault(key, "must be a list of integers, each above the one before")
        return tuple(numbers)

    def flag(self, key: str) -> bool:
        """Return true or false; false where the rule is off."""
        value = False if self._off(key) else self._take(key).value
        if not isinstance(value, bool):
            raise self.fault(key, 'must be true, false or "none"')
        return value

    def word(self, key: str, allowed: Collection[str] = ()) -> str:
        """Return a text; one of `allowed` where that is given."""
        value = self._take(key).value
        if not isinstance(value, str) or not (value in allowed or not allowed):
            raise self.fault(
                key, f"must be one of {sorted(allowed)}" if allowed else "must be text"
            )
        return value

    def words(self, key: str, allowed: Collection[str] = ()) -> tuple[str, ...]:
        """Return a list of texts, empty where the rule is off."""
        value = () if self._off(key) else self._take(key).value
        texts = [t for t in value if isinstance(t, str)] if isinstance(value, tuple) else None
        if texts is None or len(texts) != len(set(texts)):
            raise self.fault(key, "must be a list of different texts")
        if allowed and not set(texts) <= set(allowed):
            raise self.fault(key, f"must be among {sorted(allowed)}")
        return tuple(texts)

    def starts(self, key: str, allowed: Collection[str]) -> str:
        """Return `from`, the event that a period runs from."""
        start = self._take(key, unit=None, any_unit=True).starts
        if start is None or start not in allowed:
            raise self.fault(key, f"needs `from`, one of {sorted(allowed)}")
        return start

    def _off(self, key: str) -> bool:
        return self._take(key, any_unit=True).value == NONE

    def _minor(self, key: str, currency: str) -> str:
        if self._take(key, any_unit=True).currency != currency:
            raise self.fault(key, f"needs `currency`, the profile's: {currency}")
        return "minor"

    def _take(self, key: str, unit: str | None = None, *, any_unit: bool = False) -> Value:
        value = self._values.get(key)
        if value is None:
            raise self.fault(key, "missing key")
        if not any_unit and value.unit != unit:
            raise self.fault(key, f"needs the unit {unit}" if unit else "has no unit")
        self._taken.add(key)
        return value

    def _value(self, key: str, table: object) -> Value:
        if not isinstance(table, dict) or "value" not in table or not table.keys() <= _MEMBERS:
            raise self.fault(key, "must be { value, unit, from, currency, source or counsel }")
        if ("source" in table) is ("counsel" in table):
            raise self.fault(key, "needs exactly one of source and counsel")
        texts = {name: self._text(key, table, name) for name in _MEMBERS - {"value"}}
        return Value(
            key=key,
            value=self._scalar(key, table["value"]),
            unit=texts["unit"],
            starts=texts["from"],
            currency=texts["currency"],
            source=texts["source"],
            counsel=texts["counsel"],
        )

    def _text(self, key: str, table: dict[str, object], name: str) -> str | None:
        text = table.get(name)
        if text is None:
            return None
        if not isinstance(text, str) or not 0 < len(text) <= _TEXT_CHARACTERS_MAX:
            raise self.fault(
                key, f"{name} must be a text of 1 to {_TEXT_CHARACTERS_MAX} characters"
            )
        return text

    def _scalar(
        self, key: str, value: object
    ) -> bool | int | str | tuple[int, ...] | tuple[str, ...]:
        if isinstance(value, bool | int | str):
            return value
        if isinstance(value, list) and all(type(item) is int for item in value):
            return tuple(value)
        if isinstance(value, list) and all(type(item) is str for item in value):
            return tuple(value)
        raise self.fault(key, "must be true, false, an integer, a text, or a list of one of them")


def parse_toml(text: str) -> dict[str, object]:
    """Parse TOML.

    Raises:
        ProfileFault: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileFault(f"not TOML: {error}") from error
