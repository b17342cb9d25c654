"""A server process that waits for nobody too long, and drains: it serves who is in line, then ends.

gunicorn's own stops accepting and leaves its listening socket open until the last request is
answered. The kernel goes on completing handshakes there, and resets all of them at the end: each
is a client that was let in, asked, and was cut.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterable

from gunicorn.http.message import Request  # type: ignore[import-untyped]  # it ships no types
from gunicorn.http.wsgi import Response  # type: ignore[import-untyped]  # as above
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]  # as above

from exchange import settings
from exchange.jobs.serving.plain_answers import Started, write_plainly
from exchange.jobs.serving.plain_requests import PlainParser, PlainRequest

LINGER_MS = 20  # for the next request of a connection, in the thread that answered the last
STEP_BACK_SECONDS = 0.0002  # a connection held already, before another one is taken
STEP_BACK_SECONDS_MAX = 0.001


class DrainingWorker(ThreadWorker):  # type: ignore[misc]  # untyped base
    """gthread whose address is free, and refuses at once, from the moment it is told to stop."""

    def init_process(self) -> None:
        """Learn how long a client may be silent in the middle of a request, and start."""
        self._pause_seconds_max = settings.load().pause_seconds_max
        self._threads = self.cfg.threads
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection, unless a process that holds fewer takes it first.

        All processes wake for it, and the quickest took seven of eight: one core worked, one idled.
        """
        time.sleep(min(self.nr_conns * STEP_BACK_SECONDS, STEP_BACK_SECONDS_MAX))
        super().accept(listener)

    def enqueue_req(self, conn: TConn) -> None:
        """Hand a connection to a thread, which a silent client must not hold for ever."""
        # Of the kernel: gunicorn sets a Python socket's own timeout back at every request.
        wait = struct.pack("ll", self._pause_seconds_max, 0)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, option, wait)
        if conn.parser is None:
            conn.parser = PlainParser(self.cfg, conn.sock, conn.client, conn.server)
        super().enqueue_req(conn)

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        """Say whether the connection goes on; what was read to its end needs no draining."""
        if conn.parser.mesg is None:  # A plain request was whole.
            return keepalive
        body = conn.parser.mesg.body
        if keepalive and not body.buf.tell() and getattr(body.reader, "length", 1) == 0:
            return True
        return bool(super()._keepalive_after(conn, keepalive))

    def _lingers(self) -> bool:
        return bool(self.alive and self.nr_conns <= self._threads)

    def handle_request(self, req: Request | PlainRequest, conn: TConn) -> bool:
        """Serve one request; one whose length is in dispute is the last of its connection.

        The routes take no chunked body, so its bytes stay unread: what follows them could be taken
        for another request.
        """
        if isinstance(req, PlainRequest):
            return self._answer_all(req, conn)
        if any(name == "TRANSFER-ENCODING" for name, _ in req.headers):
            req.force_close()
        return bool(super().handle_request(req, conn))

    def _answer_all(self, req: PlainRequest, conn: TConn) -> bool:
        """Serve a connection's plain request, and the next ones where they follow at once.

        Back through the poller each would pass two threads more, and wait for the interpreter's
        lock in both. Nobody waits for this: a thread lingers only while each connection has one.
        """
        again = self._answer(req, conn)
        while again and self._lingers() and conn.parser.follows(LINGER_MS):
            req = next(conn.parser)
            if not isinstance(req, PlainRequest):
                return self.handle_request(req, conn)
            again = self._answer(req, conn)
        return again

    def _answer(self, req: PlainRequest, conn: TConn) -> bool:
        """Serve a plain request; tell whether another one may follow."""
        if not self.alive or len(self.keepalived_conns) >= self.max_keepalived:
            req.force_close()
        started = Started()
        parts = self.wsgi(req.environ, started)
        if write_plainly(conn.sock, req, started, parts):
            return not req.must_close
        response = Response(req, conn.sock, self.cfg)
        response.start_response(started.status, started.headers)
        self._write(response, parts)
        return not response.should_close()

    def _write(self, response: Response, parts: Iterable[bytes]) -> None:
        """Write an answer part by part; where it breaks off, so does the connection."""
        try:
            for part in parts:
                response.write(part)
            response.close()
        except OSError:
            raise
        except Exception:
            if not response.headers_sent:
                raise  # It can still be told as an error.
            self.log.exception("Error handling request")
            raise StopIteration from None
        finally:
            if hasattr(parts, "close"):
                parts.close()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Start or stop accepting; the stop of a process that ends is for good."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                self._take_who_waits(listener)
                listener.close()

    def _take_who_waits(self, listener: socket.socket) -> None:
        taken = -1
        while taken != self.nr_conns:
            taken = self.nr_conns
            self.accept(listener)
