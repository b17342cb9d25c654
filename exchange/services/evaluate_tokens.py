"""Evaluate blinded elements for a member, within its quota.

Every element counts, before it is evaluated and whether or not the evaluation succeeds: quotas
are what stops a lawful asker from walking the space of identifiers. Source: protocol.md, 1.7.
"""

from __future__ import annotations

from collections.abc import Sequence

from exchange.crypto.oprf import Evaluation
from exchange.errors import QuotaError
from exchange.services.ports import Ports

_DAY_SECONDS = 86_400


def evaluate_tokens(member: str, epoch: str, elements: Sequence[bytes], ports: Ports) -> Evaluation:
    """Evaluate 1 to 500 blinded elements under one proof.

    Raises:
        ClosedEpoch: the epoch named is not open.
        QuotaError: the member's elements of this day are spent.
        InvalidToken: an element is not canonical, or is the identity.
        TooLarge: more than 500 elements.
    """
    evaluator = ports.evaluators(epoch)
    now = ports.now()
    start = now - now % _DAY_SECONDS
    with ports.begin() as work:
        counted = work.members.count(
            member,
            "evaluations",
            period=start,
            amount=len(elements),
            limit=ports.terms.evaluations_per_day,
        )
        work.commit()
    if not counted:
        raise QuotaError(
            "the elements of this day are spent", retry_after_seconds=start + _DAY_SECONDS - now
        )
    return evaluator.evaluate(elements)
