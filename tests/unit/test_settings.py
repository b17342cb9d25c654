"""The settings: where they come from, which source wins, and what is refused in one go."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from exchange.errors import SettingsError
from exchange.settings import load, shown

URL = "postgresql://exchange:hunter2@db.example/exchange"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from an environment that says only: this is a sandbox."""
    monkeypatch.setenv("EXCHANGE_SANDBOX", "true")


def faults(**options: object) -> dict[str, str]:
    """Load, expecting refusal, and return what was said by setting."""
    with pytest.raises(SettingsError) as refused:
        load(**options)
    return {fault.pointer: fault.detail for fault in refused.value.faults}


def test_a_sandbox_needs_no_setting_at_all() -> None:
    """A newcomer starts `exchange up` without configuring anything."""
    settings = load()

    assert ("test", "CN", None) == (settings.consortium, settings.profile, settings.database_url)


def test_an_option_beats_a_secret_file_beats_the_environment_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator can tell which value is in force without trying."""
    (tmp_path / "x.toml").write_text('name = "file"\nissuer = "file"\nepoch = "ep_7"\nworkers = 7')
    (tmp_path / "secret").write_text("from-secret\n")
    (tmp_path / "secret").chmod(0o600)
    monkeypatch.setenv("EXCHANGE_CONFIG", str(tmp_path / "x.toml"))
    monkeypatch.setenv("EXCHANGE_NAME", "environment")
    monkeypatch.setenv("EXCHANGE_ISSUER", "environment")
    monkeypatch.setenv("EXCHANGE_ISSUER_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("EXCHANGE_WORKERS", "6")

    settings = load(workers=5)

    assert ("ep_7", "environment", "from-secret", 5) == (
        settings.epoch,
        settings.name,
        settings.issuer,
        settings.workers,
    )


def test_every_fault_is_reported_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mending one setting at a time, restart by restart, costs an operator a night."""
    (tmp_path / "open").write_text(URL)
    (tmp_path / "open").chmod(0o644)
    monkeypatch.setenv("EXCHANGE_WORKRES", "4")
    monkeypatch.setenv("EXCHANGE_WORKERS", "many")
    monkeypatch.setenv("EXCHANGE_LISTEN", "nowhere")
    monkeypatch.setenv("EXCHANGE_DATABASE_URL_FILE", str(tmp_path / "open"))

    said = faults()

    assert {
        "EXCHANGE_WORKRES",
        "EXCHANGE_WORKERS",
        "EXCHANGE_LISTEN",
        "EXCHANGE_DATABASE_URL_FILE",
    } == said.keys()


def test_a_file_that_is_missing_or_broken_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that silently ran on defaults would serve the wrong database."""
    (tmp_path / "x.toml").write_text("workers = ")
    broken, missing = str(tmp_path / "x.toml"), str(tmp_path / "none")
    said = []

    for path in (broken, missing):
        monkeypatch.setenv("EXCHANGE_CONFIG", path)
        said.append(faults()["EXCHANGE_CONFIG"])

    assert ["its file is not TOML in UTF-8", "names no readable file"] == said


def test_an_unknown_name_in_the_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A typing error in a limit must not leave the default in force unseen."""
    (tmp_path / "x.toml").write_text("workres = 4")
    monkeypatch.setenv("EXCHANGE_CONFIG", str(tmp_path / "x.toml"))

    said = faults()

    assert ["EXCHANGE_WORKRES"] == list(said)


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"sandbox": False}, "EXCHANGE_DATABASE_URL"),
        ({"consortium": "live"}, "EXCHANGE_SANDBOX"),
        (
            {"nonce_keep_seconds": 120, "created_past_seconds_max": 300},
            "EXCHANGE_NONCE_KEEP_SECONDS",
        ),
        ({"public_base_url": "https://a.example/v1"}, "EXCHANGE_PUBLIC_BASE_URL"),
        ({"public_base_url": "ftp://a.example"}, "EXCHANGE_PUBLIC_BASE_URL"),
        ({"database_url": "mysql://a/b"}, "EXCHANGE_DATABASE_URL"),
        ({"database_url": "postgresql://a"}, "EXCHANGE_DATABASE_URL"),
        ({"listen": "127.0.0.1:65536"}, "EXCHANGE_LISTEN"),
        ({"metrics_addresses": "not-an-address"}, "EXCHANGE_METRICS_ADDRESSES"),
        ({"token_elements_max": 501}, "EXCHANGE_TOKEN_ELEMENTS_MAX"),
        ({"epoch": "3"}, "EXCHANGE_EPOCH"),
    ],
)
def test_a_setting_that_cannot_stand_is_named(options: dict[str, object], setting: str) -> None:
    """A wrong database, a live sandbox or a limit out of range must stop the start."""
    said = faults(**options)

    assert setting in said


def test_a_live_consortium_asks_for_tls_and_its_own_names() -> None:
    """The defaults of a sandbox must not slip into production."""
    said = faults(consortium="live", sandbox=False, database_url=URL)

    assert {
        "EXCHANGE_PUBLIC_BASE_URL",
        "EXCHANGE_PAGES_BASE_URL",
        "EXCHANGE_ORIGIN_DOMAIN",
        "EXCHANGE_DATABASE_URL",
    } == set(said)


@pytest.mark.parametrize(
    "url", [f"{URL}?sslmode=verify-full", "postgresql:///exchange?host=/run/postgresql"]
)
def test_a_live_consortium_takes_a_verified_connection_or_a_socket(url: str) -> None:
    """Checks that refuse what is right would be switched off."""
    settings = load(
        consortium="live",
        sandbox=False,
        database_url=url,
        public_base_url="https://exchange.bank",
        pages_base_url="https://pages.exchange.bank",
        origin_domain="exchange.bank",
    )

    assert url == settings.libpq_url


def test_no_secret_is_shown_in_refusals_or_listings() -> None:
    """A password in a log is a password lost."""
    with pytest.raises(SettingsError) as refused:
        load(database_url=f"x{URL}", workers="hunter2")
    settings = load(database_url=URL)

    told = f"{refused.value} {settings!r} {shown(settings)}"

    assert "hunter2" not in told
    assert "**********" == shown(settings)["database_url"]


def test_settings_cannot_be_changed_once_read() -> None:
    """A limit that changes under a running server holds for nobody."""
    settings = load()

    with pytest.raises(ValidationError):
        settings.workers = 3
