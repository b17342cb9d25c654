"""What the log shows about members: flags as they were raised, and who lent before asking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from flask import Response

from exchange.console.staff.pages import Pages, Sitting
from exchange.console.web.charts import Part, bar
from exchange.console.web.lists import given
from exchange.domain.audit import arguments as read
from exchange.domain.flags.parameters import DEFAULTS
from exchange.domain.lend_first import LOANS_MIN
from exchange.domain.members import Role
from exchange.services.audit.ports import AuditPorts, JudgedMonth
from exchange.services.audit.show_flags import show_flags
from exchange.services.audit.show_months import show_months

CLASSES = ("in_time", "stale", "late", "never")
FLAGS_SHOWN = 200  # the newest; the API has them all


class LoanBar(NamedTuple):
    """A member's loans of a month, or of a whole year, as a bar of their classes."""

    month: JudgedMonth  # its sum, under no month, for a year
    parts: list[Part]

    @property
    def unchecked_percent(self) -> float | None:
        """The share of loans that were looked at late or never; of a few there is none."""
        loans = self.month.loans
        unchecked = self.month.late + self.month.never
        return None if loans < LOANS_MIN else round(100 * unchecked / loans, 1)


def loan_bars(months: Iterable[JudgedMonth]) -> list[LoanBar]:
    """Draw months."""
    return [LoanBar(one, bar({name: getattr(one, name) for name in CLASSES})) for one in months]


def by_member(months: Iterable[JudgedMonth]) -> list[JudgedMonth]:
    """Add the months of each member up."""
    sums: dict[str, JudgedMonth] = {}
    for one in months:
        so_far = sums.get(one.member)
        sums[one.member] = one._replace(
            month="",
            **{
                name: getattr(one, name) + (getattr(so_far, name) if so_far else 0)
                for name in (*CLASSES, "unwitnessed")
            },
        )
    return list(sums.values())


def finding_pages(pages: Pages, audit_ports: AuditPorts) -> None:
    """Add the pages."""
    ports = audit_ports.ports

    @pages.page("/flags", Role.REGULATOR, like="/audit/v1/flags", name="flags")
    def flags(sitting: Sitting) -> Response:
        """List flags, the newest first, each with the entries that show it."""
        fields = given("rule", "member", "year")
        origin = read.origin(fields, ports.origin(ports.now()))
        rule, member = read.word(fields, "rule"), read.word(fields, "member")
        found = show_flags(origin, rule, member, sitting.asker, audit_ports)
        return sitting.show(
            "console/flags.html",
            flags=found[::-1][:FLAGS_SHOWN],
            total=len(found),
            fields=fields,
            rules=tuple(DEFAULTS),
            year=fields.get("year"),
        )

    @pages.page("/lend-first", Role.REGULATOR, like="/audit/v1/lend-first", name="lend_first")
    def lend_first(sitting: Sitting) -> Response:
        """Show by member and month which loans were looked at in time, as judged last."""
        fields = given("year")
        found = show_months(
            read.origin(fields, ports.origin(ports.now())), sitting.asker, audit_ports
        )
        return sitting.show(
            "console/lend_first.html",
            years=loan_bars(by_member(found)),
            months=loan_bars(reversed(found)),
            classes=CLASSES,
            judged=found[0] if found else None,
            loans_min=LOANS_MIN,
        )
