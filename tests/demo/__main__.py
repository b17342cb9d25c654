"""`make demo`: three lenders, borrowers who hop between them, and every kind of answer.

Everything printed comes from the running system.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from exchange_client.answers import Answer
from exchange_client.client import Exchange
from exchange_client.core.asking import Question
from exchange_client.receipts import Receipt, prove
from tests.demo import portfolio
from tests.demo.scene import Scene, sandbox
from tests.support.borrowers import consent
from tests.support.registering import evaluate_all, register_all

PURPOSE = "credit_application"
ZONE = "Asia/Shanghai"  # of the sandbox's members
NOBODY = 1_000_007  # a borrower whom no lender reports
SHOWN = ("on time", "45 days late", "130 days late", "cured", "paused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The running sandbox, its lenders, and where to print."""

    scene: Scene
    lenders: dict[str, Exchange]
    borrowers: int
    console: Console


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="tests.demo", description=__doc__)
    parser.add_argument("--borrowers", type=int, default=2_000, help="at least 15")
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON object")
    options = parser.parse_args()
    console = Console(file=sys.stderr if options.json else sys.stdout)
    began = time.monotonic()
    with sandbox() as scene, ExitStack() as stack:
        console.print(f"A sandbox is up at {scene.base_url}, {time.monotonic() - began:.1f} s.")
        lenders = {name: stack.enter_context(scene.exchange(name)) for name in portfolio.LENDERS}
        stage = Stage(
            scene=scene, lenders=lenders, borrowers=max(15, options.borrowers), console=console
        )
        facts = play(stage)
    facts["seconds"] = round(time.monotonic() - began, 1)
    console.print(
        f"Done in {facts['seconds']} s; the sandbox is removed. Next: `make up` serves one that "
        "stays, and the ten lines in README.md ask it."
    )
    if options.json:
        print(json.dumps(facts))


def play(stage: Stage) -> dict[str, object]:
    """Report, ask, show, prove."""
    reported = report(stage)
    asked = ask(stage)
    refused = next(answer for answer in asked.values() if answer.outcome == "WITHHELD")
    proven = show_proof(stage, refused.receipt)
    outcomes = {kind: str(answer.outcome) for kind, answer in asked.items()}
    return {"reported": reported, "outcomes": outcomes, **proven}


def report(stage: Stage) -> dict[str, int]:
    """Let each lender register its borrowers' consents to be reported, then upload its file."""
    as_of = datetime.now(ZoneInfo(ZONE)).date() - timedelta(days=1)
    stored = {}
    with Progress(console=stage.console) as progress:
        for lender in stage.lenders:
            stored[lender] = _report(stage, lender, as_of, progress)
    total = sum(stored.values())
    told = ", ".join(f"{lender} {rows:,}" for lender, rows in stored.items())
    stage.console.print(
        f"{total:,} records stand ({told}); each lender holds a signed receipt over its file."
    )
    return stored


def _report(stage: Stage, lender: str, as_of: date, progress: Progress) -> int:
    exchange, key = stage.lenders[lender], stage.scene.key(lender)
    owing = list(portfolio.accounts(stage.borrowers, lender))
    subjects = {number: portfolio.subject(number)[0] for number in owing}
    consents = progress.add_task(f"{lender}: consents", total=len(owing))
    records = progress.add_task(f"{lender}: records", total=len(owing))
    tokens = evaluate_all(exchange, list(subjects.values()))
    grants = register_all(
        exchange, key, "contribute", tokens, on_done=lambda: progress.advance(consents)
    )
    receipt = exchange.upload(
        [portfolio.row(number, lender, grants[subjects[number]], as_of) for number in owing],
        on_progress=lambda told: progress.update(records, completed=told.done),
    )
    if receipt.faulted:
        raise RuntimeError(f"{receipt.faulted} rows of {lender} were refused")
    return receipt.stored


def ask(stage: Stage) -> dict[str, Answer]:
    """Ask about a borrower of each kind, and put the answers into plain words."""
    table = Table(
        *("asked by", "borrower", "outcome", "grade", "in plain words"),
        title="What each lender is told about a borrower who now turns to it",
        show_lines=True,
    )
    answers = {}
    kinds = [(kind, portfolio.CASES.index(kind)) for kind in SHOWN]
    for kind, number in (*kinds, ("unknown", NOBODY)):
        answers[kind] = _ask(stage, number, granted=True)
    answers["no consent"] = _ask(stage, portfolio.CASES.index("45 days late"), granted=False)
    for kind, answer in answers.items():
        asker = answer.receipt.claims.aud
        table.add_row(asker, kind, answer.outcome, answer.grade or "-", answer.explain())
    stage.console.print(table)
    return answers


def _ask(stage: Stage, number: int, *, granted: bool) -> Answer:
    """Ask as the lender that the borrower turns to, with its consent or without."""
    lender, identifiers = portfolio.applies_to(number), portfolio.subject(number)
    exchange, grant_id = stage.lenders[lender], None
    if granted:
        key = stage.scene.key(lender)
        grant = consent(identifiers[0], PURPOSE, key=key, pins=stage.scene.pins)
        exchange.register_grant(grant, identifiers[0])
        grant_id = grant.grant_id
    question = Question(
        identifiers=identifiers, purpose=PURPOSE, grant=grant_id, operator="demo-desk"
    )
    return exchange.ask(question)


def show_proof(stage: Stage, receipt: Receipt) -> dict[str, object]:
    """Redeem the refused query's receipt, verify the proof offline, and show the leaf."""
    proven = stage.lenders[receipt.claims.aud].wait_final(receipt)
    verified = prove(receipt, proven.proof, stage.scene.pins)  # Again, from bytes and pins alone.
    stage.console.print(
        f"The refused query stands in the access log {verified.origin} as leaf {verified.index} of "
        f"{verified.head.size}. Its receipt, the inclusion proof and the signed checkpoint were "
        "verified offline, from pinned keys alone. What the asker may open of the leaf:"
    )
    for slot, payload in sorted(verified.openings.items()):
        stage.console.print(f"  {slot}: {payload.decode()}", markup=False, soft_wrap=True)
    return {"leaf_index": verified.index, "log_size": verified.head.size}


def arguments(argv: Sequence[str]) -> list[str]:
    """Return the command that runs the demo with these arguments."""
    return [sys.executable, "-m", "tests.demo", *argv]


if __name__ == "__main__":
    main()
