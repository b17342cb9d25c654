"""Image and compose file: CI has no container engine, so each of their words is held.

The build is carried out as far as it goes without an engine: what is copied makes a whole wheel.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from exchange.cli.main import app
from exchange.settings import Settings
from exchange.settings.sources import PREFIX
from tests.structure.generated import ROOT, tracked

FOLDER = ROOT / "deploy" / "container"
CONTAINERFILE = (FOLDER / "Containerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(SERVICES.keys() - {"database"})
KNOWN = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {f"{PREFIX}CONFIG"}
INSTRUCTIONS = ("FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "EXPOSE", "ENTRYPOINT", "CMD")
SECRET_OPTIONS = {"image", "build", "read_only", "cap_drop", "security_opt", "tmpfs", "environment"}
KEYS = SECRET_OPTIONS | {
    *("secrets", "depends_on", "command", "entrypoint", "restart", "volumes"),
    *("profiles", "ports", "stop_grace_period", "healthcheck"),
}


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Containerfile, continued lines joined."""
    joined = CONTAINERFILE.replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def copied() -> list[tuple[str, str]]:
    """Return (source, target) of everything that is copied from the tree."""
    moves = [rest.split() for name, rest in instructions() if name == "COPY"]
    return [(one, words[-1]) for words in moves if words[0][0] != "-" for one in words[:-1]]


def command_exists(words: list[str]) -> bool:
    """Tell whether these words name a command of `exchange`, with options that it takes."""
    command: Any = typer.main.get_command(app)
    for number, word in enumerate(words):
        if not hasattr(command, "commands"):
            known = {name for one in command.params for name in one.opts}
            return all(rest in known for rest in words[number:] if rest.startswith("-"))
        command = command.commands.get(word)
        if command is None:
            return False
    return not hasattr(command, "commands")


def test_the_containerfile_is_of_two_stages_and_of_words_that_an_engine_knows() -> None:
    """A misspelt instruction is found by whoever builds, at the worst of times."""
    told = instructions()

    assert set() == {name for name, _ in told} - set(INSTRUCTIONS)
    assert 2 == sum(name == "FROM" for name, _ in told)
    last = max(number for number, (name, _) in enumerate(told) if name == "FROM")
    final = dict(told[last:])
    assert "USER" in final
    assert not re.match(r"0|root", final["USER"])
    assert ["RUN", "USER"] == [name for name, _ in told[last:] if name in ("RUN", "USER")]
    assert not any(name == "ADD" or "curl" in rest or "wget" in rest for name, rest in told)
    images = {rest.split()[0] for name, rest in told if name == "FROM"}
    assert {"docker.io/library/python:3.11-slim-bookworm"} == images


def test_what_is_copied_is_there_and_makes_a_whole_wheel(tmp_path: Path) -> None:
    """A folder that the build forgets is missed by the first request, not by the build."""
    for source, target in copied():
        place = tmp_path / target / Path(source).name if target.endswith("/") else tmp_path / target
        if (ROOT / source).is_dir():
            for file in tracked(f"{source}/**"):
                kept = place / file.relative_to(ROOT / source)
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, kept)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, place)

    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "wheels")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == built.returncode, built.stderr
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    for package in ("exchange", "consent", "migrations"):
        wanted = {file.relative_to(ROOT).as_posix() for file in tracked(f"{package}/**")}
        missing = {one for one in wanted - held if not one.endswith(".md")}
        assert set() == missing, package


def test_the_image_starts_a_command_that_is_installed_where_its_path_looks() -> None:
    """An entry point that is not on the path is a container that never starts."""
    told = dict(instructions())
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]

    (entry,) = yaml.safe_load(told["ENTRYPOINT"])
    assert entry in scripts
    assert command_exists(yaml.safe_load(told["CMD"]))
    environment = dict(one.split("=", 1) for one in told["ENV"].split())
    assert "/opt/venv/bin" == environment["PATH"]
    assert "/opt/venv" in CONTAINERFILE.split("COPY --from=build ")[1].split()
    assert set() == {one for one in environment if one.startswith(PREFIX)} - KNOWN
    # The one folder that every service may write, in every engine: a tmpfs of mode 1777.
    (writable,) = COMPOSE["x-exchange"]["tmpfs"]
    assert environment[f"{PREFIX}DATA_DIR"].startswith(writable.split(":")[0] + "/")


@pytest.mark.parametrize("name", OURS)
def test_every_service_runs_a_command_that_there_is(name: str) -> None:
    """A command that was renamed leaves a service that restarts for ever."""
    service = SERVICES[name]
    lines = service["command"]
    if service.get("entrypoint") == ["/bin/sh", "-ec"]:
        shell = [line.split() for line in lines[0].splitlines()]
        assert {"exchange"} == {words[0] for words in shell}
        commands = [words[1:] for words in shell]
    else:
        assert "entrypoint" not in service
        commands = [lines]

    assert [] == [words for words in commands if not command_exists(words)]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_name_in_a_service_is_declared(name: str) -> None:
    """A volume, a secret or a neighbour that is misspelt stops the whole file."""
    service = SERVICES[name]

    assert set() == service.keys() - KEYS
    assert set() == set(service.get("secrets", ())) - COMPOSE["secrets"].keys()
    volumes = {one.split(":")[0] for one in service.get("volumes", ())}
    assert set() == volumes - COMPOSE["volumes"].keys()
    waits = service.get("depends_on", {})
    assert set() == waits.keys() - SERVICES.keys()
    for other, how in waits.items():
        healthy = how["condition"] == "service_healthy"
        assert healthy is ("healthcheck" in SERVICES[other])
        assert healthy or "restart" not in SERVICES[other]  # It ends, or nobody starts after it.
    for key, value in service["environment"].items():
        if key.endswith("_FILE") or key in (f"{PREFIX}KEYRING_PATH", f"{PREFIX}CONFIG"):
            assert value.removeprefix("/run/secrets/") in service["secrets"], key


def test_build_ports_and_folders_are_those_of_the_image() -> None:
    """A port that nobody listens on, or a folder that nobody may write, looks like an outage."""
    told, api = dict(instructions()), SERVICES["api"]
    host, port = api["environment"][f"{PREFIX}LISTEN"].rsplit(":", 1)

    assert ("0.0.0.0", told["EXPOSE"]) == (host, port)  # noqa: S104 - inside of its own network
    assert [f"127.0.0.1:{port}:{port}"] == api["ports"]
    build = COMPOSE["x-exchange"]["build"]
    assert (FOLDER / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).read_text() == CONTAINERFILE
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"credit-exchange:{version}" == COMPOSE["x-exchange"]["image"]
    made = CONTAINERFILE.rpartition("mkdir -m 0700 ")[2].split("&&")[0].split()
    for name in OURS:
        service = SERVICES[name]
        places = {one.split(":")[1] for one in service.get("volumes", ())}
        assert set() == places - set(made)
        assert service["read_only"]
        # Whoever keeps what a restore is compared with must have where to keep it.
        if name in ("sequencer", "daily", "api"):
            assert "/outside" in places


def test_what_ci_does_not_run_is_said_plainly() -> None:
    """An operator must know what nobody starts before a release."""
    page = (ROOT / "deploy" / "RUNBOOK.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| Containerfile"))

    assert "**not run in CI**" in row
