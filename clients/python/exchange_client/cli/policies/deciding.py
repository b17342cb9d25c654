"""`cx policy check`, `decide`, `explain` and `gate`: one look under the member's own policy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from exchange_client import receipts
from exchange_client.answers.explaining import REASONS
from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.policies.inputs import SUFFIX, read_inputs
from exchange_client.cli.telling import REFUSED, note, tell
from exchange_client.log.policy import Policy as Witnesses
from exchange_client.policy import (
    Decision,
    Gate,
    Policy,
    PolicyInvalid,
    Sender,
    load_policy,
    registered,
    write_notice,
)
from exchange_client.policy import decide as decide_
from exchange_client.policy.gate import AGE_HOURS, AGE_HOURS_MAX, GATE_HOLDS
from exchange_client.receipts import Receipt

PolicyFile = Annotated[Path, typer.Argument(help="the policy, a TOML file")]
ReceiptFile = Annotated[Path, typer.Argument(help="the receipt")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What is decided, by what."""

    file: PolicyFile
    receipt: ReceiptFile
    inputs: Annotated[
        Path | None,
        typer.Option(help=f"your own inputs, a JSON object; else RECEIPT{SUFFIX}, if it is there"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a notice to a borrower is made of."""

    notice: Annotated[Path, typer.Option(help="the registered notice, its JSON byte for byte")]
    name: Annotated[str, typer.Option(help="your name, as the borrower knows it")]
    contact: Annotated[str, typer.Option(help="where the borrower reaches a person of yours")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """What is to be paid out, and how fresh its look must be."""

    application: Annotated[str, typer.Option(help="as the question named it")]
    purpose: Annotated[str, typer.Option(help="or guarantor_check")] = "credit_application"
    max_age_hours: Annotated[int, typer.Option(min=1, max=AGE_HOURS_MAX)] = AGE_HOURS
    policy: Annotated[
        Path | None,
        typer.Option(envvar="CX_POLICY", help="asks for a proof under a quorum of witnesses"),
    ] = None


def check(telling: Telling, file: PolicyFile) -> None:
    """Check a policy and those that it extends: every fault, with file and line."""
    try:
        policy = load_policy(file)
    except PolicyInvalid as error:
        faults = [asdict(one) for one in error.faults]
        text = "\n".join(map(str, error.faults))
        tell({"faults": faults}, text, as_json=telling.as_json)
        raise typer.Exit(REFUSED) from error
    shown = {
        "faults": [],
        "version": policy.version,
        "sha256": policy.sha256,
        "rules": len(policy.rules),
        "files": len(policy.digests),
    }
    tell(shown, f"holds        {_named(policy)}", as_json=telling.as_json)


def decide(telling: Telling, pinned: Pinned, decided: Decided) -> None:
    """Decide what a receipt leads to. Nothing is sent anywhere: the decision is yours."""
    policy, _, decision = _decision(telling, pinned, decided)
    tell(decision.as_json(), _lines(decision, policy), as_json=telling.as_json)


def explain(telling: Telling, pinned: Pinned, keyed: Keyed, decided: Decided, told: Told) -> None:
    """Write the notice that the borrower is owed, in the registered notice's language."""
    _, receipt, decision = _decision(telling, pinned, decided)
    document = told.notice.read_bytes()
    with open_exchange(telling, pinned, keyed) as exchange:
        template = registered(document, exchange.notices())
    sender = Sender(name=told.name, contact=told.contact)
    notice = write_notice(decision, receipt, template, sender)
    tell(asdict(notice), f"{notice.title}\n\n{notice.body}", as_json=telling.as_json)


def gate(
    telling: Telling, pinned: Pinned, keyed: Keyed, receipt: ReceiptFile, payout: Payout
) -> None:
    """Refuse a payout that no proven look at this application stands behind."""
    with open_exchange(telling, pinned, keyed) as exchange:
        witnesses = None if payout.policy is None else Witnesses.load(payout.policy)
        cleared = Gate.of(exchange.desk, witnesses).require(
            receipt, payout.application, payout.max_age_hours, payout.purpose
        )
    lines = [f"cleared      {cleared.application_ref}, by {cleared.query_id}"]
    lines += [f"  ({number}) {text}" for number, text in GATE_HOLDS.items()]
    tell(asdict(cleared), "\n".join(lines), as_json=telling.as_json)


def _decision(
    telling: Telling, pinned: Pinned, decided: Decided
) -> tuple[Policy, Receipt, Decision]:
    policy, now = load_policy(decided.file), telling.outside.clock()
    receipt = receipts.verify(decided.receipt, pinned.load(), now=now).receipt
    if receipt.claims.exp <= now:
        note("the answer's use has ended: what is decided here is of the past")
    inputs = read_inputs(decided.receipt, decided.inputs)
    return policy, receipt, decide_(policy, receipt, inputs)


def _named(policy: Policy) -> str:
    return f"{policy.version}, {len(policy.rules)} rules, SHA-256 {policy.sha256}"


def _lines(decision: Decision, policy: Policy) -> str:
    words = {**REASONS, "P01": "your own inputs", "P02": "something adverse, shown without bands"}
    reasons = "; ".join(f"{code} {words[code]}" for code in decision.reasons)
    price = "-" if decision.price_band is None else f"{decision.price_band}, {decision.apr_bp} bp"
    lines = [
        str(decision.decision),
        f"  outcome    {decision.outcome}, {decision.query_id}",
        f"  rules      {', '.join(decision.matched) or 'none: the default of this outcome'}",
        f"  limit      {decision.limit_factor} of what you would give",
        f"  price      {price}",
        f"  reasons    {reasons or '-'}",
        f"  policy     {_named(policy)}",
    ]
    if decision.untold:
        lines.append(
            f"  not shown  what {', '.join(decision.untold)} would need: a person must look"
        )
    if decision.human_review:
        lines.append("  a person must look at it before it takes effect")
    return "\n".join(lines)
