"""Make keys, and write a keyring file that only its owner can read."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

_MODE = 0o600


def fresh_key(
    use: str, environment: str, epoch: str | None, now: int
) -> dict[str, str | int | None]:
    """Make a key of 32 random bytes, as a keyring file lists it."""
    return {
        "kid": f"{environment}-{use}-{epoch or now}",
        "use": str(use),
        "epoch": epoch,
        "created": now,
        "secret": base64.b64encode(os.urandom(32)).decode(),
    }


def write_new(path: Path, content: dict[str, object]) -> None:
    """Write a keyring file (mode 0600), durably.

    Raises:
        FileExistsError: a file stands there; a keyring is never overwritten.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(content, indent=1))
        file.flush()
        os.fsync(file.fileno())
