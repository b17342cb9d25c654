"""Jurisdiction profiles: five files that are read strictly, and what counsel has to confirm."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from consent.policies import GRANT_DAYS_MAX
from consent.profile_values import ProfileFault
from consent.profiles import PROFILE_IDS, Effect, load_profile, parse_profile, unconfirmed
from consent.purposes import GRANT_PURPOSES, PURPOSES, Detail, Fetch, Purpose

CN = files("consent").joinpath("profiles", "cn.toml").read_text(encoding="utf-8")


def edited(pattern: str, replacement: str) -> str:
    """Return the Chinese profile with one line changed."""
    text, count = re.subn(pattern, replacement, CN, count=1, flags=re.MULTILINE)
    assert 1 == count, pattern
    return text


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
def test_each_profile_loads_under_its_own_name(profile_id: str) -> None:
    """An operator who names a jurisdiction gets that one's rules."""
    profile = load_profile(profile_id)

    assert (profile_id, f"{profile_id.lower()}@1") == (profile.id, profile.ref)


@pytest.mark.parametrize("profile_id", ["", "cn", "FR", "../CN"])
def test_an_unknown_profile_is_an_error(profile_id: str) -> None:
    """Nobody is judged by rules that were guessed."""
    with pytest.raises(ProfileFault, match="unknown profile"):
        load_profile(profile_id)


def test_the_chinese_profile_says_what_the_regulation_says() -> None:
    """Records leave after five years, and a dispute is answered within twenty days."""
    profile = load_profile("CN")

    assert (5, "ended_on") == (profile.retention_years, profile.retention_from)
    assert (20, 0) == (profile.dispute_days, profile.extension_days)
    assert (0, None) == (profile.notice_days_before, profile.notice_days_after)
    assert (Effect.FLAG, Effect.WITHHOLD) == (profile.dispute_effect, profile.overdue_effect)
    assert ("CNY", 2, "Asia/Shanghai") == (
        profile.currency,
        profile.currency_exponent,
        profile.timezone,
    )
    assert (100, 100_000, 500_000, 2_000_000, 5_000_000) == profile.amount_edges_minor
    assert (("consent",), (), True) == (
        profile.legal_bases,
        profile.contribute_bases,
        profile.separate_consent,
    )
    assert ((22, 6), 2, 18) == (profile.odd_hours, profile.free_reports, profile.min_age_years)


def test_each_country_keeps_its_own_numbers() -> None:
    """A lender in one country is not held to another's law."""
    india, kingdom, states, kenya = (load_profile(each) for each in ("IN", "UK", "US", "KE"))

    assert (7, 21, 10_000) == (
        india.retention_years,
        india.member_answer_days,
        india.late_compensation_minor,
    )
    assert ("default", 28) == (kingdom.retention_from, kingdom.notice_days_before)
    assert (30, 15, Effect.DELETE, 10) == (
        states.dispute_days,
        states.extension_days,
        states.overdue_effect,
        states.retention_bankruptcy_years,
    )
    assert (100_000, 30) == (kenya.smallest_overdue_minor, kenya.non_performing_microfinance_days)
    assert ["CNY", "INR", "GBP", "USD", "KES"] == [
        load_profile(each).currency for each in PROFILE_IDS
    ]
    assert 14 == india.policy[Purpose.CREDIT_APPLICATION].lookback_months


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
def test_a_value_has_one_authority(profile_id: str) -> None:
    """A reader can tell for each value which act says so, or that counsel must confirm it."""
    profile = load_profile(profile_id)

    assert all((value.source is None) is not (value.counsel is None) for value in profile.values)
    assert {value.key for value in unconfirmed(profile)} == {
        value.key for value in profile.values if value.counsel is not None
    }
    assert {"retention": profile_id != "CN", "currency": False}.items() <= {
        value.key: value.counsel is not None for value in profile.values
    }.items()


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
def test_no_profile_is_wider_than_the_purposes_table(profile_id: str) -> None:
    """A country file cannot quietly open what the table of purposes closes."""
    profile = load_profile(profile_id)
    days = {
        Purpose.CONTRIBUTE: GRANT_DAYS_MAX,
        Purpose.CREDIT_APPLICATION: 30,
        Purpose.GUARANTOR_CHECK: 30,
        Purpose.ACCOUNT_REVIEW: 365,
        Purpose.PORTFOLIO_MONITORING: 365,
        Purpose.COLLECTIONS: 365,
        Purpose.FRAUD_PREVENTION: 30,
    }

    assert GRANT_PURPOSES == days.keys()
    assert not profile.policy[Purpose.COLLECTIONS].on
    assert not profile.policy[Purpose.FRAUD_PREVENTION].on
    for purpose, policy in profile.policy.items():
        rule = PURPOSES[purpose]
        assert purpose not in days or (policy.max_days or 0) <= days[purpose]
        assert (1 if rule.fetch is Fetch.ONCE else None) == policy.max_uses
        assert (rule.fetch is Fetch.RECURRING) is (policy.window_max == 1)
        assert rule.fields or policy.detail is Detail.OUTCOME
        assert rule.needs_grant is (policy.level >= 1)


# What may stand in a profile: a line of the Chinese one, and what is put in its place.
FINE = [
    (r"(adverse_bucket_min .*value = )1", r"\g<1>7"),
    (r'(odd_hours .*)"22:00-06:00"', r'\1"none"'),
    (r"22:00-06:00", "23:00-00:00"),
    (r"^(buckets .*)\[[^\]]*\]", r"\1[1, 2]"),
    (r"^(legal_bases .*)\[.*\]", r'\1["consent", "contract"]'),
    (r"^version = 1", "version = 2"),
    (r"^(dispute_days .*value = )20", r"\g<1>0"),
    (r"^(statement .*)value = \w+", r'\1value = "none"'),
    (r"^(credit_application .*)level = 1", r"\1level = 3"),
    (r"^(credit_application .*)lookback_months = \d+", r"\1lookback_months = 60"),
    (r"^cut .*", 'cut = { value = "daily", counsel = "x" }'),
]
FLAWS = [
    (r"^id = .*", "id = 7", "id: must be one of"),
    (r"22:00-06:00", "22:30-06:00", "HH:00-HH:00"),
    (r"22:00-06:00", "22:00-06:00-07:00", "HH:00-HH:00"),
    (r"^cross_border .*", 'cross_border = { value = "yes", source = "x" }', "must be one of"),
    (
        r"^retention .*",
        'retention = { value = 5, unit = "days", source = "x" }',
        "retention: needs",
    ),
    (r"^buckets .*", 'buckets = { value = [30], unit = "days", source = "x" }', "buckets: needs"),
    (r"^evidence_days .*", "", "evidence_days: missing key"),
    (r"^further .*", 'further = { value = 1, source = "x" }', "further: must be a list"),
    (r"^(credit_application .*)answer_days = \d+", r"\1answer_days = 0", "answer_days: must be"),
    (
        r"^(credit_application .*)lookback_months = ",
        r"\1lookback_months = 9",
        "lookback_months: must",
    ),
    (r"^(account_review .*)window_max = \d+", r"\1window_max = 0", "window_max: must be"),
    (r"^id = .*", 'id = "FR"', "id: must be one of"),
    (r"^id = .*", "", "id: must be one of"),
    (r"^version = 1", "version = 0", "version: must be 1 or more"),
    (r"^version = 1", "version = true", "version: must be 1 or more"),
    (r"^languages = .*", "languages = []", "languages: must be a list"),
    (r"^languages = .*", 'languages = "en"', "languages: must be a list"),
    (r"^languages = .*", "languages = [1]", "languages: must be a list"),
    (r"^cut .*", "cut = {", "not TOML"),
    (r"^cut .*", "", "cut: missing key"),
    (r"^cut ", "cutt ", "cut: missing key"),
    (r"^id = ", 'more = { value = 1, source = "x" }\nid = ', "more: unknown key"),
    (r"^cut .*", 'cut = "live"', "cut: must be { value"),
    (r"^cut .*", 'cut = { source = "x" }', "cut: must be { value"),
    (r"^cut .*", 'cut = { value = "live", source = "x", by = "y" }', "cut: must be { value"),
    (r"^cut .*", 'cut = { value = "live" }', "exactly one of source and counsel"),
    (
        r"^cut .*",
        'cut = { value = "live", source = "x", counsel = "y" }',
        "exactly one of source and counsel",
    ),
    (r"^cut .*", 'cut = { value = "live", source = "" }', "source must be a text"),
    (r"^cut .*", 'cut = { value = "live", source = 1 }', "source must be a text"),
    (r"^cut .*", 'cut = { value = "now", source = "x" }', "must be one of"),
    (r"^cut .*", 'cut = { value = 1, source = "x" }', "must be one of"),
    (r"^cut .*", 'cut = { value = 1.5, source = "x" }', "must be true, false, an integer"),
    (r"^cut .*", 'cut = { value = ["a", 1], source = "x" }', "must be true, false"),
    (r"^currency .*", 'currency = { value = 1, source = "x" }', "currency: must be text"),
    (r"^dispute_days .*", 'dispute_days = { value = 20, source = "x" }', "needs the unit days"),
    (
        r"^dispute_days .*",
        'dispute_days = { value = 20, unit = "months", source = "x" }',
        "needs the unit days",
    ),
    (
        r"^dispute_days .*",
        'dispute_days = { value = -1, unit = "days", source = "x" }',
        "must be an integer, 0 or more",
    ),
    (
        r"^dispute_days .*",
        'dispute_days = { value = true, unit = "days", source = "x" }',
        "must be an integer, 0 or more",
    ),
    (
        r"^dispute_days .*",
        'dispute_days = { value = "20", unit = "days", source = "x" }',
        "must be an integer, 0 or more",
    ),
    (r"^statement .*", 'statement = { value = 1, source = "x" }', "must be true, false or"),
    (r"^cut .*", 'cut = { value = "live", unit = "days", source = "x" }', "has no unit"),
    (r'from = "ended_on"', 'from = "someday"', "retention: needs `from`"),
    (r', from = "ended_on"', "", "retention: needs `from`"),
    (r"(amount_edges .*)CNY", r"\1EUR", "needs `currency`, the profile's: CNY"),
    (r"(amount_edges .*)100, 100_000", r"\1 100, 100", "each above the one before"),
    (r"(amount_edges .*)100, 100_000", r"\1 0, 100_000", "each above the one before"),
    (r"(amount_edges .*\[).*\]", r"\1]", "each above the one before"),
    (r"(amount_edges .*)\[.*\]", r"\1 7", "each above the one before"),
    (r"(amount_edges .*\[)100, ", r"\1", "amount_edges: must be 5"),
    (r'(legal_bases .*)\["consent"\]', r'\1["because"]', "legal_bases: must be among"),
    (r'(legal_bases .*)\["consent"\]', r"\1 7", "must be a list of different texts"),
    (r'(legal_bases .*)\["consent"\]', r'\1["consent", "consent"]', "of different texts"),
    (r'(legal_bases .*)\["consent"\]', r'\1"none"', "legal_bases: must name at least one"),
    (r'(contribute_bases .*)"none"', r'\1["consent"]', "consent is a grant, no code"),
    (r'(contribute_bases .*)"none"', r'\1["contract"]', "must be among legal_bases"),
    (r"(adverse_bucket_min .*value = )1", r"\g<1>8", "must be 1 to 7"),
    (r"(adverse_bucket_min .*value = )1", r"\g<1>0", "must be 1 to 7"),
    (r"22:00-06:00", "22-6", "HH:00-HH:00"),
    (r"22:00-06:00", "24:00-06:00", "HH:00-HH:00"),
    (r"22:00-06:00", "22:00", "HH:00-HH:00"),
    (r"^statistics .*", "", "must name every purpose"),
    (r"^\[policy\].*", "[policy]\nmarketing = { on = true }", "must name every purpose"),
    (r"^statistics .*", "statistics = true", "must have exactly on"),
    (r"^statistics .*", "statistics = { on = 1 }", "on: must be true or false"),
    (r"^statistics .*", "statistics = { on = true, level = 1 }", "must have exactly on"),
    (r"^(credit_application .*)max_uses = 1, ", r"\1", "must have exactly"),
    (
        r"^(credit_application .*)max_uses = 1",
        r"\1max_uses = 2",
        "max_uses: must be an integer",
    ),
    (r"^(credit_application .*)level = 1", r"\1level = 4", "level: must be an integer"),
    (r"^(credit_application .*)level = 1", r"\1level = 0", "level: must be an integer"),
    (r"^(credit_application .*)level = 1", r"\1level = true", "level: must be an integer"),
    (r"^(contribute .*)12_784", r"\g<1>12_785", "max_days: must be an integer"),
    (r"^(credit_application .*)bands", r"\1all", "no deeper than bands"),
    (r"^(collections .*)outcome", r"\1flag", "no deeper than outcome"),
]


@pytest.mark.parametrize(("pattern", "replacement", "message"), FLAWS)
def test_a_flawed_profile_is_refused(pattern: str, replacement: str, message: str) -> None:
    """A slip in a country's file stops the start, not a borrower's loan."""
    text = edited(pattern, replacement)

    with pytest.raises(ProfileFault, match=re.escape(message)):
        parse_profile(text)


def test_a_policy_table_left_out_is_refused() -> None:
    """A profile without limits opens nothing by accident."""
    with pytest.raises(ProfileFault, match="policy: must name every purpose"):
        parse_profile(CN[: CN.index("[policy]")])
