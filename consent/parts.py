"""The parts of a grant artefact: who, about whom, what, how often, shown how, kept where.

In:  one object of the claims each.
Out: frozen values with the words of consent's closed lists.
Not here: the artefact as a whole and what must agree across parts (artefact.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from .claims import Claims
from .grants import Channel
from .purposes import FINDING_FIELDS, Detail, Fetch

LOOKBACK_MONTHS_MAX = 60
ANSWER_DAYS_MAX = 3_660
EVIDENCE_MONTHS_MAX = 600
USES_MAX = 10_000

MEMBER = re.compile(r"[a-z0-9][a-z0-9_-]{1,38}")
REFERENCE = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,200}")
REFERENCE_RULE = "must be 1 to 200 characters"
_SCHEME = re.compile(r"[a-z]{2}\.(?:ric|uscc|passport|pan|ssn)")
# Never all digits, never shaped like a resident ID: a pseudonym and not an identifier.
_PSEUDONYM = re.compile(r"(?![0-9]+\Z)(?![0-9]{17}[Xx]\Z)[A-Za-z0-9_.:-]{1,64}")
NOTICE_ID = re.compile(r"ntc_[0-9a-z_-]{1,40}")
SEMVER = re.compile(r"(?:0|[1-9][0-9]{0,4})(?:\.(?:0|[1-9][0-9]{0,4})){2}")
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-[A-Z]{2})?")
_MEDIA = re.compile(r"[a-z]{1,20}/[a-z0-9][a-z0-9.+-]{0,80}")
_URI = re.compile(r"https://[!-~]{1,200}")
_PHONE = re.compile(r"\+?[0-9][0-9 -]{2,30}")


class Capacity(StrEnum):
    """In which capacity the person who agreed did so."""

    SELF = "self"
    GUARDIAN = "guardian"
    ATTORNEY = "attorney"
    LEGAL_PERSON = "legal_person"


class Scope(StrEnum):
    """To whom an answer may go."""

    GRANTEE_ONLY = "grantee_only"


class Mode(StrEnum):
    """What the grant lets the exchange do."""

    QUERY = "QUERY"
    STORE = "STORE"  # purpose `contribute` alone


class AgreeAct(StrEnum):
    """By which act the borrower agreed."""

    CHECKBOX = "checkbox"
    CHECKBOX_OTP = "checkbox+otp"
    SIGNATURE = "signature"
    RECORDING = "recording"
    PASSKEY = "passkey"
    WALLET = "wallet"
    NONE = "none"  # told, not asked: a basis other than consent


class EvidenceType(StrEnum):
    """What shows that the borrower agreed."""

    LENDER_ATTESTED = "lender_attested"
    BORROWER_PASSKEY = "borrower_passkey"
    WALLET = "wallet"


EVIDENCE_TYPE_OF_LEVEL: Mapping[int, EvidenceType] = MappingProxyType(
    {
        1: EvidenceType.LENDER_ATTESTED,
        2: EvidenceType.BORROWER_PASSKEY,
        3: EvidenceType.WALLET,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom the grant is about, behind a salted commitment."""

    commit: bytes  # 32 bytes
    id_scheme: str
    ref: str  # the member's pseudonym
    capacity: Capacity
    authority_ref: str | None

    @classmethod
    def read(cls, claims: Claims) -> Subject:
        """Read `subject`: every capacity but `self` names its authority."""
        subject = cls(
            commit=claims.digest("commit"),
            id_scheme=claims.text("id_scheme", _SCHEME, "must be <country>.<identity type>"),
            ref=claims.text("ref", _PSEUDONYM, "must be a pseudonym, and not all digits"),
            capacity=claims.word("capacity", Capacity),
            authority_ref=claims.text_or_none(
                "authority_ref", REFERENCE, "must be 1 to 200 characters"
            ),
        )
        claims.done()
        if (subject.capacity is Capacity.SELF) is not (subject.authority_ref is None):
            raise claims.refused("authority_ref", "goes with every capacity but self")
        return subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How deep an answer under the grant may go."""

    fields: frozenset[str]
    detail: Detail
    lookback_months: int

    @classmethod
    def read(cls, claims: Claims) -> Depth:
        """Read `data`."""
        depth = cls(
            fields=claims.words("fields", FINDING_FIELDS),
            detail=claims.word("detail", Detail),
            lookback_months=claims.whole("lookback_months", 0, LOOKBACK_MONTHS_MAX),
        )
        claims.done()
        if depth.detail is Detail.OUTCOME:
            raise claims.refused("detail", f"must be {Detail.FLAG} or {Detail.BANDS}")
        return depth


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How often the grant may be used."""

    fetch: Fetch
    mode: Mode
    max_uses: int | None
    frequency_max: int | None  # uses in each `frequency_days`
    frequency_days: int | None

    @classmethod
    def read(cls, claims: Claims) -> Use:
        """Read `use`: once has max_uses 1, recurring has a frequency, standing has neither."""
        fetch = claims.word("fetch", Fetch)
        frequency = claims.child("frequency") if claims.has("frequency") else None
        use = cls(
            fetch=fetch,
            mode=claims.word("mode", Mode),
            max_uses=claims.whole("max_uses", 1, USES_MAX) if claims.has("max_uses") else None,
            frequency_max=frequency.whole("max", 1, USES_MAX) if frequency else None,
            frequency_days=frequency.whole("days", 1, ANSWER_DAYS_MAX) if frequency else None,
        )
        if frequency:
            frequency.done()
        claims.done()
        if (fetch is Fetch.RECURRING) is not (frequency is not None):
            raise claims.refused("frequency", "goes with fetch recurring, and with no other")
        if not _uses_fit(fetch, use.max_uses):
            raise claims.refused("max_uses", "must be 1 for once, and absent for standing")
        return use


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeShown:
    """Which notice the borrower saw, and when."""

    id: str
    version: str
    lang: str
    sha256: bytes
    shown_at: int
    separate: bool

    @classmethod
    def read(cls, claims: Claims) -> NoticeShown:
        """Read `notice`."""
        notice = cls(
            id=claims.text("id", NOTICE_ID, "must be ntc_ and an id"),
            version=claims.text("version", SEMVER, "must be three numbers with dots"),
            lang=claims.text("lang", LANGUAGE, "must be a language tag"),
            sha256=claims.digest("sha256"),
            shown_at=claims.whole("shown_at", 0),
            separate=claims.flag("separate"),
        )
        claims.done()
        return notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """How and when the borrower agreed."""

    channel: Channel
    act: AgreeAct
    at: int

    @classmethod
    def read(cls, claims: Claims) -> Collection:
        """Read `collection`."""
        collection = cls(
            channel=claims.word("channel", Channel),
            act=claims.word("act", AgreeAct),
            at=claims.whole("at", 0),
        )
        claims.done()
        return collection


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What shows that the borrower agreed, and who keeps it."""

    level: int
    type: EvidenceType
    sha256: bytes | None
    media: str | None
    held_by: str | None

    @classmethod
    def read(cls, claims: Claims) -> Evidence:
        """Read `evidence`: level 1 names what the lender keeps, by its hash."""
        kept = [claims.has(name) for name in ("sha256", "media", "held_by")]
        evidence = cls(
            level=claims.whole("level", 1, max(EVIDENCE_TYPE_OF_LEVEL)),
            type=claims.word("type", EvidenceType),
            sha256=claims.digest("sha256") if any(kept) else None,
            media=claims.text("media", _MEDIA, "must be a media type") if any(kept) else None,
            held_by=claims.text("held_by", MEMBER, "must be a member's id") if any(kept) else None,
        )
        claims.done()
        if evidence.type is not EVIDENCE_TYPE_OF_LEVEL[evidence.level]:
            raise claims.refused("type", "must be the one of its level")
        if evidence.level == 1 and not all(kept):
            raise claims.refused("sha256", "is missing")
        return evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Where the borrower ends the grant: at least one way."""

    uri: str | None
    phone: str | None

    @classmethod
    def read(cls, claims: Claims) -> Withdrawal:
        """Read `withdrawal`."""
        withdrawal = cls(
            uri=claims.text_or_none("uri", _URI, "must be an https address"),
            phone=claims.text_or_none("phone", _PHONE, "must be a telephone number"),
        )
        claims.done()
        if withdrawal.uri is None and withdrawal.phone is None:
            raise claims.refused("uri", "or phone must be there")
        return withdrawal


def _uses_fit(fetch: Fetch, max_uses: int | None) -> bool:
    if fetch is Fetch.ONCE:
        return max_uses == 1
    return fetch is Fetch.RECURRING or max_uses is None
