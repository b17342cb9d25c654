"""Notices: what a person was told before agreeing, or before being listed; versioned, never edited.

In:  a notice as one JSON document, byte for byte; and what an artefact says was shown.
Out: a frozen Notice, addressed by the SHA-256 of its bytes; or NoticeRefused.
Not here: who approves (the registry asks for two people), and where texts are kept.

The document may name the member that shows it as `{member}` and `{contact}`: the artefact's grantee
fills them in, so one approved text serves every member and still names the recipient.
Source: 个人信息保护法 art. 17, 23, 30; 征信业管理条例 art. 15, 18.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from .artefact import Artefact
from .claims import ArtefactRefused, Step
from .parts import LANGUAGE, NOTICE_ID, SEMVER
from .purposes import GRANT_PURPOSES, Purpose

DOCUMENT_BYTES_MAX = 32_768
TITLE_CHARACTERS_MAX = 200
TEXT_CHARACTERS_MAX = 8_000
PART_CHARACTERS_MAX = 1_000
APPROVERS_MIN = 2

_MEMBERS = frozenset(
    {"id", "version", "lang", "kind", "jurisdiction", "purpose", "title", "text", "summary"}
)
SUMMARY_PARTS = (
    "recipient",  # with contact
    "purpose",
    "method",
    "data",
    "retention",
    "rights",
    "withdrawal",
)
_JURISDICTION = re.compile(r"[A-Z]{2}")
_PLACE = re.compile(r"\{(.*?)\}|[{}]", re.DOTALL)
_PLACES = frozenset({"member", "contact"})
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_E = TypeVar("_E", bound=StrEnum)


class NoticeKind(StrEnum):
    """When a notice is given, and by whom."""

    CONSENT = "consent"  # by the grantee, before agreement
    PRE_LISTING = "pre_listing"  # by the contributor, before an adverse listing
    POST_LISTING = "post_listing"  # by the contributor, after it
    ON_ACCESS = "on_access"  # after a look, where the profile asks
    ADVERSE_ACTION = "adverse_action"  # by the asker, after a refusal or worse terms
    DUTY_TO_STOP = "duty_to_stop"  # by the exchange to the grantee


class NoticeRefused(Exception):
    """A notice is refused; the message names the member and what was expected there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One text in one language, for one purpose under one jurisdiction."""

    id: str
    version: str  # three numbers: a greater first one asks for fresh consent
    lang: str
    kind: NoticeKind
    jurisdiction: str
    purpose: Purpose
    title: str
    text: str
    summary: Mapping[str, str]  # each of SUMMARY_PARTS
    sha256: bytes  # of the document

    def filled(self, text: str, member: str, contact: str) -> str:
        """Return a text of the notice as the borrower reads it, its recipient named."""
        return text.replace("{member}", member).replace("{contact}", contact)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredNotice:
    """What the registry knows of a notice that an artefact names."""

    sha256: bytes
    kind: str
    jurisdiction: str
    purpose: str
    approvers: int
    retired_at: int | None  # unix seconds, first second in which no new artefact may name it


def parse_notice(document: bytes) -> Notice:
    """Read a notice.

    Raises:
        NoticeRefused: a member is missing, unknown, too long, or not what it must be.
    """
    members = _read(document)
    if members.keys() != _MEMBERS:
        raise NoticeRefused(f"must have exactly {', '.join(sorted(_MEMBERS))}")
    notice = Notice(
        id=_fitting(members, "id", NOTICE_ID),
        version=_fitting(members, "version", SEMVER),
        lang=_fitting(members, "lang", LANGUAGE),
        kind=_word(members, "kind", NoticeKind),
        jurisdiction=_fitting(members, "jurisdiction", _JURISDICTION),
        purpose=_word(members, "purpose", Purpose),
        title=_text(members, "title", TITLE_CHARACTERS_MAX),
        text=_text(members, "text", TEXT_CHARACTERS_MAX),
        summary=_summary(members["summary"]),
        sha256=hashlib.sha256(document).digest(),
    )
    if notice.purpose not in GRANT_PURPOSES:
        raise NoticeRefused("purpose: must be one that a grant is given for")
    return notice


def needs_fresh_consent(shown: str, newest: str) -> bool:
    """Tell whether a newer version says so much else that the borrower must be asked again."""
    return version_key(newest)[0] > version_key(shown)[0]


def version_key(version: str) -> tuple[int, ...]:
    """Return what versions sort by."""
    return tuple(int(number) for number in version.split("."))


def check_notice(artefact: Artefact, registered: RegisteredNotice | None, now: int) -> None:
    """Hold what an artefact says was shown against the registry.

    Args:
        registered: the notice of this id, version and language; None where there is none.

    Raises:
        ArtefactRefused: at step `notice`, by the field that does not agree.
    """
    if registered is None:
        raise ArtefactRefused(
            Step.NOTICE, "notice/id", "is not registered in this version and language"
        )
    retired = registered.retired_at is not None and now >= registered.retired_at
    for field, holds, expected in (
        ("notice/sha256", artefact.notice.sha256 == registered.sha256, "is not the registered one"),
        ("notice/id", registered.kind == NoticeKind.CONSENT, "is of another kind"),
        ("notice/id", registered.purpose == artefact.purpose, "is of another purpose"),
        (
            "notice/id",
            registered.jurisdiction == artefact.jurisdiction,
            "is of another jurisdiction",
        ),
        ("notice/id", registered.approvers >= APPROVERS_MIN, "is not approved by two people"),
        ("notice/version", not retired, "is retired"),
    ):
        if not holds:
            raise ArtefactRefused(Step.NOTICE, field, expected)


def _read(document: bytes) -> dict[str, object]:
    if len(document) > DOCUMENT_BYTES_MAX:
        raise NoticeRefused(f"must be at most {DOCUMENT_BYTES_MAX} bytes")
    try:
        value = json.loads(document.decode("utf-8"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise NoticeRefused("must be one JSON object, without a name twice") from error
    if not isinstance(value, dict):
        raise NoticeRefused("must be one JSON object")
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError  # Told by whoever reads.
    return members


def _fitting(members: dict[str, object], name: str, pattern: re.Pattern[str]) -> str:
    value = members[name]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise NoticeRefused(f"{name}: is not of its form")
    return value


def _word(members: dict[str, object], name: str, words: type[_E]) -> _E:
    for word in words:
        if word == members[name]:
            return word
    raise NoticeRefused(f"{name}: must be one of {', '.join(words)}")


def _text(members: dict[str, object], name: str, characters_max: int) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= characters_max:
        raise NoticeRefused(f"{name}: must be a text of 1 to {characters_max} characters")
    if _CONTROL.search(value):
        raise NoticeRefused(f"{name}: must have no control character but line feeds")
    if any(match[1] not in _PLACES for match in _PLACE.finditer(value)):
        raise NoticeRefused(f"{name}: braces stand around member or contact alone")
    return value


def _summary(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or value.keys() != set(SUMMARY_PARTS):
        raise NoticeRefused(f"summary: must have exactly {', '.join(SUMMARY_PARTS)}")
    summary = {part: _text(value, part, PART_CHARACTERS_MAX) for part in SUMMARY_PARTS}
    if not all(place in summary["recipient"] for place in ("{member}", "{contact}")):
        raise NoticeRefused("summary/recipient: must name {member} and {contact}")
    return MappingProxyType(summary)
