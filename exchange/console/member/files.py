"""A member's record files: where each stands, what was wrong with its rows and by which rule."""

from __future__ import annotations

from flask import Response

from exchange.console.staff.pages import Pages, Sitting
from exchange.console.web.lists import given
from exchange.domain.ids import parse, show
from exchange.domain.members import Role
from exchange.domain.rows import RULES
from exchange.services.batches.ports import BatchKey
from exchange.services.batches.show_batch import (
    batch_absent,
    batch_faults,
    count_faults,
    find_batch,
    list_batches,
)
from exchange.services.ports import Ports

FILES, LIKE = "/files", "/v1/batches/<batch_id>"
FAULTS_SHOWN = 100  # the first; `cx batch faults` fetches all of them
ABSENT_SHOWN = 500


def file_pages(pages: Pages, ports: Ports) -> None:
    """Add the pages."""

    @pages.page(FILES, Role.CONTRIBUTOR, like=LIKE, name="files")
    def files(sitting: Sitting) -> Response:
        """List the member's files, the newest first."""
        reading = sitting.reading("files", given())
        page = list_batches(sitting.asker.member, sitting.ask(reading), ports)
        return sitting.show(
            "console/files.html",
            page=page,
            number=lambda batch: show("bat", batch.batch_id),
            more=sitting.link(page, reading),
        )

    @pages.page(f"{FILES}/<batch_id>", Role.CONTRIBUTOR, like=LIKE)
    def file(sitting: Sitting, batch_id: str) -> Response:
        """Show one file: its rows, its faults by rule, accounts that it left out."""
        key = BatchKey(sitting.asker.member, parse("bat", batch_id, field="batch_id"))
        return sitting.show(
            "console/file.html",
            batch=find_batch(key, ports),
            number=batch_id,
            counts=count_faults(key, ports),
            faults=batch_faults(key, 0, FAULTS_SHOWN, ports),
            absent=batch_absent(key, "", ABSENT_SHOWN, ports),
            absent_shown=ABSENT_SHOWN,
            rules=RULES,
        )
