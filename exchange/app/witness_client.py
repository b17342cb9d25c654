"""Reach a witness over one kept connection (C2SP tlog-witness)."""

from __future__ import annotations

import http.client
from threading import Lock
from urllib.parse import urlsplit

from exchange.domain.log.policies import Witness
from exchange.domain.log.witnessing import origin_id
from exchange.errors import UnavailableError
from exchange.services.witnesses.ports import Reply

SECONDS_MAX = 5  # of one request
_BODY_BYTES_MAX = 65_536


class WitnessClient:
    """One witness; its requests take turns."""

    def __init__(self, witness: Witness) -> None:
        parts = urlsplit(witness.url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = kind(parts.netloc, timeout=SECONDS_MAX)
        self._prefix = parts.path
        self._lock = Lock()

    def add_checkpoint(self, body: bytes) -> Reply:
        """Submit a checkpoint.

        Raises:
            UnavailableError: it does not answer in time.
        """
        return self._ask("POST", f"{self._prefix}/add-checkpoint", body)

    def checkpoint(self, origin: str) -> Reply:
        """Fetch the checkpoint that it cosigned last for a log.

        Raises:
            UnavailableError: it does not answer in time.
        """
        return self._ask("GET", f"{self._prefix}/{origin_id(origin)}/checkpoint", b"")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: bytes) -> Reply:
        with self._lock:
            try:
                self._connection.request(method, path, body or None)
                response = self._connection.getresponse()
                return Reply(response.status, response.read(_BODY_BYTES_MAX))
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()  # The next request connects anew.
                raise UnavailableError("a witness does not answer") from error


class Witnesses:
    """The clients of all witnesses, each made when it is first asked."""

    def __init__(self) -> None:
        self._clients: dict[str, WitnessClient] = {}

    def __call__(self, witness: Witness) -> WitnessClient:
        """Return the client of a witness."""
        return self._clients.setdefault(witness.key.name, WitnessClient(witness))

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()
