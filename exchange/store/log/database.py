"""The sequencer's own connection: its units of work are transactions on the tree alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from psycopg import IntegrityError, OperationalError

from exchange.errors import LogDamaged, UnavailableError
from exchange.store.driver.trips import TripConnection
from exchange.store.leaves import Leaves
from exchange.store.log.daily import Daily
from exchange.store.log.meters import Meters
from exchange.store.log.publication import Publication
from exchange.store.log.tree import Tree

# Probes of an index, all of them: without statistics the planner would scan, and keep that plan.
_OPTIONS = "-c enable_seqscan=off -c enable_hashjoin=off -c jit=off -c lock_timeout=2s"


class LogWork:
    """One transaction on the tree. Leaving it without `commit()` undoes everything."""

    def __init__(self, connection: TripConnection) -> None:
        self._connection = connection
        self.tree = Tree(connection)
        self.log = Leaves(connection)
        self.publication = Publication(connection)
        self.daily = Daily(connection)
        self.meters = Meters(connection)

    def commit(self) -> None:
        """Make everything durable: a signature may leave only after this returns."""
        self._connection.commit()


class LogDatabase:
    """The sequencer's one connection, made anew after it was lost."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: TripConnection | None = None
        # Several witnesses are asked side by side, and each answer may ask the tree.
        self._turn = RLock()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    @contextmanager
    def begin(self) -> Iterator[LogWork]:
        """Open a unit of work; another thread's waits for its end.

        Raises:
            UnavailableError: the database is down, gave up, or somebody holds the log's row. What
                was being committed may have been: reread it, and go on from there.
            LogDamaged: an index or a size is taken already.
        """
        try:
            with self._turn, self._connected() as connection:
                yield LogWork(connection)
        except OperationalError as error:
            raise UnavailableError("the database of the log is not available") from error
        except IntegrityError as error:
            raise LogDamaged(f"the log's rows contradict each other: {error}") from error

    @contextmanager
    def _connected(self) -> Iterator[TripConnection]:
        if self._connection is None or self._connection.closed:
            self._connection = TripConnection.connect(self._url, options=_OPTIONS)
            self._connection.prepare_threshold = 0
        try:
            yield self._connection
        finally:
            if not self._connection.closed:
                self._connection.rollback()
