"""Take from a jurisdiction's profile what a file is judged by, as the exchange does."""

from __future__ import annotations

from datetime import date

from exchange_client._consent.profile_values import ProfileFault
from exchange_client._consent.profiles import Profile, load_profile
from exchange_client.errors import UsageError
from exchange_client.validating.checks import Circumstances


def profile_named(name: str) -> Profile:
    """Return the profile of a name such as `cn@1`; `cn` is the version that this SDK holds.

    Raises:
        UsageError: it holds no such profile, or another version of it.
    """
    code, _, version = name.partition("@")
    try:
        profile = load_profile(code.upper())
    except ProfileFault as error:
        raise UsageError(f"profile: {error}") from error
    if version and version != str(profile.version):
        raise UsageError(f"profile: this version of the SDK holds {profile.ref}")
    return profile


def circumstances_under(profile: Profile, today: date) -> Circumstances:
    """Return under what a file is judged.

    Args:
        today: where the member is.
    """
    return Circumstances(
        today=today,
        as_of_from=date.min,
        as_of_to=today,
        currency=profile.currency,
        smallest_overdue_minor=profile.smallest_overdue_minor,
        bases=frozenset(profile.contribute_bases),
    )
