"""Read what a member was told, in the member's own order, whole and without gap.

The id of the last event that the member holds is its place in the feed: it is the member's own,
it never grows old, and it is the same in every feed.
Nothing is lost to the order of commits: an event gets its number only after it has committed, under
a lock on the member's count, so that none can appear below one that was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from exchange.domain.lists.pages import PageAsk
from exchange.domain.outward.events import FeedEvent
from exchange.errors import InvalidCursor
from exchange.services.events.seal_bands import open_bands
from exchange.services.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A page of a member's events."""

    events: tuple[tuple[FeedEvent, Mapping[str, object] | None], ...]  # with its bands
    more: bool
    last: UUID | None  # the place to read on from; None: nothing was ever told


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAsk:
    """Whose feed is read, from where, and which part of it."""

    member: str
    after: UUID | None  # the last event that the member holds
    rows: int
    grants_only: bool = False


def read_feed(ask: FeedAsk, ports: Ports) -> Feed:
    """Return the events that follow the one that the member holds.

    Raises:
        InvalidCursor: the member was never told such an event, or it is no longer kept.
    """
    page = PageAsk(rows=ask.rows)
    with ports.begin() as work:
        work.events.number(ask.member)
        place = 0 if ask.after is None else work.events.place(ask.member, ask.after)
        if place is None:
            raise InvalidCursor(field="after")
        found = work.events.read(ask.member, place, page.fetch, grants_only=ask.grants_only)
        shown = tuple(found[: ask.rows])
        work.commit()  # Keeps the numbers that were given.
    return Feed(
        events=tuple((event, open_bands(event, ports)) for event in shown),
        more=len(found) > len(shown),
        last=shown[-1].event_id if shown else ask.after,
    )
