"""Show an authority how the log stands: sizes, ages, what waits."""

from __future__ import annotations

from exchange.domain.leaves import JsonValue
from exchange.domain.log.policies import Policy
from exchange.domain.notes import parse_note
from exchange.domain.queries import Asker
from exchange.errors import AbsentError
from exchange.services.audit.export_range import statement_key
from exchange.services.audit.log_access import Access, log_access
from exchange.services.audit.ports import QUORUM_SECONDS_MAX, AuditPorts, SignedCheckpoint
from exchange.services.log.ports import log_key
from exchange.services.log.write_leaves import standard_base64

_TIME_BYTES = 8  # of a cosignature, before its signature


def show_log(origin: str, asker: Asker, audit_ports: AuditPorts) -> dict[str, JsonValue]:
    """Return the newest checkpoint of a log, its age, and the keys that verify it.

    Raises:
        AbsentError: there is no such log, or it has no checkpoint yet.
    """
    ports = audit_ports.ports
    now = ports.now()
    with audit_ports.begin() as work:
        log = work.audit.find_log(origin)
        newest = (
            None if log is None else work.audit.newest(log.log_id, since=now - QUORUM_SECONDS_MAX)
        )
        if newest is None:
            raise AbsentError
        what: dict[str, JsonValue] = {"list": "log", "log": origin}
        log_access(work, Access(asker=asker, what=what, rows=1), ports, now)
        work.commit()
    return {
        "origin": origin,
        "size": newest.size,
        "root": standard_base64(newest.root),
        "checkpoint": newest.note,
        "signed_at": newest.signed_at,
        "age_seconds": max(0, now - newest.signed_at),
        "witnesses": _witnesses(newest, audit_ports.policy),
        "vkey": log_key(origin, ports.keyring.checkpoint_public_key).vkey(),
        "statement_vkey": statement_key(ports).vkey(),
    }


def _witnesses(newest: SignedCheckpoint, policy: Policy) -> list[JsonValue]:
    """Say when each witness of the policy cosigned this checkpoint; 0: it did not yet."""
    lines = parse_note(newest.note.encode()).signatures
    at = {
        (line.name, line.key_id): int.from_bytes(line.signature[:_TIME_BYTES], "big")
        for line in lines
    }
    return [
        {"name": key.name, "cosigned_at": at.get((key.name, key.key_id), 0)} for key in policy.keys
    ]
