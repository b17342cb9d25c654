"""Tell the name of an input that no policy may use, in any language of the profiles.

A name is read as words: `borrower_age` is one of them, `average` is not.
Source: records.md 8; the words stand in `forbidden.toml`. It is a net for honest mistakes: a name
can lie, and whoever approves a policy must look.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LATIN: Final = re.compile(r"[a-z]+")


def forbidden_word(name: str) -> str | None:
    """Return the forbidden word in the name of an input, None if there is none."""
    words, parts = _lists()
    plain = _HUMP.sub("_", unicodedata.normalize("NFKC", name)).casefold()
    # Accents are left out as often as written.
    bare = "".join(one for one in unicodedata.normalize("NFD", plain) if not _is_accent(one))
    found = [one for one in _LATIN.findall(bare) if one in words]
    found += [one for one in parts if one in plain]
    return found[0] if found else None


def _is_accent(character: str) -> bool:
    return "\u0300" <= character <= "\u036f"


@cache
def _lists() -> tuple[frozenset[str], tuple[str, ...]]:
    text = files(__package__).joinpath("forbidden.toml").read_text(encoding="utf-8")
    read: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    # As names are compared: composed letters of NFKC, lower case.
    parts = [unicodedata.normalize("NFKC", one) for of in read["parts"].values() for one in of]
    return frozenset(one for of in read["words"].values() for one in of), tuple(parts)
