"""Where foreign verifiers are, and how a test says loudly that one is not here."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

NOT_HERE = "NOT EXERCISED: "  # the run's summary lists what starts so
GO_CODE = Path("/usr/share/gocode")  # where Debian's packages put Go sources
DRIVERS = Path(__file__).parent / "drivers"


def python_module(name: str) -> ModuleType:
    """Import a Python verifier, or skip."""
    try:
        return importlib.import_module(name)
    except ImportError:
        pytest.skip(f"{NOT_HERE}the Python package {name.split('.')[0]} is not installed")


def go_driver(folder: Path) -> Path:
    """Build the Go driver against Debian's golang.org/x/mod, or skip."""
    go = shutil.which("go")
    if go is None or not (GO_CODE / "src/golang.org/x/mod").is_dir():
        pytest.skip(f"{NOT_HERE}golang-go and golang-golang-x-mod-dev are not installed")
    program = folder / "verify"
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GO_CODE), "GOFLAGS": ""}
    subprocess.run(
        [go, "build", "-o", str(program), str(DRIVERS / "verify.go")],
        check=True,
        env=environment | {"GOCACHE": str(folder / "cache")},
    )
    return program


def node_packages() -> Path:
    """Find the folder in which @sigstore/verify is installed, or skip."""
    named = os.environ.get("CX_TEST_NODE_MODULES")
    places = [Path(named)] if named else []
    places += [Path("node_modules"), Path("/usr/lib/node_modules"), Path("/usr/share/nodejs")]
    for place in places:
        if shutil.which("node") and (place / "@sigstore/verify").is_dir():
            return place.resolve()
    pytest.skip(f"{NOT_HERE}node with @sigstore/verify is not here (CX_TEST_NODE_MODULES names it)")


def foreign_program(name: str) -> str:
    """Find a program of an environment of its own, or skip."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{NOT_HERE}{name} is not installed (it needs Python 3.12)")
    return found


def run(*words: str) -> tuple[int, str]:
    """Run a foreign program; return its exit code and what it said."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr
