"""The operator's command: `exchange …`. Each command calls one service or one job."""

from exchange.cli.main import main

__all__ = ["main"]
