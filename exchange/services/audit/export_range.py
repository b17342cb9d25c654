"""Export a range of the log: every index opened, or accounted for, and all that proves it.

In:  a range, and the checkpoint it is to be proven under (the newest unless another is named).
Out: the files of a folder: checkpoint, tiles, bundles, openings, later checkpoints, a signed
     manifest.
Not here: filters. Only a range can be complete, so filters run on the receiver's side.
Nothing of it comes from the index that searches use: what that index hides, an export shows.
Source: log.md, 11.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from exchange.crypto.keyring import Use
from exchange.domain.audit.exports import (
    CHECKPOINT,
    CHECKPOINTS,
    MANIFEST,
    OPENINGS,
    ExportRange,
    closed_slots,
    manifest_text,
    opened_slot,
)
from exchange.domain.leaves import JsonValue, Slot, canonical_json
from exchange.domain.log.kinds import Kind
from exchange.domain.merkle import TreeHead
from exchange.domain.notes import KeyType, Note, NoteKey, SignatureLine
from exchange.domain.queries import Asker
from exchange.domain.tiles import TILE_WIDTH, bundle, entries_path
from exchange.errors import AbsentError, InvalidField, LogDamaged
from exchange.services.audit.log_access import Access, log_access
from exchange.services.audit.open_leaves import OpenLeaf, open_leaves
from exchange.services.audit.ports import (
    QUORUM_SECONDS_MAX,
    AuditPorts,
    AuditWork,
    SignedCheckpoint,
)
from exchange.services.log.ports import LogRef
from exchange.services.log.write_leaves import quarter
from exchange.services.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportAsk:
    """A range that is asked for."""

    origin: str
    first: int
    end: int
    size: int | None  # of the checkpoint; None: the newest


def export_range(ask: ExportAsk, asker: Asker, audit_ports: AuditPorts) -> dict[str, bytes]:
    """Return the files of an export by their path, and log that it was made.

    Raises:
        AbsentError: there is no such log or checkpoint.
        InvalidField: the range is empty, beyond the log, or longer than an export may be.
        IntegrityError: an opening is not what its leaf commits to. LogDamaged: a tile is missing.
    """
    ports = audit_ports.ports
    now = ports.now()
    if ask.end - ask.first > audit_ports.export_entries_max:
        raise InvalidField(
            f"one export holds at most {audit_ports.export_entries_max} entries", field="to_index"
        )
    with audit_ports.begin() as work:
        log = work.audit.find_log(ask.origin)
        if log is None:
            raise AbsentError
        checkpoint = _checkpoint(work, log, ask.size, now)
        exported = ExportRange(first=ask.first, end=ask.end, size=checkpoint.size)
        files = _tree_files(work, log, exported) | _openings(work, log, exported, ports)
        files[CHECKPOINT] = checkpoint.note.encode()
        files[CHECKPOINTS] = _checkpoints(work, log, exported)
        log_access(work, _access(ask, asker), ports, now)
        work.commit()
    head = TreeHead(size=checkpoint.size, root=checkpoint.root)
    files[MANIFEST] = _signed(manifest_text(log.origin, exported, head, files), ports)
    return files


def statement_key(ports: Ports) -> NoteKey:
    """Return the key that verifies the exchange's statements, under their own name."""
    kid = ports.keyring.kid(Use.STATEMENT)
    raw = next(key.public_key for key in ports.keyring.public_keys() if key.kid == kid)
    name = f"{ports.terms.domain}/statements"
    return NoteKey(name=name, kind=KeyType.ED25519, public_key=raw)


def _checkpoint(work: AuditWork, log: LogRef, size: int | None, now: int) -> SignedCheckpoint:
    found = (
        work.audit.newest(log.log_id, since=now - QUORUM_SECONDS_MAX)
        if size is None
        else work.audit.checkpoint(log.log_id, size)
    )
    if found is None:
        raise AbsentError("there is no such checkpoint")
    return found


def _tree_files(work: AuditWork, log: LogRef, exported: ExportRange) -> dict[str, bytes]:
    wanted = exported.tiles()
    tiles = work.tree.tiles(log.log_id, wanted) if wanted else {}
    files = {}
    for tile in wanted:
        row = exported.cut(tile, tiles)
        files[tile.path(len(row) // 32)] = row
    first, end = exported.bundles
    entries = [leaf.entry for leaf in work.audit.leaves(log.log_id, first=first, end=end)]
    for at in range(0, len(entries), TILE_WIDTH):
        cut = entries[at : at + TILE_WIDTH]
        files[entries_path((first + at) // TILE_WIDTH, len(cut))] = bundle(cut)
    return files


def _openings(
    work: AuditWork, log: LogRef, exported: ExportRange, ports: Ports
) -> dict[str, bytes]:
    sealed = work.audit.leaves(log.log_id, first=exported.first, end=exported.end)
    leaves = open_leaves(log.origin, sealed, ports)
    if [leaf.leaf_index for leaf in leaves] != list(range(exported.first, exported.end)):
        raise LogDamaged("an index of the range has no leaf")
    closed = [leaf for leaf in leaves if leaf.opened is None]
    erased_by = _erasures(closed, work, log, ports) if closed else {}
    lines = [canonical_json(_line(leaf, erased_by)) + b"\n" for leaf in leaves]
    return {OPENINGS: b"".join(lines)}


def _line(leaf: OpenLeaf, erased_by: dict[int, int]) -> dict[str, JsonValue]:
    if leaf.opened is None:
        line: dict[str, JsonValue] = {"index": leaf.leaf_index, **closed_slots(leaf.entry)}
        erasure = erased_by.get(leaf.leaf_index)
        return line if erasure is None else line | {"erased_by": erasure}
    return {
        "index": leaf.leaf_index,
        Slot.SUBJECT.value: opened_slot(leaf.opened.subject),
        Slot.AUDIT.value: opened_slot(leaf.opened.audit),
    }


def _erasures(leaves: list[OpenLeaf], work: AuditWork, log: LogRef, ports: Ports) -> dict[int, int]:
    """Say which erasure closed which of these leaves, from the erasure leaves themselves."""
    closed: dict[int, int] = {}
    quarters: dict[str, int] = {}
    for leaf in open_leaves(log.origin, work.audit.of_kind(log.log_id, Kind.ERASURE), ports):
        if leaf.opened is not None:
            audit = json.loads(leaf.opened.audit.payload)
            closed |= {int(index): leaf.leaf_index for index in audit.get("indices", ())}
            if "quarter" in audit:
                quarters[str(audit["quarter"])] = leaf.leaf_index
    for leaf in leaves:
        if (erasure := quarters.get(quarter(leaf.created_at))) is not None:
            closed.setdefault(leaf.leaf_index, erasure)
    return closed


def _checkpoints(work: AuditWork, log: LogRef, exported: ExportRange) -> bytes:
    """Write every checkpoint that says when the range was first covered, one a line."""
    found = work.audit.checkpoints(log.log_id, above=exported.first, upto=exported.end)
    return b"".join(
        canonical_json({"note": one.note, "signed_at": one.signed_at, "size": one.size}) + b"\n"
        for one in found
    )


def _signed(text: str, ports: Ports) -> bytes:
    key = statement_key(ports)
    signature = ports.keyring.signer(Use.STATEMENT)(text.encode())
    line = SignatureLine(name=key.name, key_id=key.key_id, signature=signature)
    return Note(text=text, signatures=(line,)).print()


def _access(ask: ExportAsk, asker: Asker) -> Access:
    what: dict[str, JsonValue] = {
        "list": "export",
        "log": ask.origin,
        "from_index": ask.first,
        "to_index": ask.end,
    }
    return Access(asker=asker, what=what, rows=ask.end - ask.first)
