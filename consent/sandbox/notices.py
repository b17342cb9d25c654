"""Synthetic notices, so that a sandbox and tests have something registered to show.

In:  a profile.
Out: one document for each purpose and language, and one pre-listing notice for each language;
     and the frames of adverse-action notices, for the purposes that credit is decided under.
No consortium should show them to a person: they are approved by nobody.
"""

from __future__ import annotations

import json
import tomllib
from functools import cache
from importlib.resources import files
from typing import TypedDict

from ..notices import NoticeKind
from ..profiles import Profile
from ..purposes import GRANT_PURPOSES, Purpose

SANDBOX_VERSION = "1.0.0"
PRE_LISTING_ID = "ntc_sandbox_pre_listing"
ADVERSE_PURPOSES = (Purpose.ACCOUNT_REVIEW, Purpose.CREDIT_APPLICATION, Purpose.GUARANTOR_CHECK)


class _Texts(TypedDict):
    title: str
    text: str
    adverse: str
    summary: dict[str, str]
    aims: dict[str, str]


def sandbox_notice_id(purpose: str) -> str:
    """Return the id of the sandbox's consent notice for a purpose."""
    return f"ntc_sandbox_{purpose}"


def sandbox_notice(purpose: str, lang: str, jurisdiction: str) -> bytes:
    """Return the synthetic consent notice of a purpose, as a document."""
    return _document(sandbox_notice_id(purpose), NoticeKind.CONSENT, purpose, lang, jurisdiction)


def sandbox_notices(profile: Profile) -> tuple[bytes, ...]:
    """Return every notice that a sandbox of this profile registers."""
    return tuple(
        document
        for lang in profile.languages
        for document in (
            *(sandbox_notice(purpose, lang, profile.id) for purpose in sorted(GRANT_PURPOSES)),
            _document(PRE_LISTING_ID, NoticeKind.PRE_LISTING, Purpose.CONTRIBUTE, lang, profile.id),
        )
    )


def sandbox_adverse_notices(profile: Profile) -> tuple[bytes, ...]:
    """Return the frames that a sandbox registers for notices after a refusal or worse terms."""
    return tuple(
        _document(
            f"ntc_sandbox_adverse_{purpose}", NoticeKind.ADVERSE_ACTION, purpose, lang, profile.id
        )
        for lang in profile.languages
        for purpose in ADVERSE_PURPOSES
    )


def _document(
    notice_id: str, kind: NoticeKind, purpose: str, lang: str, jurisdiction: str
) -> bytes:
    texts = _texts()["zh" if lang.startswith("zh") else "en"]
    aim = texts["aims"][str(purpose)]
    said = texts["adverse" if kind is NoticeKind.ADVERSE_ACTION else "text"]
    members = {
        "id": notice_id,
        "version": SANDBOX_VERSION,
        "lang": lang,
        "kind": kind.value,
        "jurisdiction": jurisdiction,
        "purpose": str(purpose),
        "title": texts["title"].replace("{aim}", aim),
        "text": said.replace("{aim}", aim),
        "summary": {part: text.replace("{aim}", aim) for part, text in texts["summary"].items()},
    }
    return json.dumps(members, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


@cache
def _texts() -> dict[str, _Texts]:
    text = files(__package__).joinpath("notices.toml").read_text(encoding="utf-8")
    read: dict[str, _Texts] = {}
    for lang, table in tomllib.loads(text).items():
        read[lang] = _Texts(
            title=table["title"],
            text=table["text"],
            adverse=table["adverse"],
            summary=table["summary"],
            aims=table["aims"],
        )
    return read
