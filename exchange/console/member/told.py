"""What a member is told: its notices due, its watches, and its feed of events."""

from __future__ import annotations

import json

from flask import Response

from exchange.console.staff.pages import Pages, Sitting
from exchange.console.web.lists import given
from exchange.domain.ids import parse, show
from exchange.domain.members import Role
from exchange.services.events.read_feed import FeedAsk, read_feed
from exchange.services.ports import Ports
from exchange.services.standing.list_notices_due import list_notices_due
from exchange.services.watches.manage_watches import list_watches


def told_pages(pages: Pages, ports: Ports) -> None:
    """Add the pages."""

    @pages.page("/notices", Role.CONTRIBUTOR, like="/v1/reports/notices-due", name="notices")
    def notices(sitting: Sitting) -> Response:
        """List notices that the member owes its borrowers, each with its last day."""
        reading = sitting.reading("notices", given())
        page = list_notices_due(sitting.asker.member, sitting.ask(reading), ports)
        return sitting.show("console/notices.html", page=page, more=sitting.link(page, reading))

    @pages.page("/watches", Role.ASKER, like="/v1/watches", name="watches")
    def watches(sitting: Sitting) -> Response:
        """List the member's watches, those that ended lately as well."""
        reading = sitting.reading("watches", given())
        page = list_watches(sitting.asker.member, sitting.ask(reading), ports)
        return sitting.show(
            "console/watches.html",
            page=page,
            number=lambda watch: show("wch", watch.key.watch_id),
            more=sitting.link(page, reading),
        )

    @pages.page("/events", like="/v1/events", name="events")
    def events(sitting: Sitting) -> Response:
        """Show what the member was told, in its order: the feed that its programs read."""
        after = given("after").get("after")
        ask = FeedAsk(
            member=sitting.asker.member,
            after=None if after is None else parse("evt", after, field="after"),
            rows=pages.lists.rows,
        )
        feed = read_feed(ask, ports)
        return sitting.show(
            "console/events.html",
            events=[
                (show("evt", event.event_id), event, json.loads(event.facts), bands or {})
                for event, bands in feed.events
            ],
            more=show("evt", feed.last) if feed.more and feed.last else None,
        )
