"""Inputs that no policy may use, under whatever name."""

from __future__ import annotations

import pytest

from exchange_client.policy.fields import DOMAINS
from exchange_client.policy.forbidden import forbidden_word


@pytest.mark.parametrize(
    "name",
    [
        *("sex", "borrower_gender", "ageYears", "AGE", "birth_date", "dob", "race", "ethnic_group"),
        *("religion", "marital_status", "education", "nationality", "region_code", "health"),
        *(
            "trade_union",
            "pregnant",
            "xing_xingbie",
            "民族",
            "客户性别",
            "年齡",
            "婚姻状况",
            "学历",
        ),
        *(
            "国籍",
            "户籍地",
            "健康状况",
            "是否怀孕",
            "educación",
            "género",
            "umri",
            "\uff53\uff45\uff58",
            "उम्र",
        ),
    ],
)
def test_a_forbidden_input_is_known_by_any_of_its_names(name: str) -> None:
    """A ban that another spelling gets round is none."""
    assert forbidden_word(name)


@pytest.mark.parametrize(
    "name",
    [
        *DOMAINS,
        "requested_minor",
        "mortgage",
        "average_balance",
        "message",
        "passage",
        "income_band",
    ],
)
def test_an_honest_name_is_not_forbidden(name: str) -> None:
    """A net that catches every name would be switched off."""
    assert forbidden_word(name) is None
