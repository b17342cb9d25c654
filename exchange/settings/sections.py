"""The settings by section: each typed, each limit with its unit in its name.

`Settings` is all of them together; `deploy/settings.example.toml` documents each, held by a test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode

_MIB = 1 << 20


class Identity(BaseSettings):
    """What this exchange is called."""

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
    counsel_path: Path | None = Field(
        None,
        description="TOML file of counsel's references to the profile's unconfirmed values; "
        "whatever is no sandbox starts only with one for each",
    )
    epoch: str = Field(
        "ep_1", pattern=r"^ep_[1-9][0-9]{0,5}$", description="token epoch that is open"
    )


class Places(BaseSettings):
    """Where its parts are."""

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
    shred_path: Path | None = Field(
        None,
        description="list of shredded keys; on other storage than the database and its dumps "
        "[<data_dir>/shredded]",
    )
    witness_policy_path: Path | None = Field(
        None,
        description="policy file (C2SP tlog-policy): who must cosign before a receipt is final; "
        "without it nobody",
    )


class Serving(BaseSettings):
    """Where it listens, and with how many hands."""

    listen: str = Field(
        "127.0.0.1:8420", description="address:port, or unix:/path; TLS is the proxy's"
    )
    workers: int = Field(0, ge=0, le=256, description="server processes; 0: one a core")
    worker_threads: int = Field(
        16, ge=1, le=64, description="threads a server process; more than in_flight_max"
    )
    metrics_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.1", "::1"), description="peers that may read /readyz, /metrics and /openapi.json"
    )
    proxy_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.1", "::1"), description="proxies whose X-Forwarded-For names the peer"
    )


class Limits(BaseSettings):
    """Limits of one request (security.md, 4)."""

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
    page_rows_default: int = Field(
        100, ge=1, le=500, description="rows of a page where no limit is asked"
    )
    page_rows_max: int = Field(500, ge=1, le=500, description="rows of a page; more: 422")
    cursor_life_seconds: int = Field(
        86_400, ge=60, le=604_800, description="an older cursor of a page: 400"
    )
    pause_seconds_max: int = Field(
        10, ge=1, le=60, description="silence in the middle of a request; longer: 408"
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


class Pages(BaseSettings):
    """The pages that people open: borrowers, by links and passkeys (consent.md, 4)."""

    pages_base_url: str = Field(
        "http://localhost:8420",
        description="the URL of the pages; passkeys are bound to its host, for good",
    )
    pages_contact: str = Field(
        "help@exchange.example",
        min_length=3,
        max_length=200,
        description="where borrowers ask for help, as pages show it",
    )
    pages_zone: str = Field(
        "Asia/Shanghai",
        pattern=r"^[A-Za-z_]{1,32}(/[A-Za-z_]{1,32}){0,2}$",
        description="IANA time zone of the moments that pages show, where no member has its own",
    )
    page_idle_seconds_max: int = Field(
        1_800, ge=60, le=3_600, description="without a click a session on the pages ends"
    )
    page_session_seconds_max: int = Field(
        28_800, ge=300, le=43_200, description="no session on the pages lasts longer"
    )
    page_challenge_seconds_max: int = Field(
        600, ge=60, le=3_600, description="a page of sign-in may stand open before it is used"
    )
    wrong_sign_ins_per_hour: int = Field(
        20, ge=1, le=1_000, description="wrong tries to sign in from one address an hour; then 429"
    )
    file_views_per_day: int = Field(
        50, ge=1, le=1_000, description="looks of a borrower at the own file a day"
    )


class Signatures(BaseSettings):
    """The windows of signed requests."""

    created_past_seconds_max: int = Field(60, ge=1, le=300, description="older signature: 401")
    created_ahead_seconds_max: int = Field(30, ge=0, le=60, description="further ahead: 401")
    nonce_keep_seconds: int = Field(300, ge=120, le=86_400, description="a nonce is remembered")


class Quotas(BaseSettings):
    """What a member may ask in a day or an hour (security.md, 4)."""

    evaluations_per_day: int = Field(60_000, ge=1, description="elements a member and day")
    queries_per_day: int = Field(50_000, ge=1, description="queries a member and day")
    new_member_days: int = Field(7, ge=0, le=90, description="a membership is new")
    new_member_queries_per_day: int = Field(
        1_000, ge=1, description="queries a day of a member that is new"
    )
    queries_per_operator_hour: int = Field(300, ge=1, description="queries an operator and hour")
    queries_per_subject_day: int = Field(
        3, ge=1, description="queries of a member about one subject a day"
    )
    uploads_per_day: int = Field(1_000, ge=1, description="record files a member and day")
    in_flight_max: int = Field(8, ge=1, le=999, description="requests of a member in a process")
    disputes_per_subject_day: int = Field(
        10, ge=1, description="disputes and statements about one subject a day; more: 429"
    )


class Enrolment(BaseSettings):
    """Who may change the membership (security.md, T3 and 9)."""

    one_person_suffices: bool = Field(
        False, description="in a sandbox: one operator may enrol, change roles and add keys alone"
    )
    proposal_days_max: int = Field(
        14, ge=1, le=90, description="a proposal that nobody approved lapses"
    )


class SecurityEvents(BaseSettings):
    """What is kept of refused requests (security.md, 1 and 8)."""

    security_events_per_minute: int = Field(
        60, ge=1, le=10_000, description="stored a peer and server process; the rest is counted"
    )
    security_peers_max: int = Field(
        4_096, ge=16, le=1_000_000, description="peers told apart in a minute, a server process"
    )
    security_event_keep_days: int = Field(
        365, ge=1, le=3_650, description="a security event is kept"
    )
