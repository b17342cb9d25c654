"""`cx policy test`: what a new policy would have decided otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange_client import receipts
from exchange_client.cli.options import Pinned, Telling
from exchange_client.cli.policies.deciding import PolicyFile
from exchange_client.cli.policies.inputs import SUFFIX, read_inputs
from exchange_client.cli.telling import tell
from exchange_client.policy import Case, Decision, Replay, load_policy, replay


def test(
    telling: Telling,
    pinned: Pinned,
    file: PolicyFile,
    past: Annotated[
        list[Path], typer.Argument(help=f"receipts, own inputs beside each: RECEIPT{SUFFIX}")
    ],
    old: Annotated[Path, typer.Option(help="the policy that it would replace")],
) -> None:
    """Replay past receipts under an old and a new policy, and show what would change."""
    before, after = load_policy(old), load_policy(file)
    pins = pinned.load()
    cases = [
        Case(receipt=receipts.verify(one, pins).receipt, own_inputs=read_inputs(one, None))
        for one in past
    ]
    done = replay(before, after, cases)
    tell(_shown(done), _table(done), as_json=telling.as_json)


def _shown(done: Replay) -> dict[str, object]:
    return {
        "counts": [
            {"old": old.value, "new": new.value, "looks": count}
            for (old, new), count in sorted(done.counts.items())
        ],
        "changed": [
            {"query_id": one.old.query_id, "old": one.old.as_json(), "new": one.new.as_json()}
            for one in done.changed
        ],
    }


def _table(done: Replay) -> str:
    """Write the counts, each decision in its order, then a line for each look that differs."""
    counts = sorted(done.counts.items(), key=lambda one: [each.strictness for each in one[0]])
    lines = [f"{'old':<16} {'new':<16} looks"]
    lines += [f"{old:<16} {new:<16} {count:>5}" for (old, new), count in counts]
    lines.append(f"{len(done.changed)} of {len(done.pairs)} would be decided otherwise")
    lines += [
        f"{one.old.query_id}  {_felt(one.old)} -> {_felt(one.new)}"
        f"  by {', '.join(one.new.matched) or 'default'}"
        for one in done.changed
    ]
    return "\n".join(lines)


def _felt(decision: Decision) -> str:
    price = "" if decision.price_band is None else f" {decision.price_band}"
    return f"{decision.decision} x{decision.limit_factor}{price}"
