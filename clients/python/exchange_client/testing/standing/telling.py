"""What the fake tells its members: changes of grants, corrections of what they were answered.

What watches make is told by watching.py. Other kinds are told by no rule of the fake; a test tells
them itself, `FakeExchange.tell`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from exchange_client.core.encoding import b64url
from exchange_client.core.ids import new_id
from exchange_client.testing.answering import seen
from exchange_client.testing.refusals import Refusal
from exchange_client.testing.world import Look, World

PAGE_ROWS_MAX: Final = 500
_UNTOLD: Final = frozenset({"velocity", "statement"})  # no correction of a record changes them


def tell(
    world: World,
    member: str,
    kind: str,
    facts: Mapping[str, object],
    bands: Mapping[str, object] | None = None,
) -> str:
    """Put an event into a member's feed and return its id."""
    event: dict[str, object] = {
        "event_id": new_id("evt"),
        "kind": kind,
        "made_at": world.clock(),
        "facts": dict(facts),
    }
    feed = world.feeds.setdefault(member, [])
    feed.append(event if bands is None else {**event, "bands": dict(bands)})
    return str(event["event_id"])


def feed(world: World, member: str, after: str, limit: str) -> dict[str, object]:
    """Return a page of a member's feed, behind the event it holds.

    Raises:
        Refusal: 400, it was never told that one; 422, the page has no such size.
    """
    if not limit.isdecimal() or not 1 <= int(limit) <= PAGE_ROWS_MAX:
        raise Refusal(422, "request.field", pointer="/limit")
    told = world.feeds.get(member, [])
    ids = [str(event["event_id"]) for event in told]
    if after and after not in ids:
        raise Refusal(400, "request.cursor", pointer="/after")
    start = ids.index(after) + 1 if after else 0
    page = told[start : start + int(limit)]
    last = page[-1]["event_id"] if page else after or None
    return {"events": page, "has_more": start + len(page) < len(told), "last": last}


@contextmanager
def correcting(world: World, tokens: Iterable[str], cause: str) -> Iterator[None]:
    """Tell who was answered about this subject which bands the change within made others."""
    touched, named = [], frozenset(tokens)
    for look in world.looks.values():
        if look.identities & named:
            touched.append((look, _bands(world, look)))
    yield
    for look, before in touched:
        after = _bands(world, look)
        changed = {
            name: after.get(name)
            for name, value in look.given.items()
            if name in before and value == before[name] != after.get(name)
        }
        if changed:
            subject = {"kind": "watch", "t": world.clock(), "member": look.member}
            leaf = world.log.append(look.member, subject, {"watch": look.query_id})
            facts = {"query_id": look.query_id, "cause": cause, "leaf": b64url(leaf)}
            tell(world, look.member, "RECORD_CORRECTED", facts, changed)


def _bands(world: World, look: Look) -> dict[str, object]:
    outcome, finding = seen(world, look.member, look.identities, look.fields - _UNTOLD)
    return {**finding, "outcome": outcome}
