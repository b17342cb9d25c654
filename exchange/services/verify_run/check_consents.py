"""I6: a consent that ended took its records out of every answer, those of its whole chain."""

from __future__ import annotations

from collections.abc import Iterator

from consent.profiles import LegalBasis
from exchange.services.grants.read_artefact import stored_artefact
from exchange.services.verify_run.ports import Break, RunStatements


def check_consents(run: RunStatements) -> Iterator[Break]:
    """Yield records that are still shown after the consent that they rest on."""
    for shown in run.shown_after_end():
        if stored_artefact(shown.artefact).legal_basis is LegalBasis.CONSENT:
            yield Break("I6", f"record {shown.record_id}", "is shown after the end of its consent")
