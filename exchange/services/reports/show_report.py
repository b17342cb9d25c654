"""Show a report that was made: whole to a regulator, withheld where it tells of few to a member."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.domain.leaves import JsonValue
from exchange.domain.members import Role
from exchange.domain.queries import Asker
from exchange.domain.records import month_text
from exchange.errors import AbsentError
from exchange.services.audit.log_access import Access, log_access
from exchange.services.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReport:
    """A report as its reader may see it, and which there are."""

    document: str  # compact JWS
    months: tuple[int, ...]  # that have one, the newest first


def show_report(month: int | None, asker: Asker, ports: Ports) -> ShownReport:
    """Return the report of a month, or the newest; a regulator's read is a leaf.

    Args:
        month: 12 times the year, plus 0 to 11: of the day on which it was made.

    Raises:
        AbsentError: there is none.
    """
    regulator = Role.REGULATOR in asker.roles
    with ports.begin() as work:
        found = work.reports.newest(month)
        if found is None:
            raise AbsentError
        months = tuple(work.reports.months())
        if regulator:
            what: dict[str, JsonValue] = {"list": "report", "month": month_text(found.month)}
            log_access(work, Access(asker=asker, what=what, rows=1), ports, ports.now())
            work.commit()
    return ShownReport(document=found.whole if regulator else found.outward, months=months)
