"""The exchange's own processes on a database of a test: started, watched, ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

WAIT_SECONDS_MAX = 60


class Place(NamedTuple):
    """A database, and the folder of its keys and outside files."""

    url: str
    directory: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process, and the file of what it logs."""

    process: subprocess.Popen[bytes]
    said: Path

    def code(self) -> int:
        """Wait until it ends by itself."""
        return self.process.wait(WAIT_SECONDS_MAX)

    def end(self) -> int:
        """Tell it to end, and wait until it has."""
        self.process.terminate()
        return self.code()


@contextmanager
def running(place: Place, *words: str, **settings: object) -> Iterator[Running]:
    """Let `exchange WORDS` run there; what still runs at the end is killed."""
    given = {
        "database_url": place.url,
        "data_dir": place.directory,
        "sandbox": "true",
        "one_person_suffices": "true",
        "sequence_interval_ms": 200,
        "publish_new_ms": 200,
        **settings,
    }
    env = {f"EXCHANGE_{name.upper()}": str(value) for name, value in given.items()}
    command = [sys.executable, "-m", "exchange.cli", *words]
    said = place.directory / f"said-{words[0]}"
    with (
        said.open("wb") as file,
        subprocess.Popen(command, env={"PATH": os.environ["PATH"], **env}, stderr=file) as process,
    ):
        try:
            yield Running(process=process, said=said)
        finally:
            process.kill()


def until(holds: Callable[[], object]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
