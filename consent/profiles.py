"""Jurisdiction profiles: one country's rules as a file, read strictly, frozen.

In:  `consent/profiles/<id>.toml`; each value names an act and article, or the counsel's question.
Out: a Profile of plain typed values, and the list of what counsel has yet to confirm.
Not here: what the values are used for, and the settings that name a counsel reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from .policies import Policy, read_policies
from .profile_values import ProfileFault, Sheet, Value, parse_toml
from .purposes import Purpose

PROFILE_IDS = ("CN", "IN", "UK", "US", "KE")
_PLAIN = frozenset({"id", "version", "languages", "policy"})
REFERENCE_CHARACTERS_MAX = 400
_EDGES = 5  # six amount bands: none, and one from each edge


class LegalBasis(StrEnum):
    """On what a report or a look rests."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    LEGITIMATE_INTEREST = "legitimate_interest"
    PERMISSIBLE_PURPOSE = "permissible_purpose"
    PUBLIC_TASK = "public_task"


_BASES = frozenset(basis.value for basis in LegalBasis)


class Effect(StrEnum):
    """What a dispute, or an overdue answer to one, does to a record in findings."""

    FLAG = "FLAG"
    WITHHOLD = "WITHHOLD"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One version of one jurisdiction's rules. `values` holds each with its authority."""

    id: str
    version: int
    ref: str  # what grants, leaves and receipts carry, such as cn@1
    languages: tuple[str, ...]
    currency: str  # ISO 4217
    currency_exponent: int  # minor units are 10 to the minus this many units
    timezone: str  # IANA, the default of members' dates
    legal_bases: tuple[str, ...]
    contribute_bases: tuple[str, ...]  # codes that may stand in a row instead of a grant
    objection_ends: bool
    separate_consent: bool
    cross_border: str
    retention_years: int
    retention_from: str  # ended_on, first_overdue_on or default
    retention_bankruptcy_years: int | None
    never_adverse_months: int  # after closed_on
    storage_only: bool
    access_log_years: int
    inquiry_trail_months: int  # queries shown to the borrower
    inquiry_trail_employment_months: int | None
    notice_days_before: int | None  # None: no such notice
    notice_days_after: int | None  # None: no such notice
    on_access: bool
    adverse_action: bool
    adverse_reasons_max: int | None
    dispute_days: int
    extension_days: int
    member_answer_days: int | None
    member_told_business_days: int | None
    late_compensation_minor: int  # a day, to the borrower
    dispute_effect: Effect
    overdue_effect: Effect
    statement: bool
    correction_notice_months: int
    smallest_overdue_minor: int  # 0: any sum is reported
    buckets: tuple[int, ...]  # days
    bucket_edge: str  # last_day or first_day: which side of a bucket each number is
    non_performing_days: int  # over this many days past due
    non_performing_microfinance_days: int | None
    adverse_bucket_min: int
    lookback_months: int
    unvouched_days: int
    min_age_years: int
    amount_edges_minor: tuple[int, ...]  # first sums of bands 1 to 5
    cut: str  # live or daily
    odd_hours: tuple[int, int] | None  # from and to, whole hours of the day
    free_reports: int | None  # a year
    evidence_days: int  # to show the evidence of a sampled grant
    further: tuple[str, ...]
    policy: Mapping[Purpose, Policy]
    values: tuple[Value, ...]


@cache
def load_profile(profile_id: str) -> Profile:
    """Return the profile of this id, read once.

    Raises:
        ProfileFault: there is no such profile, or its file is refused.
    """
    if profile_id not in PROFILE_IDS:
        raise ProfileFault(f"unknown profile: must be one of {', '.join(PROFILE_IDS)}")
    return parse_profile(_bytes(profile_id).decode("utf-8"))


def profile_sha256(profile_id: str) -> bytes:
    """Return the SHA-256 of a profile's file: what people put in force."""
    return hashlib.sha256(_bytes(profile_id)).digest()


def _bytes(profile_id: str) -> bytes:
    return files(__package__).joinpath("profiles", f"{profile_id.lower()}.toml").read_bytes()


def unconfirmed(profile: Profile) -> tuple[Value, ...]:
    """Return the values that counsel has to confirm before a deployment relies on them."""
    return tuple(value for value in profile.values if not value.confirmed)


def read_references(text: str, profile: Profile) -> Mapping[str, str]:
    """Return counsel's references to values of this version of this profile, by key.

    Another version's references do not count: what they confirmed may have changed.

    Raises:
        ProfileFault: it is not TOML, or a reference is no text or names a key that needs none.
    """
    table = parse_toml(text).get(profile.ref, {})
    if not isinstance(table, dict):
        raise ProfileFault(f"{profile.ref}: must be a table")
    asked = {value.key for value in unconfirmed(profile)}
    for key, reference in table.items():
        if key not in asked:
            raise ProfileFault(f"{profile.ref}: {key}: is no value that counsel has to confirm")
        if not isinstance(reference, str) or not 1 <= len(reference) <= REFERENCE_CHARACTERS_MAX:
            raise ProfileFault(f"{profile.ref}: {key}: must be a text, where counsel says so")
    return table


def unreferenced(profile: Profile, references: Mapping[str, str]) -> tuple[Value, ...]:
    """Return the values that neither a source nor counsel stands behind."""
    return tuple(value for value in unconfirmed(profile) if value.key not in references)


def parse_profile(text: str) -> Profile:
    """Read one profile file.

    Raises:
        ProfileFault: a key is missing or unknown, or a value has the wrong type, unit or authority.
    """
    tables = parse_toml(text)
    profile_id, _, _ = _plain(tables)
    lawful = {key: table for key, table in tables.items() if key not in _PLAIN}
    profile = _read(tables, Sheet(profile_id, lawful))
    _check(profile)
    return profile


def _read(tables: dict[str, object], sheet: Sheet) -> Profile:
    """Read every key, one line each: over the budget of lines because a profile has so many."""
    profile_id, version, languages = _plain(tables)
    currency = sheet.word("currency")
    return Profile(
        id=profile_id,
        version=version,
        ref=f"{profile_id.lower()}@{version}",
        languages=languages,
        currency=currency,
        currency_exponent=sheet.whole("currency_exponent"),
        timezone=sheet.word("timezone"),
        legal_bases=sheet.words("legal_bases", _BASES),
        contribute_bases=sheet.words("contribute_bases", _BASES),
        objection_ends=sheet.flag("objection_ends"),
        separate_consent=sheet.flag("separate_consent"),
        cross_border=sheet.word("cross_border", {"none", "separate_consent"}),
        retention_years=sheet.whole("retention", "years"),
        retention_from=sheet.starts("retention", {"ended_on", "first_overdue_on", "default"}),
        retention_bankruptcy_years=sheet.whole_or_none("retention_bankruptcy", "years"),
        never_adverse_months=sheet.whole("never_adverse", "months"),
        storage_only=sheet.flag("storage_only"),
        access_log_years=sheet.whole("access_log", "years"),
        inquiry_trail_months=sheet.whole("inquiry_trail", "months"),
        inquiry_trail_employment_months=sheet.whole_or_none("inquiry_trail_employment", "months"),
        notice_days_before=sheet.whole_or_none("notice_days_before", "days"),
        notice_days_after=sheet.whole_or_none("notice_days_after", "days"),
        on_access=sheet.flag("on_access"),
        adverse_action=sheet.flag("adverse_action"),
        adverse_reasons_max=sheet.whole_or_none("adverse_reasons_max"),
        dispute_days=sheet.whole("dispute_days", "days"),
        extension_days=sheet.whole("extension_days", "days"),
        member_answer_days=sheet.whole_or_none("member_answer_days", "days"),
        member_told_business_days=sheet.whole_or_none("member_told", "business_days"),
        late_compensation_minor=sheet.money_minor("late_compensation", currency),
        dispute_effect=Effect(sheet.word("dispute_effect", {Effect.FLAG, Effect.WITHHOLD})),
        overdue_effect=Effect(sheet.word("overdue_effect", {Effect.WITHHOLD, Effect.DELETE})),
        statement=sheet.flag("statement"),
        correction_notice_months=sheet.whole("correction_notice", "months"),
        smallest_overdue_minor=sheet.money_minor("smallest_overdue", currency),
        buckets=sheet.rising("buckets", "days"),
        bucket_edge=sheet.starts("buckets", {"last_day", "first_day"}),
        non_performing_days=sheet.whole("non_performing", "days"),
        non_performing_microfinance_days=sheet.whole_or_none("non_performing_microfinance", "days"),
        adverse_bucket_min=sheet.whole("adverse_bucket_min"),
        lookback_months=sheet.whole("lookback", "months"),
        unvouched_days=sheet.whole("unvouched", "days"),
        min_age_years=sheet.whole("min_age", "years"),
        amount_edges_minor=sheet.edges_minor("amount_edges", currency),
        cut=sheet.word("cut", {"live", "daily"}),
        odd_hours=_hours(sheet),
        free_reports=sheet.whole_or_none("free_reports", "per_year"),
        evidence_days=sheet.whole("evidence_days", "days"),
        further=sheet.words("further"),
        policy=read_policies(profile_id, tables.get("policy")),
        values=sheet.values(),
    )


def _plain(tables: dict[str, object]) -> tuple[str, int, tuple[str, ...]]:
    profile_id, version, languages = (tables.get(key) for key in ("id", "version", "languages"))
    if not isinstance(profile_id, str) or profile_id not in PROFILE_IDS:
        raise ProfileFault(f"id: must be one of {', '.join(PROFILE_IDS)}")
    if type(version) is not int or version < 1:
        raise ProfileFault(f"profile {profile_id}: version: must be 1 or more")
    tags = languages if isinstance(languages, list) else []
    texts = tuple(tag for tag in tags if isinstance(tag, str))
    if not texts or len(texts) != len(tags):
        raise ProfileFault(f"profile {profile_id}: languages: must be a list of language tags")
    return profile_id, version, texts


def _hours(sheet: Sheet) -> tuple[int, int] | None:
    text = sheet.word("odd_hours")
    if text == "none":
        return None
    start, _, end = text.partition("-")
    if not (_hour(start) and _hour(end)):
        raise sheet.fault("odd_hours", 'must be "HH:00-HH:00" or "none"')
    return int(start[:2]), int(end[:2])


def _hour(text: str) -> bool:
    return text.endswith(":00") and text[:-3] in {f"{hour:02d}" for hour in range(24)}


def _check(profile: Profile) -> None:
    """Hold values of one profile against each other."""
    faults = {
        "legal_bases: must name at least one": not profile.legal_bases,
        "contribute_bases: consent is a grant, no code": "consent" in profile.contribute_bases,
        "contribute_bases: must be among legal_bases": not (
            set(profile.contribute_bases) <= set(profile.legal_bases)
        ),
        f"amount_edges: must be {_EDGES}": len(profile.amount_edges_minor) != _EDGES,
        "adverse_bucket_min: must be 1 to 7": not 1 <= profile.adverse_bucket_min <= 7,
    }
    for message, broken in faults.items():
        if broken:
            raise ProfileFault(f"profile {profile.id}: {message}")
