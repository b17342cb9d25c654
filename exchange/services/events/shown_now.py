"""Look at what a member would be shown of a subject now, outside of a query.

In:  who looks, and what it may see.
Out: the answer; nothing is spent, logged or told. Whoever tells something of it logs that
     (tell_looks.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consent.decision import Decision
from exchange.domain.findings import Answer, Question, Velocity, cut
from exchange.services.ports import Ports, Work
from exchange.services.queries.open_records import open_record


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """Who looks at whom, and how deep."""

    member: str
    decision: Decision
    indices: Sequence[bytes]  # of the subject's identity tokens
    velocity: Velocity


def shown_now(glance: Glance, work: Work, ports: Ports) -> Answer:
    """Return what this member would be shown, without the borrower's own words.

    Raises:
        IntegrityError: a record does not open.
    """
    now = ports.now()
    question = Question(
        asker=glance.member,
        decision=glance.decision,
        velocity=glance.velocity,
        contributors=work.events.contributors(glance.member),
        now=now,
    )
    found = work.events.records_of(glance.indices, now)
    return cut([open_record(one, ports) for one in found], question, ports.terms.profile)
