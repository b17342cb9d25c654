"""Write the leaf of a read: who watches the watchers is in the log as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from exchange.domain.leaves import JsonValue, canonical_json
from exchange.domain.log.kinds import Kind
from exchange.domain.queries import Asker
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import Ports, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One read of an authority."""

    asker: Asker
    what: Mapping[str, JsonValue]  # which list, by which filter; only its hash is logged
    rows: int
    subjects: tuple[str, ...] = ()  # pseudonyms, where persons were opened
    case: str = ""
    embargo_until: int | None = None  # unix seconds: until then the persons do not read of it


def log_access(work: Work, access: Access, ports: Ports, now: int) -> None:
    """Write the leaf of a read in the transaction that reads: no leaf, no rows.

    A read that opens persons is a leaf about each of them, so that each will see it.
    """
    audit: dict[str, JsonValue] = {
        "user": f"{access.asker.member}/{access.asker.key}",
        "filter_sha256": standard_base64(sha256(canonical_json(access.what)).digest()),
        "rows": access.rows,
    }
    if access.case:
        audit["case"] = access.case
    if access.embargo_until is not None:
        audit["embargo_until"] = access.embargo_until
    drafts = [
        LeafDraft(
            kind=Kind.REGULATOR_ACCESS,
            member=access.asker.member,
            subject=subject,
            audit_slot=audit,
        )
        for subject in access.subjects or ("",)
    ]
    write_leaves(work, drafts, ports, now)
