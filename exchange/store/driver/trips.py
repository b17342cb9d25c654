"""Trips to the server: prepared statements straight on libpq, several in one wait.

The query's way takes two: begin and gate, then leaf and commit. Through the driver's cursors they
were four waits and over three times the client's CPU; and a process that waits comes back to cold
caches, so that each wait costs more than the work it interrupts.

Out: rows as tuples, read in PostgreSQL's binary form.
Guarantee: when a trip returns, every statement of it has succeeded. When it raises, the transaction
is broken and is undone; only where the connection broke under a commit is its outcome unknown.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Mapping
from typing import NamedTuple

from psycopg import Connection, OperationalError
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import RowFactory, TupleRow, tuple_row

from exchange.store.driver.binary_forms import ENCODERS
from exchange.store.statement import Statement

WAIT_MS_MAX = 60_000  # the server's own statement timeout is shorter; beyond this it is lost
# By their names here: before Python 3.12 an enumeration looks each of its members up by a function.
_SOUND = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_SYNC = ExecStatus.PIPELINE_SYNC
_IDLE = TransactionStatus.IDLE
_BAD = ConnStatus.BAD
_BINARY = 1

_BEGIN = Statement("BEGIN")
_COMMIT = Statement("COMMIT")


class Call(NamedTuple):
    """One statement of a trip, with its named parameters."""

    statement: Statement
    parameters: Mapping[str, object]


class _Prepared(NamedTuple):
    """A statement as one connection knows it."""

    encoders: tuple[Callable[[object], bytes], ...]
    formats: tuple[int, ...]


class TripConnection(Connection[TupleRow]):
    """A connection that can also send several prepared statements and wait once."""

    def __init__(self, pgconn: PGconn, row_factory: RowFactory[TupleRow] = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self._known: dict[Statement, _Prepared] = {}
        self._transformer = Transformer(self)
        self._poll = select.poll()
        self._poll.register(pgconn.socket, select.POLLIN)
        self._poll_both = select.poll()
        self._poll_both.register(pgconn.socket, select.POLLIN | select.POLLOUT)

    def trip(self, *calls: Call, commit: bool = False) -> list[TupleRow]:
        """Run statements in one wait, opening a transaction if none is; return the last's rows.

        Args:
            commit: end the transaction behind them, in the same wait.

        Raises:
            psycopg.Error: what the first statement that failed raised.
        """
        pgconn = self.pgconn
        idle = pgconn.transaction_status == _IDLE
        opening, closing = (_BEGIN,) if idle else (), (_COMMIT,) if commit else ()
        planned = [(call, self._prepare(call.statement)) for call in calls]
        for statement in (*opening, *closing):
            self._prepare(statement)
        pgconn.enter_pipeline_mode()
        try:
            for statement in opening:
                pgconn.send_query_prepared(statement.key, None)
            for call, prepared in planned:
                self._send(call, prepared)
            for statement in closing:
                pgconn.send_query_prepared(statement.key, None)
            pgconn.pipeline_sync()
            received = self._receive()  # All of them, before one is judged.
            results = [_check(result) for result in received]
        finally:
            self._leave()
        last = results[len(opening) + len(calls) - 1]
        self._transformer.set_pgresult(last)
        return self._transformer.load_rows(0, last.ntuples, tuple)

    def copy_in(self, command: bytes, body: bytes) -> None:
        """Send a COPY and what it reads, opening a transaction if none is.

        Raises:
            psycopg.Error: the server refuses the command or the body.
        """
        if self.pgconn.transaction_status == _IDLE:
            _check(self.pgconn.exec_(b"BEGIN"))
        self.pgconn.send_query(command)
        self._flush()
        started = self._next()
        if started is None or started.status != ExecStatus.COPY_IN:
            self._settle(started)
            return
        self.pgconn.put_copy_data(body)
        self.pgconn.put_copy_end()
        self._flush()
        self._settle(self._next())

    def _settle(self, result: PGresult | None) -> None:
        """Read what is left of a statement's answers, then judge the first of them."""
        while self._next() is not None:
            pass
        if result is None:
            raise OperationalError("the connection to the server was lost")
        _check(result)

    def rollback(self) -> None:
        """Undo what is open. Statements stay prepared: in the server they outlive a transaction.

        The driver's own rollback forgets them all, and the next question would plan them anew.
        """
        status = self.pgconn.transaction_status
        if status == _IDLE:
            return
        if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            _check(self.pgconn.exec_(b"ROLLBACK"))
        else:  # Something is still under way, or the connection is lost: the driver knows.
            super().rollback()

    def _send(self, call: Call, prepared: _Prepared) -> None:
        parameters = call.statement.values(call.parameters)
        values = [
            None if value is None else encode(value)
            for value, encode in zip(parameters, prepared.encoders, strict=True)
        ]
        self.pgconn.send_query_prepared(call.statement.key, values, prepared.formats, _BINARY)

    def _receive(self) -> list[PGresult]:
        """Wait for the server's answers up to the end of the trip, failed ones among them."""
        pgconn, received = self.pgconn, list[PGresult]()
        self._flush()
        while True:
            while pgconn.is_busy():
                self._wait(self._poll)
            result = pgconn.get_result()
            if result is None:  # Stands between two statements of a pipeline, or for a lost one.
                if pgconn.status == _BAD:
                    raise OperationalError("the connection to the server was lost")
            elif result.status == _SYNC:
                return received
            else:
                received.append(result)

    def _flush(self) -> None:
        """Send all that is written; the server may have to be read first."""
        while self.pgconn.flush():
            self._wait(self._poll_both)

    def _next(self) -> PGresult | None:
        while self.pgconn.is_busy():
            self._wait(self._poll)
        return self.pgconn.get_result()

    def _wait(self, poll: select.poll) -> None:
        if not poll.poll(WAIT_MS_MAX):
            raise OperationalError("the server did not answer")
        self.pgconn.consume_input()

    def _leave(self) -> None:
        """Leave pipeline mode; where answers are still due the connection is of no more use."""
        try:
            self.pgconn.exit_pipeline_mode()
        except OperationalError:
            self.close()

    def _prepare(self, statement: Statement) -> _Prepared:
        known = self._known.get(statement)
        if known is None:
            _check(self.pgconn.prepare(statement.key, statement.sql))
            described = _check(self.pgconn.describe_prepared(statement.key))
            types = [described.param_type(number) for number in range(described.nparams)]
            known = self._known[statement] = _Prepared(
                encoders=tuple(ENCODERS[oid] for oid in types),
                formats=(_BINARY,) * len(types),
            )
        return known


def _check(result: PGresult) -> PGresult:
    if result.status not in _SOUND:
        if not result.error_field(DiagnosticField.SQLSTATE):
            # No server said so: the library tells of the connection, and the driver would take it
            # for a fault of the statement.
            raise OperationalError("the connection to the server was lost")
        raise error_from_result(result)
    return result
