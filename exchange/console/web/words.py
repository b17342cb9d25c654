"""The words of the pages, by language: the same TOML files with the same keys for each.

A text may name values in braces. They are put in as they are and escaped where the page is
rendered, like every other text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

FOLDER = Path(__file__).parent.parent / "words"
LANGUAGES = ("en", "zh-CN")  # the first one is for whom none fits


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    language: str  # BCP 47
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its values put in.

        Raises:
            KeyError: there is no such text; a test of every page finds it.
        """
        return self.texts[key].format(**values)

    def day(self, when: int, zone: str) -> str:
        """Write the calendar day of a moment (unix seconds) in an IANA time zone."""
        moment = datetime.fromtimestamp(when, ZoneInfo(zone))
        month = self.texts[f"month.{moment.month}"]
        return self("form.day", day=moment.day, month=month, year=moment.year)

    def moment(self, when: int, zone: str) -> str:
        """Write day and minute of a moment (unix seconds) in an IANA time zone."""
        clock = datetime.fromtimestamp(when, ZoneInfo(zone)).strftime("%H:%M")
        return self("form.moment", day=self.day(when, zone), clock=clock)


def load_words() -> dict[str, Words]:
    """Read the words of every language."""
    return {language: _words(language) for language in LANGUAGES}


@cache
def _words(language: str) -> Words:
    texts: dict[str, str] = {}
    for path in sorted((FOLDER / language).glob("*.toml")):
        texts |= _flat(tomllib.loads(path.read_text(encoding="utf-8")))
    return Words(language, texts)


def choose_language(wanted: str | None, accepted: str) -> str:
    """Return the language for a person.

    Args:
        wanted: what the person, or the notice they were shown, said; None if nothing.
        accepted: the browser's Accept-Language header.
    """
    if wanted in LANGUAGES:
        return wanted
    offered = [part.partition(";")[0].strip().lower() for part in accepted.split(",")]
    for offer in offered:
        for language in LANGUAGES:
            if offer and language.lower().split("-")[0] == offer.split("-")[0]:
                return language
    return LANGUAGES[0]


def _flat(table: Mapping[str, object], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{key}.")
        elif isinstance(value, str):
            yield f"{path}{key}", value
