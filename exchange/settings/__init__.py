"""Every setting of the server: frozen, typed, each limit with its unit in its name.

In:  a TOML file (named by EXCHANGE_CONFIG), the environment (`EXCHANGE_…`), secret files (named by
     `EXCHANGE_…_FILE`) and the command's options; the later wins.
Out: one `Settings`, or one `SettingsError` that lists every fault by its setting, never a value.
Not here: what a setting causes. `deploy/settings.example.toml` documents each; a test keeps it so.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from exchange.errors import Fault, SettingsError
from exchange.settings import checks
from exchange.settings.audit import Audit
from exchange.settings.files import Files
from exchange.settings.keeping import Retention
from exchange.settings.log import AccessLog
from exchange.settings.outward import Outward
from exchange.settings.sections import (
    Enrolment,
    Identity,
    Limits,
    Pages,
    Places,
    Quotas,
    SecurityEvents,
    Serving,
    Signatures,
)
from exchange.settings.sources import CONFIG, PREFIX, SecretFiles, source_faults


class Settings(  # last stands first
    Outward,
    Audit,
    Retention,
    AccessLog,
    Enrolment,
    SecurityEvents,
    Quotas,
    Signatures,
    Pages,
    Files,
    Limits,
    Serving,
    Places,
    Identity,
):
    """What this exchange is called, where its parts are, and every limit it holds to."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True
    )

    @field_validator("metrics_addresses", "proxy_addresses", "webhook_ports", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("metrics_addresses", "proxy_addresses")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return checks.addresses(value)

    @field_validator("public_base_url", "pages_base_url")
    @classmethod
    def _is_base(cls, value: str) -> str:
        return checks.base_url(value)

    @field_validator("listen")
    @classmethod
    def _can_listen(cls, value: str) -> str:
        return checks.listen(value)

    @field_validator("witness_policy_path")
    @classmethod
    def _is_policy(cls, value: Path | None) -> Path | None:
        if value is not None:
            checks.witness_policy(value)
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        return value and SecretStr(checks.database_url(value.get_secret_value()))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Say which source wins: options, secret files, environment, TOML file."""
        path = os.environ.get(CONFIG)
        toml = (TomlConfigSettingsSource(settings_cls, Path(path)),) if path else ()
        return (init_settings, SecretFiles(settings_cls), env_settings, *toml)

    @property
    def keyring_file(self) -> Path:
        """Where the private keys are."""
        return self.keyring_path or self.data_dir / "keyring.json"

    @property
    def checkpoint_file(self) -> Path:
        """Where the newest signed checkpoint is kept outside the database."""
        return self.checkpoint_path or self.data_dir / "checkpoint"

    @property
    def shred_file(self) -> Path:
        """Where the keys that were shredded are listed, outside every dump."""
        return self.shred_path or self.data_dir / "shredded"

    @property
    def libpq_url(self) -> str:
        """The database's URL, with its password: hand it on, never show it."""
        return self.database_url.get_secret_value() if self.database_url else ""


def load(**options: object) -> Settings:
    """Read the settings of this process; command-line options win over every other source.

    Raises:
        SettingsError: every fault of every source, by setting, without values.
    """
    faults = source_faults(os.environ, frozenset(Settings.model_fields))
    settings = None
    try:
        settings = Settings.model_validate(
            {name: value for name, value in options.items() if value is not None}
        )
    except ValidationError as error:
        found = [_fault(one["loc"], one["msg"]) for one in error.errors(include_input=False)]
        named = {fault.pointer for fault in faults}  # a source's own fault says more
        faults += [fault for fault in found if fault.pointer not in named]
    if settings:
        faults += [_fault((name,), detail) for name, detail in checks.disagreements(settings)]
    if faults or settings is None:
        listed = "".join(f"\n  {fault.pointer}: {fault.detail}" for fault in faults)
        raise SettingsError(f"the settings are refused:{listed}", faults=tuple(faults))
    return settings


def shown(settings: Settings) -> dict[str, str]:
    """Return every effective value as text, secrets masked."""
    return {name: str(getattr(settings, name)) for name in Settings.model_fields}


def _fault(where: tuple[int | str, ...], detail: str) -> Fault:
    name = f"{PREFIX}{where[0]}".upper() if where else CONFIG
    return Fault(name, SettingsError.code, detail.removeprefix("Value error, "))
