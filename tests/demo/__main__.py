"""`make demo`: three lenders, borrowers who hop between them, and every kind of answer.

Everything printed comes from the running system.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, timedelta

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from exchange_client.answers import Adverse, NoAdverse
from exchange_client.client import Exchange
from exchange_client.core.asking import Question
from exchange_client.receipts import Receipt, prove
from tests.demo import portfolio
from tests.demo.scene import Scene, sandbox
from tests.support.borrowers import borrower, consent

PURPOSE = "credit_application"
THREADS = 6


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="tests.demo", description=__doc__)
    parser.add_argument("--borrowers", type=int, default=2_000)
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON object")
    options = parser.parse_args()
    console = Console(file=sys.stderr if options.json else sys.stdout)
    began = time.monotonic()
    with sandbox() as scene, ExitStack() as stack:
        console.print(f"sandbox is up at {scene.base_url} in {time.monotonic() - began:.1f} s")
        lenders = {name: stack.enter_context(scene.exchange(name)) for name in portfolio.LENDERS}
        facts = play(scene, lenders, options.borrowers, console)
    facts["seconds"] = round(time.monotonic() - began, 1)
    console.print(f"done in {facts['seconds']} s. Next: `make up`, and the ten lines of README.md")
    if options.json:
        print(json.dumps(facts))


def play(
    scene: Scene, lenders: dict[str, Exchange], borrowers: int, console: Console
) -> dict[str, object]:
    """Report, ask, show, prove."""
    reported = report(scene, lenders, borrowers, console)
    asked = ask(scene, lenders, borrowers, console)
    proven = show_proof(scene, lenders, asked["WITHHELD"], console)
    outcomes = {outcome: str(receipt.claims.outcome) for outcome, receipt in asked.items()}
    return {"reported": reported, "outcomes": outcomes, **proven}


def report(
    scene: Scene, lenders: dict[str, Exchange], borrowers: int, console: Console
) -> dict[str, int]:
    """Register the borrowers' consents to be reported, then upload each lender's file."""
    as_of = date.today() - timedelta(days=1)  # noqa: DTZ011 - a plain day, as rows have it
    files: dict[str, list[dict[str, object]]] = {lender: [] for lender in lenders}
    pairs = list(portfolio.accounts(borrowers))
    keys = {lender: scene.key(lender) for lender in lenders}

    def register(pair: tuple[int, str]) -> None:
        number, lender = pair
        subject = borrower(number)
        grant = consent(subject, "contribute", key=keys[lender], pins=scene.pins)
        lenders[lender].register_grant(grant, subject)
        files[lender].append(portfolio.row(number, lender, grant.grant_id, as_of))

    stored = {}
    with Progress(console=console) as progress:
        task = progress.add_task("consents to report", total=len(pairs))
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(register, pairs):
                progress.advance(task)
        for lender, rows in files.items():
            task = progress.add_task(f"records of {lender}", total=len(rows))
            receipt = lenders[lender].upload(rows)
            progress.update(task, completed=len(rows))
            stored[lender] = receipt.stored
    console.print(f"reported: {stored}")
    return stored


def ask(
    scene: Scene, lenders: dict[str, Exchange], borrowers: int, console: Console
) -> dict[str, Receipt]:
    """Ask about one borrower of each kind, and put the answers into plain words."""
    late = next(n for n in range(borrowers) if portfolio.days_late(n) > 90)
    clean = next(n for n in range(borrowers) if not portfolio.days_late(n))
    unknown = borrowers + 7
    table = Table("asked by", "borrower", "outcome", "grade", "in plain words", title="answers")
    receipts: dict[str, Receipt] = {}
    for number, with_grant in ((late, True), (clean, True), (unknown, True), (late, False)):
        lender = portfolio.applies_to(number)
        subject = borrower(number)
        grant_id = None
        if with_grant:
            grant = consent(subject, PURPOSE, key=scene.key(lender), pins=scene.pins)
            lenders[lender].register_grant(grant, subject)
            grant_id = grant.grant_id
        question = Question(
            identifiers=(subject,), purpose=PURPOSE, grant=grant_id, operator="demo-desk"
        )
        answer = lenders[lender].ask(question)
        grade = answer.grade if isinstance(answer, Adverse | NoAdverse) else None
        outcome = answer.receipt.claims.outcome
        table.add_row(lender, f"synthetic {number}", outcome, grade or "-", answer.explain())
        receipts[outcome] = answer.receipt
    console.print(table)
    return receipts


def show_proof(
    scene: Scene, lenders: dict[str, Exchange], receipt: Receipt, console: Console
) -> dict[str, object]:
    """Redeem the refused query's receipt, verify the proof offline, and show the leaf."""
    member = lenders[receipt.claims.aud]
    proven = member.wait_final(receipt)
    verified = prove(receipt, proven.proof, scene.pins)  # Again, from bytes and pins alone.
    console.print(
        f"the refused query is leaf {verified.index} of {verified.head.size} in {verified.origin}; "
        "its receipt, inclusion and checkpoint verify offline, from pinned keys alone"
    )
    for slot, payload in sorted(verified.openings.items()):
        console.print(f"  {slot}: {payload.decode()}", markup=False, soft_wrap=True)
    return {"leaf_index": verified.index, "log_size": verified.head.size}


def arguments(argv: Sequence[str]) -> list[str]:
    """Return the command that runs the demo with these arguments."""
    return [sys.executable, "-m", "tests.demo", *argv]


if __name__ == "__main__":
    main()
