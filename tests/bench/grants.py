"""The figures of the grant gate: a thousand races, and the mutation score of the law.

Races run over HTTP in this process against a database of their own, on two workers. Mutants of
`consent/` run in a copy of it, so that the tree is never touched; both are bounded in time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from exchange.store.embedded.server import Launch, start
from exchange.store.migrate import migrate
from tests.bench.report import Measure, figure
from tests.support.grant_desk import GrantDesk
from tests.support.grant_races import race_uses, race_withdrawal
from tests.support.sandbox import make_sandbox

ROUNDS = 1_000
SECONDS_MAX = 1_800  # of the mutants, and of each race
ROOT = Path(__file__).parents[2]
_CONFIGURATION = """[mutmut]
source_paths=consent
pytest_add_cli_args_test_selection=tests/unit/consent
also_copy=
    tests
    pytest.ini
"""
_PYTEST = "[pytest]\naddopts = --import-mode=importlib -q -p no:cacheprovider\npythonpath = .\n"
# Fewer examples, always the same: a mutant lives or dies by the rule and not by chance.
_CONFTEST = """from hypothesis import settings
settings.register_profile(
    "mutation", deadline=None, max_examples=25, derandomize=True, database=None)
settings.load_profile("mutation")
"""
_NOT_OF_THE_LAW = ("test_counsel.py", "test_exports.py")  # they need more than `consent`


def measure_races() -> dict[str, Measure]:
    """Race withdrawals against questions, and eight questions for one look."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = start(Launch(data_dir=folder / "d", sandbox=True, durable=False))
        try:
            migrate(server.url)
            return _races(server.url, folder)
        finally:
            server.stop()


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


def _races(url: str, folder: Path) -> dict[str, Measure]:
    sandbox, second = make_sandbox(url, folder), make_sandbox(url, folder)
    key = sandbox.enrol("member-a")
    here, elsewhere = (GrantDesk(sandbox=one, key=key) for one in (sandbox, second))
    deadline = time.monotonic() + SECONDS_MAX
    outcomes: Counter[str] = Counter()
    for subject in range(ROUNDS):
        if time.monotonic() < deadline:
            outcomes[race_withdrawal(here, elsewhere, subject)] += 1
    deadline = time.monotonic() + SECONDS_MAX
    once = [
        race_uses([here, elsewhere], subject)
        for subject in range(ROUNDS, 2 * ROUNDS)
        if time.monotonic() < deadline
    ]
    sandbox.close()
    second.close()
    agreed = outcomes["permitted"] + outcomes["withdrawn"]
    total = sum(outcomes.values())
    return {
        "withdrawal_races_consistent": _share(agreed, total),
        "withdrawal_races_query_first": _share(outcomes["permitted"], total),
        "once_grant_spent_once": _share(sum(once), len(once)),
    }


def _lay_out(folder: Path) -> None:
    """Copy the law and its tests, and nothing else, into a folder of their own."""
    ignore = shutil.ignore_patterns("__pycache__")
    for part in ("consent", "tests/unit/consent", "tests/vectors", "tests/support"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignore)
    for name in _NOT_OF_THE_LAW:
        (folder / "tests/unit/consent" / name).unlink(missing_ok=True)
    (folder / "tests/__init__.py").touch()
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
    return {"mutation_score": _share(caught, caught + missed)}


def _share(part: int, whole: int) -> Measure:
    """Return a share of a count; `rounds` says of how many."""
    return {**figure(part / whole if whole else 0.0, "share"), "rounds": whole}
