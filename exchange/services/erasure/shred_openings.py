"""Erase what opens leaves: keys, openings, search rows and stored answers. Never a leaf.

In:  a subject's pseudonym and the case that orders it, or a quarter whose retention has ended.
Out: an `erasure` leaf that names indices or the quarter, and not the person.
Order: the keys go on the outside list first, then out of the database with the leaf, in one
transaction. Cut short in between, the list only names keys that an erasure was ordered for: the
same order again finishes it, and so does the start of a restored database. Source: log.md, 15.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from exchange import telemetry
from exchange.domain.leaves import JsonValue
from exchange.domain.log.kinds import Kind
from exchange.errors import AbsentError, InvalidField, UnavailableError
from exchange.services.erasure.ports import ErasePorts, ErasingWork, KeyToShred
from exchange.services.log.write_leaves import LeafDraft, quarter, write_leaves

INDICES_MAX = 5_000  # that one leaf names; more go into further leaves
_QUARTER = re.compile(r"([0-9]{4})Q([1-4])")
_RESTORED = "restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure took."""

    keys: int
    leaves: tuple[bytes, ...]  # hashes of the leaves that say so


def erase_subject(subject: str, basis: str, case: str, erase_ports: ErasePorts) -> Erased:
    """Erase everything that opens leaves about a subject.

    Args:
        subject: its pseudonym.
        basis: why it may be erased, such as the law that orders it.
        case: the order's reference; it is kept in the leaf's audit slot.

    Raises:
        AbsentError: nothing opens a leaf about this subject.
        UnavailableError: one of its leaves has no index yet; try again in a moment.
    """
    with erase_ports.begin() as work:
        keys = work.erasure.keys_of_subject(subject)
        if not keys:
            raise AbsentError("nothing opens a leaf about this subject", field="subject")
        work.erasure.forget_seen(subject)
        drafts = _drafts(_indices(keys, work), basis, {"case": case})
        return _shred(keys, drafts, work, erase_ports)


def erase_quarter(name: str, erase_ports: ErasePorts) -> Erased:
    """Erase everything that opens leaves of a quarter whose retention has ended.

    Raises:
        InvalidField: it is no quarter, or the profile still keeps it.
        AbsentError: nothing opens a leaf of it any more.
    """
    ports = erase_ports.ports
    match = _QUARTER.fullmatch(name)
    kept_years = ports.terms.profile.access_log_years
    this = quarter(ports.now())
    if match is None or f"{int(match[1]) + kept_years}Q{match[2]}" >= this:
        raise InvalidField(
            f"must be a quarter such as 2020Q1, over for {kept_years} years", field="quarter"
        )
    with erase_ports.begin() as work:
        keys = work.erasure.keys_of_quarter(name)
        if not keys:
            raise AbsentError("nothing opens a leaf of this quarter", field="quarter")
        drafts = [_draft("retention", {"quarter": name})]
        return _shred(keys, drafts, work, erase_ports)


def shred_again(erase_ports: ErasePorts) -> Erased:
    """Shred what a restored database brought back; it is done before the database serves."""
    listed = erase_ports.shredded.all()
    with erase_ports.begin() as work:
        keys = work.erasure.keys_listed(listed) if listed else []
        if not keys:
            return Erased(keys=0, leaves=())
        drafts = _drafts(_indices(keys, work), _RESTORED, {})
        return _shred(keys, drafts, work, erase_ports)


def _indices(keys: Sequence[KeyToShred], work: ErasingWork) -> list[int]:
    """Say which leaves of the logs that may still grow can be opened no more."""
    key_ids = [key.key_id for key in keys]
    found: list[int] = []
    for log in work.tree.open_logs():
        for index in work.erasure.indices(key_ids, log.log_id):
            if index is None:
                raise UnavailableError("a leaf of this subject has no index yet")
            found.append(index)
    return found


def _drafts(indices: Sequence[int], basis: str, audit: dict[str, JsonValue]) -> list[LeafDraft]:
    cuts = range(0, max(1, len(indices)), INDICES_MAX)
    return [
        _draft(basis, {**audit, "indices": list(indices[at : at + INDICES_MAX])}) for at in cuts
    ]


def _draft(basis: str, audit: dict[str, JsonValue]) -> LeafDraft:
    return LeafDraft(
        kind=Kind.ERASURE.value, member="", subject_slot={"basis": basis}, audit_slot=audit
    )


def _shred(
    keys: Sequence[KeyToShred],
    drafts: Sequence[LeafDraft],
    work: ErasingWork,
    erase_ports: ErasePorts,
) -> Erased:
    ports = erase_ports.ports
    erase_ports.shredded.add([key.fingerprint for key in keys])
    count = work.erasure.shred([key.key_id for key in keys])
    now = ports.now()
    leaves = write_leaves(work, drafts, ports, now)
    work.meters.add({(telemetry.SHREDDED_KEYS, ""): count})
    work.commit()
    return Erased(keys=count, leaves=tuple(leaf.leaf_hash for leaf in leaves))
