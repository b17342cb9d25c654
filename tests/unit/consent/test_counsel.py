"""What counsel confirmed of a profile, and what nobody stands behind yet."""

from __future__ import annotations

import pytest

from consent.profile_values import ProfileFault
from consent.profiles import (
    PROFILE_IDS,
    REFERENCE_CHARACTERS_MAX,
    load_profile,
    read_references,
    unconfirmed,
    unreferenced,
)

CN = load_profile("CN")
KEYS = [value.key for value in unconfirmed(CN)]


def references(*keys: str, ref: str = "cn@1") -> str:
    """Write a file of references to these keys."""
    lines = "\n".join(f'{key} = "opinion, section {key}"' for key in keys)
    return f'["{ref}"]\n{lines}\n'


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
def test_a_profile_without_references_is_unconfirmed_where_it_says_so(profile_id: str) -> None:
    """No value passes for law because somebody forgot to ask."""
    profile = load_profile(profile_id)

    assert unconfirmed(profile) == unreferenced(profile, {})
    assert [] != [value for value in unconfirmed(profile) if value.counsel]


def test_a_reference_stands_for_its_own_version_and_key_alone() -> None:
    """An opinion on last year's profile does not confirm this year's."""
    assert () == unreferenced(CN, read_references(references(*KEYS), CN))
    one = unreferenced(CN, read_references(references(*KEYS[1:]), CN))
    assert [KEYS[0]] == [value.key for value in one]
    assert {} == read_references(references(*KEYS, ref="cn@2"), CN)
    for length in (1, REFERENCE_CHARACTERS_MAX):
        text = f'["cn@1"]\n{KEYS[0]} = "{"x" * length}"'
        assert {KEYS[0]: "x" * length} == read_references(text, CN)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "not TOML"),
        ('"cn@1" = 1', "must be a table"),
        ('["cn@1"]\nretention = "x"', "retention: is no value"),
        (f'["cn@1"]\n{KEYS[0]} = 1', f"{KEYS[0]}: must be a text"),
        (f'["cn@1"]\n{KEYS[0]} = ""', f"{KEYS[0]}: must be a text"),
        (f'["cn@1"]\n{KEYS[0]} = "{"x" * 401}"', f"{KEYS[0]}: must be a text"),
    ],
)
def test_a_reference_that_says_nothing_is_refused(text: str, said: str) -> None:
    """A slip in the file is told, and not taken for an opinion."""
    with pytest.raises(ProfileFault, match=said):
        read_references(text, CN)
