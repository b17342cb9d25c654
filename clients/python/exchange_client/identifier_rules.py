"""The rules of `norm_v1`, one per type: pattern, check digit, content.

In:  a type and a country, then text that is mapped to ASCII capitals without separators.
Out: the number in its normal form, or a refusal that names the rule and never the value.
Nothing here may change: another rule is `norm_v2` and a new epoch.

Source: records.md 1; the steps are numbered as there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from stdnum.cn import ric, uscc

from exchange_client.errors import InvalidIdentifier

TEXT_CHARACTERS_MAX = 64  # Unicode code points
BIRTH_YEAR_MIN = 1900  # no date of this protocol lies before it

_EXPECTED = {
    "identifier.type": "the types are ric, uscc, passport, mobile, pan and ssn",
    "identifier.country": "this type is not issued there, or the code is no ISO 3166-1 alpha-2",
    "identifier.length": f"1 to {TEXT_CHARACTERS_MAX} characters are read",
    "identifier.characters": "a character stands in it that no document of this kind bears",
    "identifier.format": "it has not the pattern of its type",
    "identifier.checksum": "its check digit does not fit",
    "identifier.date": "its date of birth is not a day from 1900 to today",
    "identifier.dummy": "it is a number that is never issued",
    "identifier.minor": "the subject is too young",
}

# ISO 3166-1 alpha-2 as of norm_v1: a closed list, so that no release of a library changes it.
_STATES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """.split()  # noqa: SIM905 - 249 quoted codes would hide a missing one
)

# Printed in advertisements and leaflets, hence on thousands of forms.
# Source: python-stdnum, us.ssn; frozen here because norm_v1 is.
_SSN_DUMMIES = frozenset({"078051120", "219099999", "457555462"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one type asks for."""

    kind: Literal["identity", "contact"]
    countries: frozenset[str]
    separators: str  # removed wherever they stand
    fillers: str  # removed at the end
    pattern: re.Pattern[str]  # steps 3 and 4 come before it
    finish: Callable[[str, date], str]  # steps 6 and 7: the number, or a refusal


def invalid(code: str) -> InvalidIdentifier:
    """Make the refusal that says which rule was broken, and what it expects."""
    return InvalidIdentifier(code, _EXPECTED[code])


def rule_of(id_type: str, country: str) -> Rule:
    """Return the rule of a type in a country.

    Raises:
        InvalidIdentifier: `identifier.type` or `identifier.country`.
    """
    rule = RULES.get(id_type)
    if rule is None:
        raise invalid("identifier.type")
    if country not in rule.countries:
        raise invalid("identifier.country")
    return rule


def birth_date(number: str) -> date:
    """Return the day of birth that an 18-digit resident ID tells."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def _finish_ric(number: str, today: date) -> str:
    """Check a resident ID, a 15-digit one after it is brought to 18. Source: GB 11643-1999."""
    if len(number) == 15:
        # Order codes 996 to 999 were for those born before 1900: the century is not known.
        if number[12:] >= "996":
            raise invalid("identifier.date")
        number = f"{number[:6]}19{number[6:]}"
        number += ric.calc_check_digit(f"{number}0")
    elif number[-1] != ric.calc_check_digit(number):
        raise invalid("identifier.checksum")
    try:
        born = birth_date(number)
    except ValueError:
        raise invalid("identifier.date") from None
    if born.year < BIRTH_YEAR_MIN or born > today:
        raise invalid("identifier.date")
    return number


def _finish_uscc(number: str, _today: date) -> str:
    """Check an organisation's code. Source: GB 32100-2015."""
    if number[-1] != uscc.calc_check_digit(number):
        raise invalid("identifier.checksum")
    return number


def _finish_passport(number: str, _today: date) -> str:
    """Check and drop the printed check digit. Source: ICAO 9303-3, 4.9.

    Only the machine-readable field has one: nine places, filled up with `<`, then the digit.
    """
    if len(number) < 10:
        return number
    total = sum(
        (0 if character == "<" else int(character, 36)) * weight
        for character, weight in zip(number[:9], (7, 3, 1) * 3, strict=True)
    )
    if total % 10 != int(number[9]):
        raise invalid("identifier.checksum")
    return number[:9].rstrip("<")


def _finish_mobile(number: str, _today: date) -> str:
    """Write the international prefix as a plus sign. Source: ITU-T E.164."""
    return "+" + number.removeprefix("00").removeprefix("+")


def _finish_pan(number: str, _today: date) -> str:
    """Refuse serial 0000: they start at 0001. The check letter's formula is not public."""
    if number[5:9] == "0000":
        raise invalid("identifier.dummy")
    return number


def _finish_ssn(number: str, _today: date) -> str:
    """Refuse what was never issued; there is no check digit. Source: SSA."""
    area, group, serial = number[:3], number[3:5], number[5:]
    never_issued = area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000"
    if never_issued or number in _SSN_DUMMIES:
        raise invalid("identifier.dummy")
    return number


RULES = {
    "ric": Rule(
        kind="identity",
        countries=frozenset({"CN"}),
        separators=" -",
        fillers="",
        pattern=re.compile(r"[1-9][0-9]{16}[0-9X]|[1-9][0-9]{14}"),
        finish=_finish_ric,
    ),
    "uscc": Rule(
        kind="identity",
        countries=frozenset({"CN"}),
        separators=" -",
        fillers="",
        pattern=re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}"),
        finish=_finish_uscc,
    ),
    "passport": Rule(
        kind="identity",
        countries=_STATES,
        separators=" -",
        fillers="<",
        pattern=re.compile(r"[A-Z0-9]{5,9}|(?=.{10}\Z)[A-Z0-9]{5,9}<*[0-9]"),
        finish=_finish_passport,
    ),
    "mobile": Rule(
        kind="contact",
        countries=frozenset({"ZZ"}),
        separators=" -().",
        fillers="",
        pattern=re.compile(r"(?:\+|00)(?:861[3-9][0-9]{9}|(?!86)[1-9][0-9]{6,14})"),
        finish=_finish_mobile,
    ),
    "pan": Rule(
        kind="identity",
        countries=frozenset({"IN"}),
        separators=" -",
        fillers="",
        pattern=re.compile(r"[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]"),
        finish=_finish_pan,
    ),
    "ssn": Rule(
        kind="identity",
        countries=frozenset({"US"}),
        separators=" -",
        fillers="",
        pattern=re.compile(r"[0-9]{9}"),
        finish=_finish_ssn,
    ),
}
