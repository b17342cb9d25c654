"""Write the notice that a borrower is owed after a refusal or worse terms.

The frame is a notice of kind `adverse_action` that two people put into the exchange's registry:
title, text, rights, contact. What was decided and why is said in the registered words of this SDK
(`words.toml`, versioned), by reason code. The member speaks; no other lender is named, and the
finding itself is not told: the borrower sees it on the exchange's own page.
Source: records.md 8; consent.md 9; 个人信息保护法 art. 24; FCRA § 615 and Reg B (to be confirmed).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final, TypedDict

from exchange_client._consent.notices import Notice, NoticeKind, NoticeRefused, parse_notice
from exchange_client._consent.profiles import Profile, load_profile
from exchange_client.answers import Outcome
from exchange_client.core.encoding import JSON, b64url
from exchange_client.errors import UsageError
from exchange_client.policy.deciding import REASONS_MAX, Decision
from exchange_client.policy.values import Action
from exchange_client.receipts import Receipt

SENDER_CHARACTERS_MAX: Final = 200


class Words(TypedDict):
    """What the SDK says in one language."""

    decided: str
    decisions: dict[str, str]
    priced: str
    because: str
    reasons: dict[str, str]
    consulted: str
    consulted_without_grant: str
    not_consulted: str
    rights: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A notice of the registry, held against it by `registered`."""

    notice: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who decided, as the borrower knows it, and where a person of it is reached."""

    name: str
    contact: str

    def __post_init__(self) -> None:
        for text in (self.name, self.contact):
            if not 0 < len(text) <= SENDER_CHARACTERS_MAX or not text.isprintable():
                raise UsageError(
                    f"name and contact are one line of 1 to {SENDER_CHARACTERS_MAX} characters"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeText:
    """A notice as the borrower reads it. Keep it: template and words say which version it was."""

    lang: str
    title: str
    body: str  # paragraphs, an empty line between two
    template: str  # id and version, as a record row names it: `ntc_…@1.0.0`
    template_sha256: str  # base64url, of the registered document
    words: str  # version of the SDK's own words
    query_id: str


def notice_owed(decision: Decision) -> bool:
    """Tell whether a notice is owed: no credit, a smaller limit, or a price that was set by it.

    Not yet under REVIEW: there a person decides, and what they decide is told.
    """
    if decision.decision is Action.REVIEW:
        return False
    return decision.decision is not Action.PROCEED or decision.price_band is not None


def registered(document: bytes, registry: Iterable[Mapping[str, JSON]]) -> Template:
    """Return a notice that is live in the exchange's registry, byte for byte.

    Args:
        registry: what `exchange.notices()` lists.

    Raises:
        UsageError: it is no such notice.
    """
    try:
        notice = parse_notice(document)
    except NoticeRefused as error:
        raise UsageError(f"no notice: {error}") from error
    if notice.kind is not NoticeKind.ADVERSE_ACTION:
        raise UsageError(f"the notice is of kind {notice.kind}, not {NoticeKind.ADVERSE_ACTION}")
    wanted = (notice.id, notice.version, notice.lang, b64url(notice.sha256), "live")
    names = ("id", "version", "lang", "sha256", "state")
    if wanted not in (tuple(one.get(name) for name in names) for one in registry):
        raise UsageError(f"{notice.id} {notice.version} is not live in the registry in these words")
    return Template(notice=notice)


def write_notice(
    decision: Decision, receipt: Receipt, template: Template, sender: Sender
) -> NoticeText:
    """Write the notice of one decision, in the language of the template.

    Raises:
        UsageError: no notice is owed, the parts do not belong together, or the SDK has no words
            in that language.
    """
    notice, claims = template.notice, receipt.claims
    _check_together(decision, receipt, notice)
    words = _words(notice.lang)
    paragraphs = [
        notice.filled(notice.text, sender.name, sender.contact),
        _decided(decision, words, sender),
        _reasons(reasons_told(decision, load_profile(notice.jurisdiction)), words),
        _consulted(receipt, words),
        _filled(
            words["rights"],
            rights=notice.filled(notice.summary["rights"], sender.name, sender.contact),
        ),
        _filled(words["person"], contact=sender.contact),
    ]
    return NoticeText(
        lang=notice.lang,
        title=notice.filled(notice.title, sender.name, sender.contact),
        body="\n\n".join(one for one in paragraphs if one),
        template=f"{notice.id}@{notice.version}",
        template_sha256=b64url(notice.sha256),
        words=_version(),
        query_id=claims.jti,
    )


def reasons_told(decision: Decision, profile: Profile) -> tuple[str, ...]:
    """Return the reasons that a notice gives: as many as its jurisdiction says, at most four."""
    most = profile.adverse_reasons_max
    return decision.reasons[: REASONS_MAX if most is None else min(most, REASONS_MAX)]


def _check_together(decision: Decision, receipt: Receipt, notice: Notice) -> None:
    claims = receipt.claims
    jurisdiction = claims.profile.partition("@")[0].upper()
    for holds, detail in (
        (notice_owed(decision), "no notice is owed: nothing worse is decided"),
        (decision.query_id == claims.jti, "the decision rests on another receipt"),
        (notice.purpose == claims.purpose, "the notice is for another purpose"),
        (notice.jurisdiction == jurisdiction, "the notice is of another jurisdiction"),
    ):
        if not holds:
            raise UsageError(detail)


def _decided(decision: Decision, words: Words, sender: Sender) -> str:
    told = [_filled(words["decided"], member=sender.name), words["decisions"][decision.decision]]
    if decision.apr_bp is not None:
        told.append(_filled(words["priced"], apr=str(Decimal(decision.apr_bp) / 100)))
    return " ".join(told)


def _reasons(codes: tuple[str, ...], words: Words) -> str:
    told = [words["reasons"][code] for code in codes]
    return "\n".join([words["because"], *(f"- {one}" for one in told)]) if told else ""


def _consulted(receipt: Receipt, words: Words) -> str:
    claims = receipt.claims
    if claims.outcome == Outcome.WITHHELD:
        return words["not_consulted"]
    moment = datetime.fromtimestamp(claims.iat, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if claims.grant is None:
        return _filled(words["consulted_without_grant"], moment=moment)
    return _filled(words["consulted"], moment=moment, grant=claims.grant)


def _filled(text: str, **places: str) -> str:
    """Put values into a text once: braces in a value stay what they are."""
    parts = text.split("{")
    told = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition("}")
        told.append(places[name] + rest)
    return "".join(told)


def _words(lang: str) -> Words:
    words: Mapping[str, Words] = _all()["words"]
    found = next((words[one] for one in words if lang == one or lang.startswith(f"{one}-")), None)
    if found is None:
        raise UsageError(f"there are no words in {lang}, only in {', '.join(words)}")
    return found


def _version() -> str:
    return _all()["version"]


class _All(TypedDict):
    version: str
    words: dict[str, Words]


@cache
def _all() -> _All:
    read = tomllib.loads(files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))
    return _All(version=read["version"], words=read["words"])
