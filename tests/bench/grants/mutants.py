"""The mutation score of the law: how many edits of `consent/` its own tests would notice.

Mutants are made and run in a copy, so that the tree is never touched; the run is bounded in time.
What is generated for exports and pages is left out: golden files hold it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.report import Measure, share

SECONDS_MAX = 1_800
ROOT = Path(__file__).parents[3]
_CONFIGURATION = """[mutmut]
source_paths=consent
do_not_mutate=
    consent/exports/*
    consent/tables.py
pytest_add_cli_args_test_selection=tests/unit/consent
also_copy=
    tests
    pytest.ini
"""
_PYTEST = "[pytest]\naddopts = --import-mode=importlib -q -p no:cacheprovider\npythonpath = .\n"
# Fewer examples, always the same: a mutant lives or dies by the rule and not by chance.
# What the law keeps of earlier calls would hide a mutant: each run starts without it.
_CONFTEST = """import functools
import gc

from hypothesis import settings

settings.register_profile(
    "mutation", deadline=None, max_examples=25, derandomize=True, database=None)
settings.load_profile("mutation")


def pytest_sessionstart(session):
    for one in gc.get_objects():
        if isinstance(one, functools._lru_cache_wrapper):
            one.cache_clear()
"""
_NOT_OF_THE_LAW = ("test_exports.py",)  # it needs more than `consent`


def measure_mutation() -> dict[str, Measure]:
    """Mutate `consent/` and count the mutants that its tests find."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _lay_out(folder)
        program = Path(sys.executable).parent / "mutmut"
        # The mutants come first, before the law that is installed.
        environment = {**os.environ, "PYTHONPATH": str(folder / "mutants")}
        children = str(os.cpu_count() or 1)
        try:
            told = subprocess.run(
                [program, "run", "--max-children", children],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=SECONDS_MAX,
            ).stdout
        except subprocess.TimeoutExpired as late:
            told = (late.stdout or b"").decode(errors="replace")
    return _score(told)


def _lay_out(folder: Path) -> None:
    """Copy the law and its tests, and nothing else, into a folder of their own."""
    ignore = shutil.ignore_patterns("__pycache__")
    for part in ("consent", "tests/unit/consent", "tests/vectors", "tests/support"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignore)
    for name in _NOT_OF_THE_LAW:
        (folder / "tests/unit/consent" / name).unlink(missing_ok=True)
    (folder / "tests/__init__.py").touch()
    (folder / "mutants").mkdir()  # Python remembers a place that was not there when it started.
    (folder / "tests/unit/consent/conftest.py").write_text(_CONFTEST)
    (folder / "setup.cfg").write_text(_CONFIGURATION)
    (folder / "pytest.ini").write_text(_PYTEST)


def _score(told: str) -> dict[str, Measure]:
    """Read the last line of progress: 🎉 killed, 🙁 survived, ⏰ timed out, 🫥 no test."""
    counts = {
        name: int(found[-1]) if (found := re.findall(rf"{sign} (\d+)", told)) else 0
        for name, sign in (("killed", "🎉"), ("survived", "🙁"), ("late", "⏰"), ("untested", "🫥"))
    }
    caught, missed = counts["killed"] + counts["late"], counts["survived"] + counts["untested"]
    return {"mutation_score": share(caught, caught + missed)}
