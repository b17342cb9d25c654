"""Rows of the audit: from an export as from the exchange, filtered, and written as a table.

A row of an export has the shape that the exchange gives its own; field names after FHIR AuditEvent.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exchange_client.audit.leaves import AuditLeaf
from exchange_client.core.encoding import JSON

Row = Mapping[str, JSON]

# What starts a formula, in full width and in small forms as well.
_FORMULA = frozenset("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b")
_READS = frozenset({"query", "subject_access", "regulator_access", "report"})
_CREATES = frozenset({"batch", "grant", "disbursement", "statement", "dispute", "flag"})
_UPDATES = frozenset({"record", "watch", "correction", "admin"})
_ENTITIES = (
    *("query", "grant", "batch", "account", "application", "disbursement", "watch", "case"),
    "report",
)

COLUMNS = (
    "index",
    "recorded",
    "type",
    "action",
    "member",
    "key",
    "user",
    "operator",
    "purpose",
    "outcome",
    "reason",
    "subject",
    "sequence",
    "entities",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What rows are narrowed by; what is None does not narrow."""

    member: str | None = None
    subject: str | None = None
    purpose: str | None = None
    operator: str | None = None
    outcome: str | None = None
    kind: str | None = None
    since: int | None = None  # unix seconds, the first that counts
    until: int | None = None  # unix seconds, the first that does not

    def takes(self, leaf: AuditLeaf) -> bool:
        """Tell whether a leaf of an export matches."""
        names = ("member", "subject", "purpose", "operator", "outcome", "kind")
        if any(getattr(self, one) not in (None, leaf.said(one)) for one in names):
            return False
        at = leaf.said("t")
        if self.since is None and self.until is None:
            return True
        if not isinstance(at, int):
            return False
        return (self.since or 0) <= at and (self.until is None or at < self.until)


def row_of(leaf: AuditLeaf) -> Row:
    """Return the row of a leaf of an export."""
    if leaf.subject is None or leaf.audit is None:
        return {"index": leaf.index, "erased_by": leaf.erased_by}
    subject, audit = leaf.subject, leaf.audit
    agent = {"who": subject.get("member"), "key": audit.get("key"), "user": audit.get("user")}
    agent["operator"] = audit.get("operator")
    entities: list[JSON] = [
        {"type": name, "what": audit[name]} for name in _ENTITIES if name in audit
    ]
    if "subject" in subject:
        sequence = subject.get("subject_seq", 0)
        about: JSON = {"type": "subject", "what": subject["subject"], "sequence": sequence}
        entities.insert(0, about)
    row: dict[str, JSON] = {
        "index": leaf.index,
        "recorded": subject.get("t"),
        "type": leaf.kind,
        "action": _action(leaf.kind),
        "outcome": subject.get("outcome"),
        "outcomeDesc": audit.get("reason"),
        "purposeOfEvent": subject.get("purpose"),
        "agent": [{name: value for name, value in agent.items() if value is not None}],
        "entity": entities,
        "detail": {"subject": dict(subject), "audit": dict(audit)},
    }
    return {name: value for name, value in row.items() if value is not None}


def _action(kind: str) -> str:
    """Return the FHIR audit-event-action of a kind."""
    if kind in _READS:
        return "R"
    if kind in _CREATES:
        return "C"
    if kind in _UPDATES:
        return "U"
    return "D" if kind == "erasure" else "E"


def table(rows: Iterable[Row]) -> str:
    """Write rows as CSV that no spreadsheet takes for formulas."""
    return csv_text(COLUMNS, ([cells[name] for name in COLUMNS] for cells in map(_cells, rows)))


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Write a table as CSV: every cell quoted, each that could be a formula made text (A76)."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([inert(cell) for cell in row] for row in rows)
    return out.getvalue()


def inert(cell: object) -> str:
    """Return a cell as text that no spreadsheet computes.

    A spreadsheet drops spaces before it looks for a formula, and takes full-width signs for plain
    ones. Whole numbers below zero stay numbers: we write them ourselves.
    """
    text = "" if cell is None else str(cell)
    if isinstance(cell, int):
        return text
    start = text.lstrip(" \u00a0\u3000")[:1]
    return f"'{text}" if start in _FORMULA else text


def _cells(row: Row) -> dict[str, object]:
    agents, entities = row.get("agent"), row.get("entity")
    agent = agents[0] if isinstance(agents, list) and agents else {}
    listed = (
        [one for one in entities if isinstance(one, dict)] if isinstance(entities, list) else []
    )
    about = next((one for one in listed if one.get("type") == "subject"), {})
    said = agent if isinstance(agent, dict) else {}
    return {
        **{name: row.get(name) for name in ("index", "recorded", "type", "action", "outcome")},
        "member": said.get("who"),
        **{name: said.get(name) for name in ("key", "user", "operator")},
        "purpose": row.get("purposeOfEvent"),
        "reason": row.get("outcomeDesc"),
        "subject": about.get("what"),
        "sequence": about.get("sequence"),
        "entities": " ".join(
            f"{one.get('type')}={one.get('what')}" for one in listed if one is not about
        ),
    }
