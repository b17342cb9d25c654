"""The newest signed checkpoint, kept outside the database: a restored dump cannot take it back.

One file a log, mode 0600, replaced whole: written beside, flushed, renamed over the old one. Keep
it on other storage than the database. The lock beside it makes sequencers of one host take turns,
even on two databases.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exchange.errors import LogRolledBack, UnavailableError

_MODE = 0o600


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

    @contextmanager
    def hold(self, origin: str) -> Iterator[HeldFile]:
        """Hold a log's checkpoint against every other sequencer of this host.

        Raises:
            UnavailableError: another one holds it.
        """
        path = self.path_of(origin)
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, _MODE)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UnavailableError("another sequencer holds this log's checkpoint") from error
            yield HeldFile(path)
        finally:
            os.close(lock)  # Lets go of it; so does the end of the process, however it comes.


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
        beside = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        _flush_directory(self._path.parent)
        self.note = note


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
