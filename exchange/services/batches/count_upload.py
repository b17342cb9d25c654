"""Count an upload against the member's quota of the day."""

from __future__ import annotations

from exchange.errors import QuotaError
from exchange.services.ports import Ports

_DAY_SECONDS = 86_400


def count_upload(member: str, ports: Ports) -> None:
    """Count the try, whatever becomes of it.

    Raises:
        QuotaError: the member's uploads of this day are spent.
    """
    now = ports.now()
    start = now - now % _DAY_SECONDS
    with ports.begin() as work:
        counted = work.members.count(
            member, "uploads", period=start, amount=1, limit=ports.terms.uploads_per_day
        )
        work.commit()
    if not counted:
        retry = start + _DAY_SECONDS - now
        raise QuotaError("the uploads of this day are spent", retry_after_seconds=retry)
