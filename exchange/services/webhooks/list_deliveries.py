"""List what became of each event at one endpoint of the caller."""

from __future__ import annotations

from uuid import UUID

from exchange.domain.lists.pages import Page, PageAsk, page_of
from exchange.errors import AbsentError
from exchange.services.ports import Ports
from exchange.services.webhooks.ports import Delivery


def list_deliveries(member: str, webhook_id: UUID, ask: PageAsk, ports: Ports) -> Page[Delivery]:
    """Return a page of deliveries, in the order of their events.

    Raises:
        AbsentError: the member has no such endpoint.
    """
    with ports.begin() as work:
        if work.webhooks.find(member, webhook_id) is None:
            raise AbsentError
        found = work.webhooks.deliveries(webhook_id, int(ask.after or 0), ask.fetch)
    return page_of(found, ask, lambda delivery: str(delivery.seq))
