"""`cx receipt`: check what the exchange signed, without asking it, and fetch its proof."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from exchange_client import receipts
from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.telling import tell
from exchange_client.errors import UsageError
from exchange_client.log.policy import Policy
from exchange_client.receipts import HOLDS, PROOF_SUFFIX, Verified


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is fetched, and how patiently."""

    query_id: Annotated[
        str | None, typer.Option(help="fetch the receipt of this question into FILE first")
    ] = None
    wait: Annotated[int, typer.Option(min=0, max=3600, help="seconds to wait for the log")] = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAgainst:
    """What a receipt is held against beside the pins."""

    proof: Annotated[
        Path | None, typer.Option(help="by default FILE.tlog-proof, where it is there")
    ] = None
    policy: Annotated[
        Path | None,
        typer.Option(envvar="CX_POLICY", help="asks for a proof under a quorum of witnesses"),
    ] = None


def verify(
    telling: Telling,
    pinned: Pinned,
    file: Annotated[Path, typer.Argument(help="the receipt")],
    held_against: HeldAgainst,
) -> None:
    """Verify a receipt from the pins alone: nothing is sent anywhere."""
    proof, policy = held_against.proof, held_against.policy
    verified = receipts.verify(
        file,
        pinned.load(),
        proof=None if proof is None else proof.read_bytes(),
        now=telling.outside.clock(),
        policy=None if policy is None else Policy.load(policy),
    )
    tell(_shown(verified), _lines(verified), as_json=telling.as_json)


def fetch(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    file: Annotated[Path, typer.Argument(help="the receipt; its proof goes to FILE.tlog-proof")],
    wanted: Wanted,
) -> None:
    """Fetch the proof that a receipt stands in the log; with --query-id the receipt as well."""
    with open_exchange(telling, pinned, keyed) as exchange:
        if wanted.query_id is not None:
            if file.exists():
                raise UsageError(f"{file}: stands already; a receipt is never overwritten")
            exchange.answer(wanted.query_id).receipt.save(file)
        now = telling.outside.clock()
        receipt = receipts.verify(file, exchange.pins, now=now).receipt
        proven = exchange.receipt_proof(receipt, wait_seconds=wanted.wait)
    receipt.save(file, proven.proof)
    verified = receipts.verify(file, exchange.pins, now=now)
    saved = file.with_name(file.name + PROOF_SUFFIX)
    text = f"proof        {saved}\n{_lines(verified)}"
    tell({**_shown(verified), "proof_file": str(saved)}, text, as_json=telling.as_json)


def _shown(verified: Verified) -> dict[str, object]:
    claims, proof = verified.receipt.claims, verified.proof
    return {
        "verified": True,
        "query_id": claims.jti,
        "member": claims.aud,
        "purpose": claims.purpose,
        "outcome": claims.outcome,
        "issued": claims.iat,
        "held": list(verified.held),
        "log_index": None if proof is None else proof.index,
        "tree_size": None if proof is None else proof.head.size,
    }


def _lines(verified: Verified) -> str:
    claims = verified.receipt.claims
    lines = [f"verified     {claims.jti}: {claims.outcome}, {claims.purpose}, for {claims.aud}"]
    lines += [f"  ({number}) {HOLDS[number]}" for number in verified.held]
    if verified.proof is None:
        lines.append("not checked: whether it stands in the log; `cx receipt fetch` gets the proof")
    return "\n".join(lines)
