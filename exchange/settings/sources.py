"""Sources of settings beside the environment: secret files, and what is wrong with a source."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from exchange.errors import Fault, SettingsError

PREFIX = "EXCHANGE_"
CONFIG = "EXCHANGE_CONFIG"  # names the TOML file
SECRET = "_FILE"  # noqa: S105 - EXCHANGE_DATABASE_URL_FILE names a file that holds the URL
_OPEN_TO_OTHERS = 0o077


class SecretFiles(PydanticBaseSettingsSource):
    """Settings whose value stands in a file that `EXCHANGE_<SETTING>_FILE` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        """Return one setting's value, if a file is named for it and can be read."""
        path = os.environ.get(f"{PREFIX}{field_name.upper()}{SECRET}")
        value = Path(path).read_text().strip() if path and Path(path).is_file() else None
        return value, field_name, False

    def __call__(self) -> dict[str, object]:
        """Return the values of all secret files."""
        fields = self.settings_cls.model_fields.items()
        values = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in values.items() if value is not None}


def source_faults(environ: Mapping[str, str], names: frozenset[str]) -> list[Fault]:
    """List what is wrong with the sources themselves, before any value is looked at."""
    faults = []
    known = {f"{PREFIX}{name.upper()}" for name in names}
    for name in sorted(set(environ) - {CONFIG}):
        if not name.startswith(PREFIX) or name in known:
            continue
        if name.removesuffix(SECRET) in known:
            faults += _secret_faults(name, Path(environ[name]))
        else:
            faults.append(_fault(name, "there is no such setting"))
    return faults + _toml_faults(environ.get(CONFIG))


def _secret_faults(name: str, path: Path) -> list[Fault]:
    if not path.is_file():
        return [_fault(name, "names no readable file")]
    if path.stat().st_mode & _OPEN_TO_OTHERS:
        return [_fault(name, "its file must be readable by its owner alone (mode 0600 or 0400)")]
    return []


def _toml_faults(path: str | None) -> list[Fault]:
    if not path:
        return []
    try:
        tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError:
        return [_fault(CONFIG, "names no readable file")]
    except ValueError:
        return [_fault(CONFIG, "its file is not TOML in UTF-8")]
    return []


def _fault(name: str, detail: str) -> Fault:
    return Fault(name, SettingsError.code, detail)
