"""What the leaves of a sandbox say, opened as only the exchange can."""

from __future__ import annotations

from contextlib import closing

import psycopg

from exchange.app.ports import make_log_ports
from exchange.domain.leaves import Slot, opening_aad, unpad_opening
from exchange.services.log.write_leaves import opening_key
from exchange.store.log import LogDatabase
from exchange_client.core.encoding import JSON, loads_object
from tests.support.sandbox import Sandbox

Slots = tuple[dict[str, JSON], dict[str, JSON]]


def opened_leaves(sandbox: Sandbox, kind: str) -> list[Slots]:
    """Return subject and audit slot of every leaf of a kind, oldest first."""
    ports, found = sandbox.ports, []
    with closing(psycopg.connect(sandbox.settings.libpq_url)) as connection:
        hashes = [row[0] for row in connection.execute("SELECT leaf_hash FROM leaf ORDER BY ord")]
    with closing(LogDatabase(sandbox.settings.libpq_url)) as database:
        log_ports, _ = make_log_ports(sandbox.settings, ports, database)
        for leaf_hash in hashes:
            with log_ports.begin() as work:
                stored = work.tree.find_leaf(leaf_hash)
            assert stored is not None
            key = opening_key(stored.key_id, stored.kek_id, stored.wrapped, ports)
            subject, audit = (
                loads_object(
                    unpad_opening(
                        key.open(
                            sealed,
                            opening_aad(ports.origin(ports.now()), leaf_hash, slot, stored.key_id),
                        )
                    ).payload
                )
                for slot, sealed in (
                    (Slot.SUBJECT, stored.subject_sealed),
                    (Slot.AUDIT, stored.audit_sealed),
                )
            )
            if subject["kind"] == kind:
                found.append((subject, audit))
    return found
