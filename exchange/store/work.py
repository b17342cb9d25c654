"""One unit of work: one transaction on one pooled connection.

Leaving the block without `commit()` undoes everything. The pool is made in each server process
after the fork; a connection never crosses one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Generic, TypeVar

from psycopg import OperationalError
from psycopg_pool import ConnectionPool, PoolTimeout

from exchange.errors import UnavailableError
from exchange.store.batches.files import Batches
from exchange.store.batches.staged_corrections import StagedCorrections
from exchange.store.batches.staging import Staging
from exchange.store.borrowers.files import Files
from exchange.store.borrowers.keys import Borrowers
from exchange.store.driver.trips import TripConnection
from exchange.store.grants.registry import Grants
from exchange.store.leaves import Leaves
from exchange.store.life.disputes import Disputes
from exchange.store.life.reports import Reports
from exchange.store.life.retention import Retention
from exchange.store.life.standing import Standing
from exchange.store.life.transfers import Transfers
from exchange.store.log import Publication, Tree
from exchange.store.log.audit import Audit
from exchange.store.log.daily import Daily
from exchange.store.log.disbursements import Disbursements
from exchange.store.log.erasure import Erasure
from exchange.store.log.meters import Meters
from exchange.store.log.months import Months
from exchange.store.members import Members
from exchange.store.notices import Notices
from exchange.store.outward.events import Events
from exchange.store.outward.statuses import Statuses
from exchange.store.outward.watches import Watches
from exchange.store.outward.webhooks import Webhooks
from exchange.store.people.operators import Operators
from exchange.store.people.seats import Seats
from exchange.store.queries import Queries
from exchange.store.records import Records
from exchange.store.security_events import SecurityEvents

Noun = TypeVar("Noun")

# A session keeps so much of the rows that it stages in memory, as far as there are any: 105 MiB of
# the longest file by default, 200,000 rows. A longer file's lie in files of the server, which are
# read for every question about all rows.
_STAGED_MIB_MAX = 128


class _Noun(Generic[Noun]):
    """The statements about one noun, made at their first use in a unit of work."""

    def __init__(self, make: Callable[[TripConnection], Noun]) -> None:
        self._make = make

    def __set_name__(self, owner: type[object], name: str) -> None:
        self._name = name

    def __get__(self, work: Work, owner: type[object]) -> Noun:
        made = self._make(work.connection)
        work.__dict__[self._name] = made  # Found there from now on.
        return made


class Work:
    """The statements of every noun, bound to one open transaction."""

    queries = _Noun(Queries)
    log = _Noun(Leaves)
    members = _Noun(Members)
    operators = _Noun(Operators)
    seats = _Noun(Seats)
    grants = _Noun(Grants)
    notices = _Noun(Notices)
    records = _Noun(Records)
    transfers = _Noun(Transfers)
    disputes = _Noun(Disputes)
    retention = _Noun(Retention)
    reports = _Noun(Reports)
    security = _Noun(SecurityEvents)
    borrowers = _Noun(Borrowers)
    files = _Noun(Files)
    batches = _Noun(Batches)
    staging = _Noun(Staging)
    corrections = _Noun(StagedCorrections)
    tree = _Noun(Tree)
    disbursements = _Noun(Disbursements)
    erasure = _Noun(Erasure)
    daily = _Noun(Daily)
    publication = _Noun(Publication)
    meters = _Noun(Meters)
    events = _Noun(Events)
    webhooks = _Noun(Webhooks)
    watches = _Noun(Watches)
    statuses = _Noun(Statuses)
    audit = _Noun(Audit)
    months = _Noun(Months)
    standing = _Noun(Standing)

    def __init__(self, connection: TripConnection) -> None:
        self.connection = connection

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo what is written within the block, and that alone, where the block raises."""
        self.connection.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK TO SAVEPOINT attempt")
            raise
        self.connection.execute("RELEASE SAVEPOINT attempt")

    def commit(self) -> None:
        """Make everything durable: the answer may leave only after this returns."""
        self.connection.commit()


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
            f" -c temp_buffers={_STAGED_MIB_MAX}MB"
            f" -c statement_timeout={statement_ms_max} -c lock_timeout={lock_wait_ms_max}"
        )
        self._pool = ConnectionPool(
            url,
            kwargs={"options": options},
            min_size=1,
            max_size=connections_max,
            timeout=wait_seconds,
            open=False,
            connection_class=TripConnection,
            configure=_configure,
        )

    def open(self) -> None:
        """Start connecting; returns at once."""
        self._pool.open()

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def begin(self) -> AbstractContextManager[Work]:
        """Open a unit of work.

        Raises:
            UnavailableError: the database is down, or no connection came free in time.
        """
        # A broken connection is replaced when it is given back.
        return _Unit(self._take, self._pool.putconn)

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

    def _take(self) -> TripConnection:
        try:
            return self._pool.getconn()
        except (PoolTimeout, OperationalError) as error:
            raise UnavailableError("the database is not available") from error


class Session:
    """One connection for as long as a file is at work: its units of work share what is staged."""

    def __init__(self, connection: TripConnection) -> None:
        self._connection = connection

    def begin(self) -> AbstractContextManager[Work]:
        """Open a unit of work."""
        return _Unit(lambda: self._connection, _keep)

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


class _Unit(AbstractContextManager[Work]):
    """A transaction on a connection that is taken for it, and given back."""

    def __init__(
        self, take: Callable[[], TripConnection], give_back: Callable[[TripConnection], None]
    ) -> None:
        self._take = take
        self._give_back = give_back

    def __enter__(self) -> Work:
        self._connection = self._take()
        return Work(self._connection)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        try:
            _undo(self._connection)
        finally:
            self._give_back(self._connection)
        if isinstance(error, OperationalError):
            raise UnavailableError("the database gave up on this request") from error


def _keep(_connection: TripConnection) -> None:
    """Go on with a session's connection."""


def _undo(connection: TripConnection) -> None:
    """Undo what was not committed; where the connection is lost, the server has done so."""
    if not connection.closed:
        try:
            connection.rollback()
        except OperationalError:
            connection.close()  # The pool makes a new one.


def _configure(connection: TripConnection) -> None:
    # Statements are few and hot: prepare each at its first use.
    connection.prepare_threshold = 0
