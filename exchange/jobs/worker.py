"""A server process that drains: told to stop, it takes who is in line, then closes the door.

gunicorn's own stops accepting and leaves its listening socket open until the last request is
answered. The kernel goes on completing handshakes there, and resets all of them at the end: each
is a client that was let in, asked, and was cut.
"""

from __future__ import annotations

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # it has no types


class DrainingWorker(ThreadWorker):  # type: ignore[misc]  # untyped base
    """gthread whose address is free, and refuses at once, from the moment it is told to stop."""

    def set_accept_enabled(self, enabled: bool) -> None:
        """Start or stop accepting; the stop of a process that ends is for good."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                self._take_who_waits(listener)
                listener.close()

    def _take_who_waits(self, listener: object) -> None:
        taken = -1
        while taken != self.nr_conns:
            taken = self.nr_conns
            self.accept(listener)
