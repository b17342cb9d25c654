"""`cx`: what the SDK does, on the command line. `main` is the program."""

from __future__ import annotations

from exchange_client.cli.main import main

__all__ = ["main"]
