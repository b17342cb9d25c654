"""One unit of work: one transaction on one pooled connection.

Leaving the block without `commit()` undoes everything. The pool is made in each server process
after the fork; a connection never crosses one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from psycopg import Connection, OperationalError
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from exchange.errors import UnavailableError
from exchange.store.batches.files import Batches
from exchange.store.batches.staging import Staging
from exchange.store.borrowers.files import Files
from exchange.store.borrowers.keys import Borrowers
from exchange.store.disputes import Disputes
from exchange.store.grants.registry import Grants
from exchange.store.leaves import Leaves
from exchange.store.log import Publication, Tree
from exchange.store.log.audit import Audit
from exchange.store.log.disbursements import Disbursements
from exchange.store.members import Members
from exchange.store.notices import Notices
from exchange.store.outward.events import Events
from exchange.store.outward.webhooks import Webhooks
from exchange.store.queries import Queries
from exchange.store.records import Records
from exchange.store.retention import Retention
from exchange.store.security_events import SecurityEvents


class Work:
    """The statements of every noun, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection
        self.queries = Queries(connection)
        self.log = Leaves(connection)
        self.members = Members(connection)
        self.grants = Grants(connection)
        self.notices = Notices(connection)
        self.records = Records(connection)
        self.disputes = Disputes(connection)
        self.retention = Retention(connection)
        self.security = SecurityEvents(connection)
        self.borrowers = Borrowers(connection)
        self.files = Files(connection)
        self.batches = Batches(connection)
        self.staging = Staging(connection)
        self.tree = Tree(connection)
        self.disbursements = Disbursements(connection)
        self.publication = Publication(connection)
        self.events = Events(connection)
        self.webhooks = Webhooks(connection)
        self.audit = Audit(connection)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo what is written within the block, and that alone, where the block raises."""
        self._connection.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO SAVEPOINT attempt")
            raise
        self._connection.execute("RELEASE SAVEPOINT attempt")

    def commit(self) -> None:
        """Make everything durable: the answer may leave only after this returns."""
        self._connection.commit()


class Database:
    """The pool of one process."""

    def __init__(
        self,
        url: str,
        *,
        connections_max: int,
        wait_seconds: float,
        statement_ms_max: int,
        lock_wait_ms_max: int,
    ) -> None:
        # Every hot statement is a set of index probes. Before a table has statistics the planner
        # would scan it, keep that plan, and slow down as the table grows.
        options = (
            "-c enable_seqscan=off -c jit=off -c timezone=UTC"
            f" -c statement_timeout={statement_ms_max} -c lock_timeout={lock_wait_ms_max}"
        )
        self._pool = ConnectionPool(
            url,
            kwargs={"options": options},
            min_size=1,
            max_size=connections_max,
            timeout=wait_seconds,
            open=False,
            configure=_configure,
        )

    def open(self) -> None:
        """Start connecting; returns at once."""
        self._pool.open()

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    @contextmanager
    def begin(self) -> Iterator[Work]:
        """Open a unit of work.

        Raises:
            UnavailableError: the database is down, or no connection came free in time.
        """
        connection = self._take()
        try:
            with _unit(connection) as work:
                yield work
        finally:
            self._pool.putconn(connection)  # A broken connection is replaced.

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Keep one connection for several units of work.

        Raises:
            UnavailableError: the database is down, or no connection came free in time.
        """
        connection = self._take()
        try:
            yield Session(connection)
        finally:
            self._pool.putconn(connection)

    def _take(self) -> Connection[TupleRow]:
        try:
            return self._pool.getconn()
        except (PoolTimeout, OperationalError) as error:
            raise UnavailableError("the database is not available") from error


class Session:
    """One connection for as long as a file is at work: its units of work share what is staged."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def begin(self) -> AbstractContextManager[Work]:
        """Open a unit of work."""
        return _unit(self._connection)

    @contextmanager
    def queue(self, member: str) -> Iterator[None]:
        """Let one small file of the member pass after the other.

        Raises:
            UnavailableError: the others take too long.
        """
        with self.begin() as work:
            work.batches.queue(member)
        try:
            yield
        finally:
            if not self._connection.closed:
                with self.begin() as work:
                    work.batches.leave_queue(member)

    def claim(self, member: str) -> bool:
        """Take the member's turn, until `release` or the session's end; False if it is taken."""
        with self.begin() as work:
            return work.batches.claim_turn(member)

    def release(self, member: str) -> None:
        """Give the member's turn back; a session that broke has given it back already."""
        if not self._connection.closed:
            with self.begin() as work:
                work.batches.release_turn(member)


@contextmanager
def _unit(connection: Connection[TupleRow]) -> Iterator[Work]:
    try:
        yield Work(connection)
    except OperationalError as error:
        raise UnavailableError("the database gave up on this request") from error
    finally:
        if not connection.closed:
            connection.rollback()  # What was not committed is undone.


def _configure(connection: Connection[TupleRow]) -> None:
    # Statements are few and hot: prepare each at its first use.
    connection.prepare_threshold = 0
