"""The newest signed checkpoint, kept outside the database: a restored dump cannot take it back.

One file a log, replaced whole: written beside, flushed, renamed over the old one. Only its owner
may write it; whoever the directory lets in as its group may read it, as the server must. Keep it on
other storage than the database. The lock beside it makes sequencers of one host take turns, even on
two databases.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exchange.domain.log.witnessing import origin_id
from exchange.errors import LogRolledBack, UnavailableError

_MODE, _GROUP_READS = 0o600, 0o040


class CheckpointFiles:
    """The checkpoint files of one exchange: `<path>.<last part of the origin>`, a file a log."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def path_of(self, origin: str) -> Path:
        """Return where the newest checkpoint of this log is kept."""
        return self._path.with_name(f"{self._path.name}.{origin.rpartition('/')[2]}")

    def read(self, origin: str) -> bytes:
        """Read the newest note without holding it; b"" if there is none."""
        return _read(self.path_of(origin))

    def stop(self, origin: str, evidence: str) -> Path:
        """Keep every sequencer of this host from this log until a person has removed the file."""
        path = self._stop_of(origin)
        _write(path, evidence.encode())
        return path

    @contextmanager
    def hold(self, origin: str) -> Iterator[HeldFile]:
        """Hold a log's checkpoint against every other sequencer of this host.

        Raises:
            UnavailableError: another one holds it.
            LogRolledBack: a witness contradicted this log, and nobody has looked at it yet.
        """
        if (stop := self._stop_of(origin)).exists():
            raise LogRolledBack(f"{origin} was stopped; {stop} says why")
        with _held(self.path_of(origin), wait=False) as held:
            yield held

    def _stop_of(self, origin: str) -> Path:
        path = self.path_of(origin)
        return path.with_name(f"{path.name}.stop")


class WitnessFiles:
    """What a witness remembers: one file a log, named by the hash of its origin."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def hold(self, origin: str) -> Iterator[HeldFile]:
        """Hold what was cosigned last for a log, after everybody else who wants it."""
        with _held(self._directory / origin_id(origin), wait=True) as held:
            yield held


class HeldFile:
    """A checkpoint file while this process holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.note = _read(path)

    def replace(self, note: bytes) -> None:
        """Keep a newer note: when this returns, it survives a power cut.

        Raises:
            LogRolledBack: somebody replaced the file without holding it.
        """
        if _read(self._path) != self.note:
            raise LogRolledBack(f"{self._path} was changed by another hand; nothing was written")
        _write(self._path, note)
        self.note = note


@contextmanager
def _held(path: Path, *, wait: bool) -> Iterator[HeldFile]:
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, _MODE)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise UnavailableError("another sequencer holds this log's checkpoint") from error
        yield HeldFile(path)
    finally:
        os.close(lock)  # Lets go of it; so does the end of the process, however it comes.


def mode_beside(path: Path) -> int:
    """Say who may read a file that is kept outside: its owner, and the group its directory lets in.

    The umask does not: the sequencer's keeps everything else from everybody.
    """
    return _MODE | path.parent.stat().st_mode & _GROUP_READS


def _write(path: Path, content: bytes) -> None:
    """Replace a file whole: written beside, flushed, renamed over the old one."""
    beside = path.with_name(f"{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode_beside(path))
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _flush_directory(path.parent)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _flush_directory(directory: Path) -> None:
    """Make the rename itself durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
