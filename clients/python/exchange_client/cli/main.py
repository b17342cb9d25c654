"""The program `cx`: its commands, and how it starts."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Annotated

import typer

from exchange_client.cli import (
    asking,
    auditing,
    disbursing,
    findings,
    following,
    granting,
    logs,
    looks,
    making_grants,
    receipts,
    setting_up,
    staffing,
)
from exchange_client.cli.batches import fetching, uploading, validating
from exchange_client.cli.book import collecting, consortium, reports, stressing
from exchange_client.cli.options import Outside, add
from exchange_client.cli.policies import deciding, replaying
from exchange_client.cli.records import disputing, recording, watching
from exchange_client.cli.telling import EXIT_CODES

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show locals, and subjects among them
    epilog=EXIT_CODES,
)
grants = typer.Typer(no_args_is_help=True, help="Make, register, renew and end grants.")
key = typer.Typer(no_args_is_help=True, help="The member's key.")
receipt = typer.Typer(no_args_is_help=True, help="Check and fetch receipts.")
app.add_typer(grants, name="grant")
app.add_typer(receipt, name="receipt")
app.add_typer(key, name="key")
batch = typer.Typer(no_args_is_help=True, help="Check batch files, and see what became of them.")
app.add_typer(batch, name="batch")
log = typer.Typer(no_args_is_help=True, help="Verify or mirror the whole access log.")
app.add_typer(log, name="log")
look = typer.Typer(no_args_is_help=True, help="For borrowers: check who looked at you.")
app.add_typer(look, name="looks")
audit = typer.Typer(no_args_is_help=True, help="For regulators: search, export, verify the log.")
app.add_typer(audit, name="audit")
policy = typer.Typer(no_args_is_help=True, help="Your own policy: check, decide, replay, explain.")
app.add_typer(policy, name="policy")
webhook = typer.Typer(no_args_is_help=True, help="Be rung at when there is an event.")
app.add_typer(webhook, name="webhook")

disputes = typer.Typer(no_args_is_help=True, help="Disputes about your own records.")
record = typer.Typer(no_args_is_help=True, help="Report, amend or delete one account.")
report = typer.Typer(
    no_args_is_help=True, help="Reports about your own book, your contribution, and the consortium."
)
book = typer.Typer(no_args_is_help=True, help="Your own loans after they were paid out.")
app.add_typer(disputes, name="dispute")
app.add_typer(record, name="record")
app.add_typer(report, name="report")
app.add_typer(book, name="book")
watch = typer.Typer(no_args_is_help=True, help="Be told of changes elsewhere about own borrowers.")
app.add_typer(watch, name="watch")

add(app, "init", setting_up.init)
add(app, "pin", setting_up.pin)
add(key, "prove", setting_up.prove)
add(app, "query", asking.query)
add(app, "upload", uploading.upload)
add(batch, "validate", validating.validate)
add(batch, "faults", fetching.faults)
add(batch, "absent", fetching.absent)
add(app, "disburse", disbursing.disburse)
add(app, "staff", staffing.staff)
add(grants, "register", granting.register)
add(grants, "withdraw", granting.withdraw)
add(grants, "request", granting.request)
add(grants, "pause", granting.pause)
add(grants, "resume", granting.resume)
add(grants, "make", making_grants.make)
add(grants, "renew", making_grants.renew)
add(grants, "show", granting.show)
add(grants, "evidence", granting.evidence)
add(grants, "confirm-stop", granting.confirm_stop)
add(grants, "decide", granting.decide)
add(grants, "list-reasons", granting.list_reasons)
add(grants, "list-notices", granting.list_notices)
add(grants, "status", following.status)
add(app, "events", following.events)
add(watch, "add", watching.add)
add(watch, "list", watching.list_)
add(watch, "renew", watching.renew)
add(watch, "end", watching.end)
add(webhook, "add", following.add_webhook)
add(webhook, "list", following.list_webhooks)
add(webhook, "remove", following.remove_webhook)
add(webhook, "rotate", following.rotate_webhook)
add(webhook, "replay", following.replay_webhook)
add(disputes, "open", disputing.open_)
add(disputes, "list", disputing.list_)
add(disputes, "show", disputing.show)
add(disputes, "answer", disputing.answer)
add(disputes, "close", disputing.close)
add(app, "state", disputing.state)
add(record, "put", recording.put)
add(record, "amend", recording.amend)
add(record, "delete", recording.delete)
add(report, "quality", recording.quality)
add(report, "roll", reports.roll_)
add(report, "vintage", reports.vintage)
add(report, "classes", reports.classes_)
add(report, "provision", reports.provision_)
add(report, "stress", stressing.stress_)
add(report, "consortium", consortium.consortium)
add(book, "strata", collecting.strata_)
add(receipt, "verify", receipts.verify)
add(receipt, "fetch", receipts.fetch)
add(policy, "check", deciding.check)
add(policy, "decide", deciding.decide)
add(policy, "test", replaying.test)
add(policy, "explain", deciding.explain)
add(policy, "gate", deciding.gate)
add(log, "policy", logs.show_policy)
add(log, "verify", logs.verify)
add(log, "mirror", logs.mirror)
add(look, "verify", looks.verify)
add(audit, "search", auditing.search)
add(audit, "export", auditing.export)
add(audit, "verify", auditing.verify)
add(audit, "open", auditing.open_person)
add(audit, "release", auditing.release)
add(audit, "flags", findings.flags)
add(audit, "lend-first", findings.lend_first)
add(audit, "canary", findings.canary)
add(audit, "log", findings.log)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"cx {version('credit-exchange-client')}")
        raise typer.Exit


@app.callback(help="Ask a shared overdue-credit exchange, report to it, and check what it signed.")
def options(
    told: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_tell_version),
    ] = False,
) -> None:
    """Take what stands before a command."""


def main() -> None:
    """Run `cx`."""
    quieten()
    app(obj=Outside())


def quieten() -> None:
    """Let what is tried again be told by its end alone: a retry's log line helps no person."""
    logging.getLogger("stamina").addHandler(logging.NullHandler())
    logging.getLogger("stamina").propagate = False
