"""One opened leaf as a row of the audit: field names after FHIR AuditEvent, nothing left out.

In:  the two payloads of a leaf, or None for one that nobody can open any more.
Out: what a regulator reads. The payloads stand in it word for word, so that a row can be held
     against its opening.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from exchange.domain.leaves import JsonValue
from exchange.domain.log.kinds import Kind

# FHIR R4 audit-event-action: Create, Read, Update, Delete, Execute.
ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        Kind.QUERY: "R",
        Kind.SUBJECT_ACCESS: "R",
        Kind.REGULATOR_ACCESS: "R",
        Kind.REPORT: "R",
        Kind.BATCH: "C",
        Kind.GRANT: "C",
        Kind.DISBURSEMENT: "C",
        Kind.STATEMENT: "C",
        Kind.DISPUTE: "C",
        Kind.FLAG: "C",
        Kind.RECORD: "U",
        Kind.WATCH: "U",
        Kind.CORRECTION: "U",
        Kind.ADMIN: "U",
        Kind.ERASURE: "D",
    }
)
_OTHER = "E"
# Members of the audit slot that name a thing, in the order in which a row lists them.
_ENTITIES = (
    *("query", "grant", "batch", "account", "application", "disbursement", "watch", "case"),
    "report",
)


def audit_event(
    subject: Mapping[str, JsonValue], audit: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return the row of a leaf.

    Args:
        subject: payload of its subject slot.
        audit: payload of its audit slot.
    """
    kind = str(subject.get("kind", ""))
    agent = {"who": subject.get("member"), **{name: audit.get(name) for name in ("key", "user")}}
    agent["operator"] = audit.get("operator")
    entities = [{"type": name, "what": audit[name]} for name in _ENTITIES if name in audit]
    if "subject" in subject:
        about = {"type": "subject", "what": subject["subject"]}
        entities.insert(0, about | {"sequence": subject.get("subject_seq", 0)})
    row: dict[str, JsonValue | None] = {
        "recorded": subject.get("t"),
        "type": kind,
        "action": ACTIONS.get(kind, _OTHER),
        "outcome": subject.get("outcome"),
        "outcomeDesc": audit.get("reason"),
        "purposeOfEvent": subject.get("purpose"),
        "agent": [{name: value for name, value in agent.items() if value is not None}],
        "entity": entities,
        "detail": {"subject": subject, "audit": audit},
    }
    return {name: value for name, value in row.items() if value is not None}
