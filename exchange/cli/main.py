"""The operator's command: `exchange …`. Each command calls one service or one job.

Exit codes: 0 done, 1 refused, 2 usage, files or settings, 3 the log must not be continued.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from exchange.cli import serving
from exchange.cli.borrowers import borrower
from exchange.cli.daily import lend_first, purge, quality, report
from exchange.cli.disputes import dispute
from exchange.cli.grants import grant
from exchange.cli.keys import config, keys, profile
from exchange.cli.logs import log
from exchange.cli.members import member
from exchange.cli.notices import notice
from exchange.cli.operators import operator
from exchange.cli.recovering import recover
from exchange.cli.seats import seat
from exchange.cli.security import security
from exchange.cli.verify_run import verify_run
from exchange.cli.witness import publish, witness
from exchange.errors import ExchangeError, LogDamaged, LogRolledBack, SettingsError

EXIT_REFUSED, EXIT_SETTINGS, EXIT_ROLLED_BACK = 1, 2, 3

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
_SERVING = (
    *(serving.up, serving.serve, serving.sequence, serving.work, serving.deliver),
    serving.migrate,
)
for command in _SERVING:
    app.command()(command)
app.command("verify-run")(verify_run)
app.command()(publish)
app.command()(recover)
app.command()(purge)
app.command()(quality)
app.command("lend-first")(lend_first)
app.command()(report)
app.add_typer(config, name="config")
app.add_typer(member, name="member")
app.add_typer(operator, name="operator")
app.add_typer(seat, name="seat")
app.add_typer(profile, name="profile")
app.add_typer(keys, name="keys")
app.add_typer(grant, name="grant")
app.add_typer(borrower, name="borrower")
app.add_typer(dispute, name="dispute")
app.add_typer(notice, name="notice")
app.add_typer(log, name="log")
app.add_typer(witness, name="witness")
app.add_typer(security, name="security")


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"credit-exchange {version('credit-exchange')}")
        raise typer.Exit


@app.callback(help=__doc__)
def options(
    told: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_tell_version),
    ] = False,
) -> None:
    """Take what stands before a command."""


def main() -> None:
    """Run the command; refusals end in one clear line."""
    try:
        app()
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS) from None
    except (LogDamaged, LogRolledBack) as error:
        print(f"refused: {error}", file=sys.stderr)
        raise SystemExit(EXIT_ROLLED_BACK) from None
    except (ExchangeError, ValueError) as error:
        print(f"refused: {error}", file=sys.stderr)
        raise SystemExit(EXIT_REFUSED) from None
    except OSError as error:  # a file that was named, or one that the settings name
        print(f"refused: {error.filename or 'system'}: {error.strerror}", file=sys.stderr)
        raise SystemExit(EXIT_SETTINGS) from None
