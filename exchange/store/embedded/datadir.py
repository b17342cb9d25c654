"""The data directory of an embedded server: its layout, its lock, and who runs on it.

<data directory>/
  postgres.lock       held while a process of ours uses the server
  postgres.password   0600, ours
  pg/                 0700, of the user the server runs as: cluster/ socket/ postgres.log
                      (a link, when that user cannot walk to the data directory)
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import tempfile
from pathlib import Path

from exchange.errors import LaunchError
from exchange.store.embedded.binaries import reachable

SERVER_USER = "nobody"  # who runs the server when we are root; never an account of our own
HOME_FOR_ROOT = Path("/var/lib/credit-exchange")
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_CHARS_MAX = 100  # the kernel takes 107 bytes
_NO_PROCESS = "2147483647"  # above every system's largest process id


def server_user() -> pwd.struct_passwd | None:
    """The user that the server runs as, or None for our own: PostgreSQL refuses to run as root."""
    return pwd.getpwnam(SERVER_USER) if os.geteuid() == 0 else None


def _server_uid() -> int:
    user = server_user()
    return user.pw_uid if user else os.geteuid()


def lock(data_dir: Path) -> int:
    """Make the directory and take its lock; the kernel drops it however its holder dies.

    Raises:
        LaunchError: another process holds it.
    """
    _make(data_dir, 0o711 if server_user() else 0o700)
    descriptor = os.open(data_dir / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode().strip()
        os.close(descriptor)
        raise LaunchError(f"{data_dir} is in use by process {holder}: stop it first") from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def make_home(data_dir: Path) -> Path:
    """Return the server's own directory, made if it is absent."""
    home = data_dir / "pg"
    if server_user() and not home.exists() and not reachable(data_dir):
        _make(HOME_FOR_ROOT, 0o711)
        place = Path(tempfile.mkdtemp(dir=HOME_FOR_ROOT))
        give(place)
        home.symlink_to(place)
    elif not home.exists():
        give(_make(home, 0o700))
    return home.resolve()


def socket_directory(home: Path) -> Path:
    """Return a directory for the socket: inside, or a short one where that path is too long."""
    inside = home / "socket"
    if len(f"{inside}/{SOCKET_NAME}") < SOCKET_PATH_CHARS_MAX:
        return give(_make(inside, 0o700))
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]  # the same at each start
    short = _make(Path(tempfile.gettempdir()) / f"cx-{name}", 0o700)
    if short.is_symlink() or short.stat().st_uid not in {os.geteuid(), _server_uid()}:
        raise LaunchError(f"{short} belongs to another user: it cannot hold the server's socket")
    return give(short)


def give(path: Path) -> Path:
    """Hand a file or directory to the user that the server runs as."""
    if user := server_user():
        os.chown(path, user.pw_uid, user.pw_gid)
    return path


def pid_file(home: Path) -> list[str]:
    """Lines of postmaster.pid: process id, data directory, start, port, socket directory, …"""
    try:
        return (home / "cluster" / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def running(home: Path) -> bool:
    """Tell whether a server runs here and takes connections."""
    lines = pid_file(home)
    return len(lines) > 7 and lines[7].strip() == "ready" and is_postmaster(int(lines[0]), home)


def is_postmaster(pid: int, home: Path) -> bool:
    """Tell whether this process is the server of this cluster, and no later one of its number."""
    try:
        os.kill(pid, 0)
        cwd = Path(f"/proc/{pid}/cwd").resolve(strict=True)  # a postmaster stands in its cluster
    except FileNotFoundError:
        return not Path("/proc/self").exists()  # no /proc on this system: believe the number
    except (ProcessLookupError, PermissionError):
        return False
    return cwd == (home / "cluster").resolve()


def clear_stale(home: Path) -> bool:
    """Tell whether a killed server left its lock file, and make sure that nobody is blamed for it.

    Its number may belong to another process by now. The file itself stays: by the memory segment
    that it names, PostgreSQL refuses to start while a process of the killed server still writes.
    """
    lines = pid_file(home)
    if not lines or is_postmaster(int(lines[0]), home):
        return False
    (home / "cluster" / "postmaster.pid").write_text("\n".join([_NO_PROCESS, *lines[1:], ""]))
    if len(lines) > 4:
        Path(lines[4], f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
    return True


def _make(path: Path, mode: int) -> Path:
    if not path.exists():
        path.mkdir(mode=mode, parents=True)
        path.chmod(mode)
    return path
