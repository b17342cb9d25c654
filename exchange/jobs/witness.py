"""Serve a witness: this process becomes gunicorn's master. A witness needs no database."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from exchange.app.witness import KEY, LOGS, STATE, create_witness

_THREADS = 4


def serve_witness(key: Path, state: Path, policy: Path, listen: str) -> None:
    """Replace this process.

    Args:
        key: the witness's key file.
        state: directory of what was cosigned last, a file a log; losing it is losing the witness.
        policy: policy file that names the logs to witness (C2SP tlog-policy).
        listen: address:port, or unix:/path; TLS is the proxy's.

    Raises:
        SettingsError: key or policy cannot be used; asked here, so that the exit code says so.
    """
    os.environ |= {KEY: str(key), STATE: str(state), LOGS: str(policy)}
    create_witness()
    command = [sys.executable, "-m", "gunicorn", "--bind", listen, "--worker-class", "gthread"]
    command += ["--workers", "1", "--threads", str(_THREADS), "--keep-alive", "75"]
    command += ["--no-control-socket", "--log-level", "warning"]
    os.execv(command[0], [*command, "exchange.app.witness:create_witness()"])  # noqa: S606 - no shell
