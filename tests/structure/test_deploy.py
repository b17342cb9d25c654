"""The files of a deployment: checked by the tools that read them, where those are here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from exchange.settings import Settings
from exchange.settings.sources import PREFIX
from tests.structure.generated import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
YAML = [*sorted(DEPLOY.rglob("*.yaml")), ROOT / ".pre-commit-config.yaml"]
EXPOSURE_MAX = 1.5  # N16


def run(*command: str | Path) -> str:
    """Run a linter and return all it says."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_yaml_is_well_formed(path: Path) -> None:
    """A stray indent moves a setting to another service, silently."""
    rules = "{extends: default, rules: {line-length: {max: 140}, document-start: disable}}"

    assert "" == run(sys.executable, "-m", "yamllint", "-d", rules, path)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_each_unit_is_confined(path: Path) -> None:
    """A hole in the server must not become a hole in the host."""
    text = path.read_text()

    assert "User=cx-" in text
    if shutil.which("systemd-analyze"):
        told = run("systemd-analyze", "verify", path)
        odd = [line for line in told.splitlines() if "is not executable" not in line]
        assert [] == odd
        told = run("systemd-analyze", "security", "--offline=true", path)
        level = re.search(r"exposure level for \S+: ([\d.]+)", told)
        assert level is not None, told
        assert EXPOSURE_MAX >= float(level[1])
    for line in (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "LimitCORE=0",
    ):
        assert f"\n{line}\n" in text


def test_what_runs_daily_has_its_timer_and_each_of_its_commands() -> None:
    """A check of the registry that nobody starts finds nothing."""
    units = DEPLOY / "systemd"
    started = re.findall(
        r"(?m)^ExecStart=\S+/exchange (.+)$", (units / "credit-exchange-daily.service").read_text()
    )

    assert [
        "borrower forget",
        "purge",
        "quality",
        "lend-first",
        "report",
        "grant sample-evidence",
        "grant verify",
    ] == started
    assert "OnCalendar=*-*-*" in (units / "credit-exchange-daily.timer").read_text()
    services = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())["services"]
    in_compose = services["daily"]["command"][0].splitlines()
    assert [f"exchange {words}" for words in started] == in_compose
    for words in started:
        told = run(sys.executable, "-m", "exchange.cli", *words.split(), "--help")
        assert f"exchange {words}" in " ".join(told.split())


def test_the_proxy_takes_what_only_it_may_say_from_nobody(tmp_path: Path) -> None:
    """A client certificate header sent by a stranger must not reach the server."""
    sample = (DEPLOY / "nginx" / "exchange.conf").read_text()

    for header in ("X-Forwarded-Host", "Forwarded", "X-Client-Cert", "X-SSL-Client-Cert"):
        assert f'proxy_set_header {header} "";' in sample
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in sample
    assert "proxy_pass http://cx_exchange;" in sample  # no path: the target stays as signed
    for hidden in ("/readyz", "/metrics", "/openapi.json"):
        assert re.search(rf"location = {hidden}\s+{{ return 404; }}", sample)
    if nginx := shutil.which("nginx") or shutil.which("/usr/sbin/nginx"):
        told = check_nginx(nginx, sample, tmp_path)
        assert "syntax is ok" in told, told


def check_nginx(nginx: str, sample: str, directory: Path) -> str:
    """Let nginx read the sample, with a certificate made for the occasion."""
    run(
        *(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ed25519",
            "-nodes",
            "-subj",
            "/CN=exchange.example",
        ),
        *("-keyout", directory / "key.pem", "-out", directory / "fullchain.pem"),
    )
    sample = sample.replace("/etc/credit-exchange/tls", str(directory))
    sample = sample.replace("/var/log/nginx", str(directory))
    sample = sample.replace("http2 on;", "")  # nginx before 1.25 says it in `listen`
    whole = f"pid {directory}/pid; events {{}} http {{ access_log off; {sample} }}"
    (directory / "nginx.conf").write_text(whole)
    return run(nginx, "-t", "-c", directory / "nginx.conf", "-e", directory / "error.log")


def test_the_image_is_locked_and_runs_as_nobody_special() -> None:
    """An image that installs whatever is newest, or runs as root, is a gift."""
    text = (DEPLOY / "container" / "Containerfile").read_text()
    final = text.rpartition("FROM ")[2]
    installs = [line for line in text.replace("\\\n", " ").split("&&") if "pip install" in line]

    assert "USER 10001:10001" in final
    assert "RUN useradd" in final
    for one in installs:
        assert "--require-hashes" in one or "--no-deps" in one
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in source.split())


def test_the_compose_file_confines_its_services_and_names_real_settings() -> None:
    """A setting that is misspelt in a deployment is a default that nobody chose."""
    services = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())["services"]
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {f"{PREFIX}CONFIG"}

    for name in services.keys() - {"database"}:
        service = services[name]
        assert service["read_only"]
        assert ["ALL"] == service["cap_drop"]
        assert set() == {one.removesuffix("_FILE") for one in service["environment"]} - known


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_units_name_real_settings(path: Path) -> None:
    """A unit with a misspelt setting does not start after the next upgrade."""
    names = set(re.findall(rf"Environment=({PREFIX}\w+?)(?:_FILE)?=", path.read_text()))

    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {f"{PREFIX}CONFIG"}
    assert set() == names - known


def lines_of(unit: str) -> dict[str, set[str]]:
    """Return what a unit says, by name; settings of ours by theirs."""
    said: dict[str, set[str]] = {}
    for line in (DEPLOY / "systemd" / f"credit-exchange-{unit}.service").read_text().splitlines():
        name, _, value = line.removeprefix("Environment=").partition("=")
        said.setdefault(name, set()).add(value)
    return said


def test_the_server_reads_what_the_sequencer_keeps_outside_the_database() -> None:
    """A restored database would be served by whichever unit cannot see the file that shows it."""
    keeper, reader = lines_of("sequencer"), lines_of("api")
    kept = Path("/var/lib") / keeper["StateDirectory"].pop()

    for setting, name in (("CHECKPOINT_PATH", "checkpoint"), ("SHRED_PATH", "shredded")):
        for unit in (keeper, reader, lines_of("publisher")):
            assert {str(kept / name)} == unit[f"{PREFIX}{setting}"]
    assert keeper["Group"] <= reader["SupplementaryGroups"]
    assert keeper["User"] != reader["User"]
    assert {"0750"} == keeper["StateDirectoryMode"] == lines_of("publisher")["StateDirectoryMode"]
    assert {"0700"} == reader["StateDirectoryMode"]
    for path in UNITS:  # Nobody else is let in, and nobody but its keeper may write there.
        said = lines_of(path.stem.removeprefix("credit-exchange-"))
        assert said["User"] == {"cx-sequencer"} or "ReadWritePaths" not in said
        assert path.stem.endswith("-api") or "SupplementaryGroups" not in said
    services = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())["services"]
    assert ["outside:/outside:ro"] == services["api"]["volumes"]
    assert ["outside:/outside"] == services["sequencer"]["volumes"]


def test_ci_runs_what_a_developer_runs() -> None:
    """A green run that nobody can repeat proves nothing."""
    script = (ROOT / ".ci" / "run").read_text().splitlines()

    assert "exec make test" == script[-1]
