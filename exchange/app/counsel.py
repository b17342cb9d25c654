"""What counsel has confirmed of the profile in force, held against what serving asks for."""

from __future__ import annotations

from consent.profile_values import ProfileFault, Value
from consent.profiles import (
    Profile,
    load_profile,
    read_references,
    unconfirmed,
    unreferenced,
)
from exchange.errors import Fault, SettingsError
from exchange.settings import Settings

_SETTING = "EXCHANGE_COUNSEL_PATH"


def confirmations(settings: Settings) -> list[tuple[Value, str | None]]:
    """Return the profile's unconfirmed values, each with counsel's reference or None.

    Raises:
        SettingsError: the file of references cannot be read, or says what it may not.
    """
    profile = load_profile(settings.profile)
    references = _references(settings, profile)
    return [(value, references.get(value.key)) for value in unconfirmed(profile)]


def check_counsel(settings: Settings) -> None:
    """Refuse to serve real borrowers under values that nobody has confirmed.

    Raises:
        SettingsError: this is no sandbox, and a value has no reference; each is named.
    """
    if settings.sandbox:
        return
    profile = load_profile(settings.profile)
    keys = [value.key for value in unreferenced(profile, _references(settings, profile))]
    if keys:
        listed = ", ".join(keys)
        raise _refused(f"no reference of counsel for {profile.ref}: {listed}")


def _references(settings: Settings, profile: Profile) -> dict[str, str]:
    if settings.counsel_path is None:
        return {}
    try:
        text = settings.counsel_path.read_text(encoding="utf-8")
        return dict(read_references(text, profile))
    except (OSError, UnicodeDecodeError) as error:
        raise _refused("names no readable file") from error
    except ProfileFault as error:
        raise _refused(str(error)) from error


def _refused(detail: str) -> SettingsError:
    fault = Fault(_SETTING, SettingsError.code, detail)
    return SettingsError(f"the settings are refused:\n  {_SETTING}: {detail}", faults=(fault,))
