"""The access log for a regulator: search it, open one entry with its proof, export a range."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flask import Response

from consent.purposes import Purpose
from exchange.console.staff.pages import Pages, Sitting
from exchange.console.web.lists import day_start, given
from exchange.domain.audit import arguments as read
from exchange.domain.audit.exports import TAR_TYPE, packed
from exchange.domain.audit.filters import AuditFilter
from exchange.domain.findings import Outcome
from exchange.domain.flags.parameters import DEFAULTS
from exchange.domain.leaves import JsonValue
from exchange.domain.lists.pages import PageAsk
from exchange.domain.log.kinds import Kind
from exchange.domain.members import Role
from exchange.errors import AbsentError
from exchange.services.audit.export_range import ExportAsk, export_range
from exchange.services.audit.ports import AuditPorts
from exchange.services.audit.search_entries import SearchAsk, search_entries

ENTRIES, LIKE = "/entries", "/audit/v1/entries"
PROOF_TYPE = "text/plain; charset=utf-8"
FIELDS = tuple(name for name in read.SEARCH if name not in ("proof", "index"))
CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": tuple(Kind),
    "purpose": tuple(Purpose),
    "outcome": tuple(Outcome),
    "flag": tuple(DEFAULTS),
}
ASKED = "asked"  # the form was sent: without it nothing is searched, and nothing logged


def entry_pages(pages: Pages, audit_ports: AuditPorts) -> None:
    """Add the pages."""
    _search_page(pages, audit_ports)
    _one_entry(pages, audit_ports)
    _export(pages, audit_ports)


def _search_page(pages: Pages, audit_ports: AuditPorts) -> None:
    ports = audit_ports.ports

    @pages.page(ENTRIES, Role.REGULATOR, like=LIKE, name="entries")
    def entries(sitting: Sitting) -> Response:
        """Search the log; each page of rows is a leaf, as the API's are."""
        fields = given(*FIELDS, ASKED)
        reading = sitting.reading("entries", fields)
        found = None
        if ASKED in fields:
            ask = SearchAsk(
                origin=read.origin(fields, ports.origin(ports.now())),
                filter=read.read_filter(_seconds(fields, pages.desk.zone)),
                page=sitting.ask(reading),
                proofs=False,
            )
            found = search_entries(ask, sitting.asker, audit_ports)
        return sitting.show(
            "console/entries.html",
            found=found,
            fields=fields,
            choices=CHOICES,
            year=fields.get("year"),
            more=found and sitting.link(found.page, reading),
        )


def _one_entry(pages: Pages, audit_ports: AuditPorts) -> None:
    @pages.page(f"{ENTRIES}/<index>", Role.REGULATOR, like=LIKE)
    def entry(sitting: Sitting, index: str) -> Response:
        """Show one entry: both its parts, opened, and the proof that it stands where it says."""
        year = given("year").get("year")
        row = _row(index, year, sitting, audit_ports)
        return sitting.show(
            "console/entry.html",
            row=row,
            year=year,
            written=json.dumps(row.get("detail", {}), indent=2, ensure_ascii=False, sort_keys=True),
        )

    @pages.page(f"{ENTRIES}/<index>/proof", Role.REGULATOR, like=LIKE)
    def proof(sitting: Sitting, index: str) -> Response:
        """Hand out the proof of one entry; any C2SP tool verifies it."""
        row = _row(index, given("year").get("year"), sitting, audit_ports)
        response = Response(str(row["proof"]), content_type=PROOF_TYPE)
        named = f'attachment; filename="entry-{row["index"]}.tlog-proof"'
        response.headers["Content-Disposition"] = named
        return response


def _export(pages: Pages, audit_ports: AuditPorts) -> None:
    ports = audit_ports.ports

    @pages.page("/export", Role.REGULATOR, like="/audit/v1/export")
    def export(sitting: Sitting) -> Response:
        """Hand out a range, every index opened or accounted for: `cx audit verify` checks it."""
        fields = given("from_index", "to_index", "year")
        ask = ExportAsk(
            origin=read.origin(fields, ports.origin(ports.now())),
            first=read.needed(fields, "from_index"),
            end=read.needed(fields, "to_index"),
            size=None,
        )
        response = Response(
            packed(export_range(ask, sitting.asker, audit_ports)), content_type=TAR_TYPE
        )
        named = f'attachment; filename="export-{ask.first}-{ask.end}.tar"'
        response.headers["Content-Disposition"] = named
        return response


def _row(
    index: str, year: str | None, sitting: Sitting, audit_ports: AuditPorts
) -> dict[str, JsonValue]:
    """Find one entry by its place, with its proof; the look is a leaf."""
    ports = audit_ports.ports
    told = {"index": index} if year is None else {"index": index, "year": year}
    ask = SearchAsk(
        origin=read.origin(told, ports.origin(ports.now())),
        filter=AuditFilter(index=read.needed(told, "index")),
        page=PageAsk(rows=1),
        proofs=True,
    )
    rows = search_entries(ask, sitting.asker, audit_ports).page.rows
    if not rows or "proof" not in rows[0]:  # Erased, or not there: an export accounts for it.
        raise AbsentError
    return rows[0]


def _seconds(fields: Mapping[str, str], zone: str) -> dict[str, str]:
    """Turn the days of the form, both of which count, into the seconds of a filter."""
    told = {name: text for name, text in fields.items() if name not in ("from", "to")}
    if "from" in fields:
        told["from"] = str(day_start(fields["from"], zone, field="from"))
    if "to" in fields:
        told["to"] = str(day_start(fields["to"], zone, field="to", days=1))
    return told
