"""Bring an identifier into its one normal form, `norm_v1`, in the member's own process.

In:  the type, the country, the text as the member holds it, and the day it is checked on.
Out: an `Identifier`; its `oprf_input()` is what gets blinded, and nothing else of it leaves.
Not here: names, addresses and guesses. What is not certain is refused, and the refusal names the
rule and never the value. `norm_v1` never changes: another rule is `norm_v2` and a new epoch.

Source: records.md 1; the steps are numbered as there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal

from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from exchange_client.identifier_rules import (
    RULES,
    TEXT_CHARACTERS_MAX,
    birth_date,
    invalid,
    rule_of,
)

MIN_AGE_YEARS = 18  # whole years; the profile may set another

# Closed, unlike NFKC, which follows the interpreter's version of Unicode.
_CHARACTERS = (
    {chr(code): chr(code) for code in range(0x20, 0x7F)}
    | {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}  # full-width forms
    | dict.fromkeys("\u3000\u00a0", " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
)


def normalise(id_type: str, country: str, text: str, today: date | None = None) -> str:
    """Return the number in its normal form.

    Args:
        country: ISO 3166-1 alpha-2 in capitals; `ZZ` for a mobile number.
        today: the day a date of birth may not lie after; by default today, UTC.

    Raises:
        InvalidIdentifier: its code names the rule, e.g. `identifier.checksum`.
    """
    rule = rule_of(id_type, country)
    if not 1 <= len(text) <= TEXT_CHARACTERS_MAX:  # step 1
        raise invalid("identifier.length")
    mapped = [_CHARACTERS.get(character, "") for character in text]  # step 2
    if "" in mapped:
        raise invalid("identifier.characters")
    kept = [character for character in mapped if character not in rule.separators]  # step 3
    number = "".join(kept).rstrip(rule.fillers).upper()  # step 4: what is left is ASCII
    if not rule.pattern.fullmatch(number):  # step 5
        raise invalid("identifier.format")
    return rule.finish(number, today or datetime.now(UTC).date())  # steps 6 and 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """One subject's identifier in normal form. It never leaves the member, nor shows in `repr`."""

    id_type: str
    country: str  # ISO 3166-1 alpha-2, or ZZ
    number: str = field(repr=False)

    def __post_init__(self) -> None:
        # Whether a birth date lies in the future is `parse`'s question: here no day is known.
        if normalise(self.id_type, self.country, self.number, date.max) != self.number:
            raise invalid("identifier.format")

    @classmethod
    def parse(cls, id_type: str, country: str, text: str, today: date | None = None) -> Identifier:
        """Normalise a text and keep the result.

        Raises:
            InvalidIdentifier: its code names the rule, e.g. `identifier.checksum`.
        """
        return cls(
            id_type=id_type, country=country, number=normalise(id_type, country, text, today)
        )

    def oprf_input(self) -> bytes:
        """Return the bytes that are blinded. Source: protocol.md 1.2."""
        return f"cx/subject/v1\n{self.id_type}\n{self.country}\n{self.number}".encode("ascii")

    @property
    def kind(self) -> Literal["identity", "contact"]:
        """Whether the token names the subject, or only a way to reach them."""
        return RULES[self.id_type].kind

    @property
    def scheme(self) -> str:
        """The name of this kind of identifier in consent artefacts, e.g. `cn.ric`."""
        return f"{self.country.lower()}.{self.id_type}"

    @property
    def birth_date(self) -> date | None:
        """The day of birth, where the number tells it."""
        return birth_date(self.number) if self.id_type == "ric" else None


def check_age(identifier: Identifier, on: date, min_age_years: int = MIN_AGE_YEARS) -> None:
    """Refuse a subject whose number says that they were too young on that day.

    Numbers that tell no date of birth pass. Who is born on 29 February comes of age on 1 March.

    Raises:
        InvalidIdentifier: `identifier.minor`.
    """
    born = identifier.birth_date
    if born is None:
        return
    before_birthday = (on.month, on.day) < (born.month, born.day)
    if on.year - born.year - before_birthday < min_age_years:
        raise invalid("identifier.minor")


def warnings(identifier: Identifier) -> tuple[str, ...]:
    """Name what looks odd, for a person to look at; it refuses nothing and changes nothing.

    Out of `region_unknown`, `org_check` and `phone_implausible`. The tables behind the first and
    the last come with libraries and change with their releases.
    """
    doubt = _DOUBTS.get(identifier.id_type)
    return (doubt.warning,) if doubt is not None and doubt.holds(identifier.number) else ()


def _region_unknown(number: str) -> bool:
    """Tell whether no such county is known for the year of birth."""
    try:
        ric.get_birth_place(number)
    except ValidationError:
        return True
    return False


def _organisation_unsound(number: str) -> bool:
    """Tell whether the code inside lacks its own check character. Source: GB 11714-1997."""
    organisation, check = number[8:16], number[16]
    weighted = zip(organisation, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    return check != "0123456789X0"[11 - sum(int(c, 36) * weight for c, weight in weighted) % 11]


def _phone_implausible(number: str) -> bool:
    """Tell whether no number plan is known that holds this number."""
    import phonenumbers  # Here, for it takes longer to load than all the rest.

    try:
        return not phonenumbers.is_valid_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    warning: str
    holds: Callable[[str], bool]


_DOUBTS = {
    "ric": _Doubt(warning="region_unknown", holds=_region_unknown),
    "uscc": _Doubt(warning="org_check", holds=_organisation_unsound),
    "mobile": _Doubt(warning="phone_implausible", holds=_phone_implausible),
}
