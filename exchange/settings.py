"""Every setting of the server: frozen, typed, each limit with its unit in its name.

In:  a TOML file (named by EXCHANGE_CONFIG), the environment (`EXCHANGE_…`), secret files (named by
     `EXCHANGE_…_FILE`) and the command's options; the later wins.
Out: one `Settings`, or one `SettingsError` that lists every fault by its setting, never a value.
Not here: what a setting causes. `deploy/settings.example.toml` documents each; a test keeps it so.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from exchange import settings_checks as checks
from exchange.errors import Fault, SettingsError
from exchange.settings_sources import CONFIG, PREFIX, SecretFiles, source_faults

_MIB = 1 << 20


class Settings(BaseSettings):
    """What this exchange is called, where its parts are, and every limit it holds to."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True
    )

    # ---- who we are
    consortium: Literal["test", "live"] = Field(
        "test", description="what the keys and origins say; one environment refuses the other"
    )
    sandbox: bool = Field(
        False, description="synthetic borrowers only; allows the embedded PostgreSQL"
    )
    issuer: str = Field(
        "cx-sandbox",
        pattern=r"^[a-z0-9][a-z0-9-]{1,38}$",
        description="id of this exchange: the issuer of all that it signs",
    )
    name: str = Field(
        "Sandbox consortium", min_length=1, max_length=200, description="name that people read"
    )
    public_base_url: str = Field(
        "http://127.0.0.1:8420",
        description="the URL under which members reach it, which their signatures cover",
    )
    origin_domain: str = Field(
        "exchange.example",
        pattern=r"^[a-z0-9][a-z0-9.-]{1,200}$",
        description="the access log's origin is <domain>/access/<year>",
    )
    profile: Literal["CN", "IN", "KE", "UK", "US"] = Field(
        "CN", description="jurisdiction whose rules apply (a file in consent/)"
    )
    epoch: str = Field(
        "ep_1", pattern=r"^ep_[1-9][0-9]{0,5}$", description="token epoch that is open"
    )

    # ---- where things are
    database_url: SecretStr | None = Field(
        None, description="libpq URL of the PostgreSQL (15 to 18); `exchange up` brings its own"
    )
    pg_bin: Path | None = Field(
        None, description="directory of the PostgreSQL programs that `exchange up` starts"
    )
    data_dir: Path = Field(
        Path("var/sandbox"), description="where `exchange up` keeps its database and keys"
    )
    keyring_path: Path | None = Field(
        None, description="file of the private keys, mode 0600 [<data_dir>/keyring.json]"
    )
    checkpoint_path: Path | None = Field(
        None,
        description="file of the newest signed checkpoint; on other storage than the database "
        "[<data_dir>/checkpoint]",
    )

    # ---- serving
    listen: str = Field(
        "127.0.0.1:8420", description="address:port, or unix:/path; TLS is the proxy's"
    )
    workers: int = Field(0, ge=0, le=256, description="server processes; 0: one a core")
    worker_threads: int = Field(4, ge=1, le=64, description="threads a server process")
    metrics_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.1", "::1"), description="peers that may read /readyz, /metrics and /openapi.json"
    )
    proxy_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.1", "::1"), description="proxies whose X-Forwarded-For names the peer"
    )

    # ---- form of requests (security.md, 4)
    request_line_bytes_max: int = Field(4_094, ge=256, le=8_190, description="longer: 414")
    header_bytes_max: int = Field(8_190, ge=1_024, le=8_190, description="one longer header: 431")
    headers_max: int = Field(64, ge=16, le=200, description="more headers: 431")
    json_body_bytes_max: int = Field(64 << 10, ge=1_024, le=_MIB, description="longer: 413")
    query_batch_body_bytes_max: int = Field(
        2 * _MIB, ge=1_024, le=16 * _MIB, description="body of /v1/query-batches; longer: 413"
    )
    query_batch_queries_max: int = Field(
        1_000, ge=1, le=1_000, description="queries in a batch; more: 413"
    )
    token_elements_max: int = Field(
        500, ge=1, le=500, description="blinded elements a request; more: 413"
    )
    batch_file_bytes_max: int = Field(
        64 * _MIB, ge=1_024, le=64 * _MIB, description="a record file; longer: 413"
    )
    batch_rows_max: int = Field(
        10_000, ge=1, le=200_000, description="rows of a record file; more: 413"
    )
    fault_share_percent_max: int = Field(
        20, ge=0, le=100, description="share of faulty rows beyond which a whole file is refused"
    )
    request_seconds_max: int = Field(30, ge=1, le=300, description="one request; longer: 503")
    statement_ms_max: int = Field(5_000, ge=100, le=60_000, description="one SQL statement")
    lock_wait_ms_max: int = Field(2_000, ge=10, le=60_000, description="wait for a row lock")
    pool_wait_ms_max: int = Field(
        3_000, ge=10, le=60_000, description="wait for a database connection; longer: 503"
    )
    pool_connections_max: int = Field(
        4, ge=1, le=64, description="database connections a server process"
    )
    drain_seconds_max: int = Field(
        30, ge=1, le=300, description="time for requests under way when stopping"
    )

    # ---- signatures
    created_past_seconds_max: int = Field(60, ge=1, le=300, description="older signature: 401")
    created_ahead_seconds_max: int = Field(30, ge=0, le=60, description="further ahead: 401")
    nonce_keep_seconds: int = Field(300, ge=120, le=86_400, description="a nonce is remembered")

    # ---- quotas
    evaluations_per_day: int = Field(60_000, ge=1, description="elements a member and day")
    queries_per_operator_hour: int = Field(300, ge=1, description="queries an operator and hour")
    queries_per_subject_day: int = Field(
        3, ge=1, description="queries of a member about one subject a day"
    )
    uploads_per_day: int = Field(1_000, ge=1, description="record files a member and day")

    # ---- the access log
    sequence_interval_ms: int = Field(
        1_000, ge=200, le=10_000, description="the sequencer's turn: a checkpoint each"
    )
    sequence_rows_max: int = Field(5_000, ge=1, le=100_000, description="leaves a turn")
    log_late_seconds_max: int = Field(
        300, ge=5, le=3_600, description="with an older unsequenced leaf queries stop: 503"
    )

    @field_validator("metrics_addresses", "proxy_addresses", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("metrics_addresses", "proxy_addresses")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return checks.addresses(value)

    @field_validator("public_base_url")
    @classmethod
    def _is_base(cls, value: str) -> str:
        return checks.base_url(value)

    @field_validator("listen")
    @classmethod
    def _can_listen(cls, value: str) -> str:
        return checks.listen(value)

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
