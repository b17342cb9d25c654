"""Where a log is read from: a folder, or a URL of the exchange or of any mirror.

A URL is a capability: it is never sent anywhere but to its own host, and redirects are refused.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

import httpx2

from exchange_client.core.http import unreachable
from exchange_client.core.setup import LOOPBACK
from exchange_client.errors import LogInvalid, Unreachable, UsageError

_SECONDS = 30.0


class Source(Protocol):
    """Something that holds a checkpoint, tiles and bundles under C2SP paths."""

    def fetch(self, path: str, bytes_max: int) -> bytes | None:
        """Return what stands there, or None if nothing does.

        Raises:
            Unreachable: it could not be read. LogInvalid: it is longer than it may be.
        """
        ...


class Folder:
    """A log in a folder: a mirror, or an export."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise UsageError(f"{root}: no such folder")
        self._root = root

    def fetch(self, path: str, bytes_max: int) -> bytes | None:
        """Return a file's bytes, or None if there is none."""
        place = self._root / path
        if not place.is_file():
            return None
        if place.stat().st_size > bytes_max:
            raise LogInvalid(f"{path}: longer than {bytes_max} bytes")
        return place.read_bytes()


class Url:
    """A log behind a URL; close it after use."""

    def __init__(self, prefix: str, transport: httpx2.BaseTransport | None = None) -> None:
        parts = urlsplit(prefix)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise UsageError("a log is reached by https, or by http on this machine")
        self._prefix = prefix.rstrip("/")
        self._http = httpx2.Client(
            transport=transport, trust_env=False, follow_redirects=False, timeout=_SECONDS
        )

    def fetch(self, path: str, bytes_max: int) -> bytes | None:
        """Return what the URL serves, or None where it says there is nothing."""
        try:
            with self._http.stream("GET", f"{self._prefix}/{path}") as response:
                if response.status_code == httpx2.codes.NOT_FOUND:
                    return None
                if response.status_code != httpx2.codes.OK:
                    raise Unreachable(f"{path}: HTTP {response.status_code}")
                body = b""
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > bytes_max:
                        raise LogInvalid(f"{path}: longer than {bytes_max} bytes")
                return body
        except httpx2.RequestError as error:
            raise unreachable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()


def is_url(place: str) -> bool:
    """Tell a URL from a folder."""
    return "://" in place
