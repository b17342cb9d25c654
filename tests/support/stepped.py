"""An exchange whose every statement and commit is a step that a test can watch, delay or break."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from exchange.services.ports import Ports, Session, Work

WAITED_SECONDS_MAX = 10


@dataclass(slots=True)
class Steps:
    """Names the steps of a service, and does them."""

    steps: list[str] = field(default_factory=list)

    def step(self, name: str, call: Callable[[], object]) -> object:
        """Do one step."""
        self.steps.append(name)
        return call()


@dataclass(slots=True, kw_only=True)
class Meanwhile(Steps):
    """Lets something happen once, before one of the steps."""

    before: str
    does: Callable[[], object]

    def step(self, name: str, call: Callable[[], object]) -> object:
        """Do one step, and what comes before it."""
        if name == self.before and name not in self.steps:
            self.does()
        self.steps.append(name)
        return call()


class _Noun:
    """The statements of one noun, each a step."""

    def __init__(self, real: object, name: str, steps: Steps) -> None:
        self._real, self._name, self._steps = real, name, steps

    def __getattr__(self, method: str) -> Callable[..., object]:
        """Return the real method, as a step."""
        real = getattr(self._real, method)
        return lambda *args, **kwargs: self._steps.step(
            f"{self._name}.{method}", lambda: real(*args, **kwargs)
        )


class _Work:
    """A unit of work whose every statement, and whose commit, is a step."""

    def __init__(self, real: Work, steps: Steps) -> None:
        self._real, self._steps = real, steps

    def __getattr__(self, noun: str) -> _Noun:
        """Return the noun's statements, as steps."""
        return _Noun(getattr(self._real, noun), noun, self._steps)

    def commit(self) -> None:
        """Commit, as a step."""
        self._steps.step("commit", self._real.commit)


class _Session:
    """A session whose units of work go by steps."""

    def __init__(self, real: Session, steps: Steps) -> None:
        self._real, self._steps = real, steps
        self.claim, self.release, self.queue = real.claim, real.release, real.queue

    @contextmanager
    def begin(self) -> Iterator[Work]:
        """Open a unit of work that goes by steps."""
        with self._real.begin() as work:
            yield _Work(work, self._steps)  # type: ignore[misc]  # it answers to every name


def stepped(real: Ports, steps: Steps) -> Ports:
    """Return an exchange's ports, by steps."""

    @contextmanager
    def begin() -> Iterator[Work]:
        with real.begin() as work:
            yield _Work(work, steps)  # type: ignore[misc]  # it answers to every name

    @contextmanager
    def session() -> Iterator[Session]:
        with real.session() as session:
            yield _Session(session, steps)

    return replace(real, begin=begin, session=session)


def waits(sql: Callable[[str], list[tuple[object, ...]]]) -> bool:
    """Say whether a session of this database waits for another."""
    return [] != sql(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'"
    )


def await_waiting(sql: Callable[[str], list[tuple[object, ...]]]) -> None:
    """Wait until a session of this database waits for another."""
    deadline = time.monotonic() + WAITED_SECONDS_MAX
    while not waits(sql):
        assert time.monotonic() < deadline
        time.sleep(0.01)
