"""Tell grantees which grants end soon: 30 and 7 days before, each once.

It follows from the grants themselves, so a job that was down tells later and nothing twice: what
was told stands under words of its own (`once`). A grant that is used once, or that lives no longer
than the notice, is not told of. Source: consent.md, 8.
"""

from __future__ import annotations

from exchange.domain.ids import show, uuid7
from exchange.domain.outward.events import EventKind, NewEvent
from exchange.services.events.ports import Expiring
from exchange.services.events.tell_events import facts_text
from exchange.services.ports import Ports

NOTICE_DAYS = (7, 30)  # the nearer first: who has 5 days left is not told of 30
ROWS_MAX = 1_000  # told a turn; the rest at the next
_DAY_SECONDS = 86_400


def tell_expiring(ports: Ports) -> int:
    """Tell of every grant that came within a notice; say of how many."""
    told, now, nearer = 0, ports.now(), 0
    for days in NOTICE_DAYS:
        with ports.begin() as work:
            due = work.events.expiring(now + nearer, now + days * _DAY_SECONDS, days, ROWS_MAX)
            told += work.events.add([_event(one, days, now, ports) for one in due])
            work.commit()
        nearer = days * _DAY_SECONDS
    return told


def _event(grant: Expiring, days: int, now: int, ports: Ports) -> NewEvent:
    facts = {
        "grant_id": show("gnt", grant.grant_id),
        "state": grant.state,
        "expires": grant.expires,
        "days": days,
    }
    return NewEvent(
        event_id=uuid7(ports.now_ms(), ports.random_bytes),
        member=grant.grantee,
        kind=EventKind.GRANT_EXPIRING,
        about=grant.grant_id,
        facts=facts_text(facts),
        made_at=now,
        once=grant.once,
    )
