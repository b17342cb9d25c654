"""What a regulator asks by, read strictly out of texts: a name, a time, an index, a log."""

from __future__ import annotations

import re
from collections.abc import Mapping

from exchange.domain.audit.filters import AuditFilter
from exchange.errors import InvalidField

SEARCH = {
    "member": "whose looks, reports or loans",
    "subject": "a pseudonym that was released to this authority",
    "purpose": "the purpose stated",
    "operator": "the member's own name of who asked",
    "outcome": "NO_DATA, NO_ADVERSE, ADVERSE or WITHHELD",
    "kind": "the kind of leaf, such as query",
    "flag": "a rule: what its flags name as hits",
    "index": "the one entry at this place",
    "from": "unix seconds, the first that counts",
    "to": "unix seconds, the first that does not",
    "year": "the log of another calendar year",
    "proof": "1: a .tlog-proof with each row",
}

_WORD = re.compile(r"[\x21-\x7e]{1,128}")
_SUBJECT = re.compile(r"p:[0-9a-f]{32}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_YEAR = re.compile(r"20[0-9]{2}")


def read_filter(given: Mapping[str, str]) -> AuditFilter:
    """Read what a search is narrowed by.

    Raises:
        InvalidField: one is not of its form; the value is never repeated.
    """
    subject = given.get("subject")
    if subject is not None and not _SUBJECT.fullmatch(subject):
        raise InvalidField("must be p: and 32 hex digits", field="subject")
    words = {
        name: word(given, name)
        for name in ("member", "purpose", "operator", "outcome", "kind", "flag")
    }
    return AuditFilter(
        subject=subject,
        index=number(given, "index"),
        since=number(given, "from"),
        until=number(given, "to"),
        **words,
    )


def word(given: Mapping[str, str], name: str) -> str | None:
    """Read a word of printable ASCII, if it is given."""
    text = given.get(name)
    if text is not None and not _WORD.fullmatch(text):
        raise InvalidField("must be 1 to 128 printable characters without spaces", field=name)
    return text


def number(given: Mapping[str, str], name: str) -> int | None:
    """Read a whole number from 0 on, if it is given (A84: a longer one costs nothing)."""
    text = given.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise InvalidField("must be a whole number from 0 to 10^16", field=name)
    return int(text)


def needed(given: Mapping[str, str], name: str) -> int:
    """Read a whole number that must be given."""
    value = number(given, name)
    if value is None:
        raise InvalidField("must be given", field=name)
    return value


def origin(given: Mapping[str, str], active: str) -> str:
    """Name the log that is meant: the active one, or that of another year."""
    year = given.get("year")
    if year is None:
        return active
    if not _YEAR.fullmatch(year):
        raise InvalidField("must be a calendar year", field="year")
    return f"{active.rpartition('/')[0]}/{year}"


def wants_proof(given: Mapping[str, str]) -> bool:
    """Read whether each row comes with its proof."""
    text = given.get("proof", "0")
    if text not in ("0", "1"):
        raise InvalidField("must be 0 or 1", field="proof")
    return text == "1"
