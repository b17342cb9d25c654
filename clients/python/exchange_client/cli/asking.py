"""`cx query`: ask about one subject."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from exchange_client.answers import Answer, Withheld
from exchange_client.answers.findings import Finding
from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.subjects import IdFile, read_subject
from exchange_client.cli.telling import REFUSED, note, tell
from exchange_client.core.asking import Question
from exchange_client.core.ids import new_id
from exchange_client.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked, and where the evidence goes."""

    purpose: Annotated[str, typer.Option(help="such as credit_application")]
    grant: Annotated[str | None, typer.Option(help="id of the grant it relies on")] = None
    application: Annotated[
        str, typer.Option(help="your own reference of the application; by default the query id")
    ] = ""
    query_id: Annotated[
        str | None, typer.Option(help="of a question that got no answer, to ask it again")
    ] = None
    receipt: Annotated[
        Path | None, typer.Option(help="file to keep the receipt in; it is your evidence")
    ] = None


def query(telling: Telling, pinned: Pinned, keyed: Keyed, asked: Asked, id_file: IdFile) -> None:
    """Ask whether a subject is delinquent at other members.

    Leaves with 0 whatever the finding is: read it. WITHHELD leaves with 1.
    """
    if asked.receipt is not None and asked.receipt.exists():
        raise UsageError(f"{asked.receipt}: stands already; a receipt is never overwritten")
    question = Question(
        identifiers=read_subject(id_file),
        purpose=asked.purpose,
        grant=asked.grant,
        application_ref=asked.application,
        query_id=asked.query_id or new_id("qry"),
    )
    with open_exchange(telling, pinned, keyed) as exchange:
        # Told before it is asked: without an answer, only this id asks the same look again.
        note(f"query id {question.query_id}")
        answer = exchange.ask(question)
    if asked.receipt is not None:
        answer.receipt.save(asked.receipt)
    tell(_shown(answer), f"{answer.outcome}\n{answer.explain()}", as_json=telling.as_json)
    if isinstance(answer, Withheld):
        raise typer.Exit(REFUSED)


def _shown(answer: Answer) -> dict[str, object]:
    finding = answer.receipt.claims.finding
    return {
        "outcome": answer.outcome.value,
        "query_id": answer.query_id,
        "purpose": answer.purpose,
        "reason": answer.reason,
        "grade": answer.grade,
        "reasons": list(answer.reasons),
        "limits": list(answer.limits),
        "finding": None if finding is None else _bands(finding),
        "receipt": answer.receipt.text,
    }


def _bands(finding: Finding) -> dict[str, object]:
    """Return what the finding shows; what it does not show is absent, and not zero."""
    bands = {name: getattr(finding, name) for name in sorted(finding.shown - {"velocity"})}
    velocity = finding.velocity_if_shown
    return bands if velocity is None else {**bands, "velocity": asdict(velocity)}
