"""Verify an export of the access log from its folder and pinned keys alone.

What must hold, by the numbers in the code:
1. the manifest is a statement under a pinned statement key, and every file is what it lists;
2. the checkpoint is of a log of the policy, under a quorum of its witnesses, and the manifest's;
3. the bundles of the range, with the hash tiles around it, lead to the signed root;
4. there is one line for every index of the range, and each opening is what its entry commits to;
5. a closed entry is accounted for: by an erasure that names it, where that lies in the range;
6. the looks at a subject are numbered without a gap, but for what was erased;
7. what the log says of itself each day, usage and the root of the index, is what its leaves say;
8. what takes two people bears the words of two operators, each signed under an enrolled key.
An export in parts is a folder of such folders; its parts meet and show one checkpoint.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from exchange_client.audit.approvals import Approved, check_approvals
from exchange_client.audit.daily import Recounted, recount
from exchange_client.audit.leaves import AuditLeaf
from exchange_client.audit.manifest import Manifest, read_manifest
from exchange_client.audit.tree import export_root
from exchange_client.core.encoding import JSON, loads_object
from exchange_client.errors import InclusionInvalid, LogInvalid, UsageError
from exchange_client.log.policy import Policy, Witnessed
from exchange_client.notes import read_base64
from exchange_client.proofs import SLOTS

FILE_BYTES_MAX = 1 << 30
OPENINGS, CHECKPOINTS = "openings.ndjson", "checkpoints.ndjson"

_ENTRY = b"credit-exchange/access/v1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedExport:
    """An export every byte of which was checked."""

    witnessed: Witnessed
    first: int
    end: int
    leaves: list[AuditLeaf] = field(repr=False)  # one for each index
    checkpoints: list[Witnessed] = field(repr=False)  # that say when the range was covered
    signed_at: Mapping[int, int] = field(repr=False)  # by the exchange's clock, by size
    recounted: Recounted  # daily leaves
    approved: Approved  # what takes two people

    def counts(self) -> dict[str, int]:
        """Count the entries by kind; closed ones under `closed`."""
        return dict(sorted(Counter(leaf.kind or "closed" for leaf in self.leaves).items()))

    def erased_elsewhere(self) -> int:
        """Count closed entries whose erasure lies outside of the range."""
        inside = range(self.first, self.end)
        return sum(
            leaf.erased_by is not None and leaf.erased_by not in inside for leaf in self.leaves
        )


def verify_export(folder: Path, policy: Policy) -> VerifiedExport:
    """Verify an export, whole or in parts.

    Raises:
        InclusionInvalid: a signature or the quorum does not hold.
        LogInvalid: something is missing, too much, or not what was signed; the message says what.
        UsageError: the folder holds no export.
    """
    parts = [_verify_part(part, policy) for part in _parts(folder)]
    for before, after in pairwise(parts):
        if before.end != after.first:
            raise LogInvalid(f"(4) between the parts {before.end} to {after.first} is missing")
        if before.witnessed.checkpoint.head != after.witnessed.checkpoint.head:
            raise LogInvalid("(2) the parts show two checkpoints")
    leaves = [leaf for part in parts for leaf in part.leaves]
    _check_erasures(leaves)  # 5
    _check_numbers(leaves, whole=parts[0].first == 0)  # 6
    known = {one.note: one for part in parts for one in part.checkpoints}
    return VerifiedExport(
        witnessed=parts[0].witnessed,
        first=parts[0].first,
        end=parts[-1].end,
        leaves=leaves,
        checkpoints=sorted(known.values(), key=lambda one: one.checkpoint.head.size),
        signed_at={size: at for part in parts for size, at in part.signed_at.items()},
        recounted=recount(leaves),  # 7
        approved=check_approvals(leaves),  # 8
    )


def _parts(folder: Path) -> list[Path]:
    if (folder / "manifest").is_file():
        return [folder]
    parts = sorted(one for one in folder.glob("*") if (one / "manifest").is_file())
    if not parts:
        raise UsageError(f"{folder}: holds no export")
    return sorted(parts, key=lambda part: int(part.name.partition("-")[0] or 0))


def _verify_part(folder: Path, policy: Policy) -> VerifiedExport:
    manifest = read_manifest((folder / "manifest").read_bytes(), policy)  # 1
    files = {name: _file(folder, name, digest) for name, digest in manifest.files.items()}
    witnessed = policy.open(_listed(files, "checkpoint"))  # 2
    shown = witnessed.checkpoint
    if (shown.origin, shown.head.size, shown.head.root) != (
        manifest.origin,
        manifest.size,
        manifest.root,
    ):
        raise LogInvalid("(2) the manifest is of another checkpoint")
    entries, root = export_root(files, manifest)
    if root != shown.head.root:  # 3
        raise LogInvalid("(3) the entries do not lead to the signed root")
    leaves = list(_leaves(_listed(files, OPENINGS), manifest, entries))  # 4
    further = files.get(CHECKPOINTS, b"")
    checkpoints, signed_at = _checkpoints(further, policy, shown.origin)
    return VerifiedExport(
        witnessed=witnessed,
        first=manifest.first,
        end=manifest.end,
        leaves=leaves,
        checkpoints=checkpoints,
        signed_at=signed_at,
        recounted=Recounted(),
        approved=Approved(),
    )


def _file(folder: Path, name: str, digest: str) -> bytes:
    place = folder / name
    if not place.is_file() or place.stat().st_size > FILE_BYTES_MAX:
        raise LogInvalid(f"(1) {name}: missing, or too long")
    content = place.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise LogInvalid(f"(1) {name}: not what the manifest lists")
    return content


def _listed(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise LogInvalid(f"(1) the manifest lists no {name}")
    return files[name]


def _leaves(
    openings: bytes, manifest: Manifest, entries: Mapping[int, bytes]
) -> Iterator[AuditLeaf]:
    lines = openings.split(b"\n")
    if lines.pop() or len(lines) != manifest.end - manifest.first:
        raise LogInvalid(f"(4) {len(lines)} lines for {manifest.end - manifest.first} indices")
    for index, line in enumerate(lines, manifest.first):
        yield _leaf(index, line, entries[index])


def _leaf(index: int, line: bytes, entry: bytes) -> AuditLeaf:
    """Read one line, and hold what it opens against the entry."""
    try:
        said = loads_object(line)
        if said.get("index") != index:
            raise LogInvalid(f"(4) index {index}: missing, or out of order")
        rebuilt, payloads = _ENTRY, []
        for slot in SLOTS:
            commitment, payload = _slot(slot, said[slot])
            rebuilt += b64encode(commitment) + b"\n"
            payloads.append(None if payload is None else loads_object(payload))
    except (ValueError, KeyError, TypeError, InclusionInvalid) as error:
        raise LogInvalid(f"(4) index {index}: not a line of an export") from error
    if rebuilt != entry:
        raise LogInvalid(f"(4) index {index}: not what its entry commits to")
    erased_by = said.get("erased_by")
    return AuditLeaf(
        index=index,
        subject=payloads[0],
        audit=payloads[1],
        erased_by=erased_by if type(erased_by) is int else None,
    )


def _slot(slot: str, found: JSON) -> tuple[bytes, bytes | None]:
    """Return the commitment of a slot, and its payload if it is open. Source: log.md, 3."""
    match found:
        case {"c": str(closed), **rest} if not rest:
            commitment, payload = read_base64(closed), None
        case {"payload": str(text), "salt": str(salted), **rest} if not rest:
            payload, salt = text.encode(), read_base64(salted)
            if len(salt) != 32:  # Else salt and payload could be cut at another place.
                raise ValueError("a salt has 32 bytes")
            label = f"credit-exchange/commit/v1\n{slot}\n".encode()
            commitment = hashlib.sha256(label + salt + payload).digest()
        case _:
            raise ValueError("a slot is opened by payload and salt, or closed")
    return commitment, payload


def _check_erasures(leaves: list[AuditLeaf]) -> None:
    """Refuse a closed entry that no erasure accounts for."""
    by_index = {leaf.index: leaf for leaf in leaves}
    for leaf in leaves:
        if leaf.subject is not None and leaf.audit is not None:
            continue
        if leaf.erased_by is None:
            raise LogInvalid(f"(5) index {leaf.index}: closed, and no erasure accounts for it")
        erasure = by_index.get(leaf.erased_by)
        if erasure is None:
            continue  # Outside of the range: counted, and told.
        if erasure.kind != "erasure" or not _names(erasure, leaf.index):
            raise LogInvalid(f"(5) index {leaf.index}: entry {leaf.erased_by} does not erase it")


def _names(erasure: AuditLeaf, index: int) -> bool:
    """Tell whether an erasure names this index; one of a whole quarter names all of it."""
    listed = erasure.said("indices")
    return erasure.said("quarter") is not None or (isinstance(listed, list) and index in listed)


def _check_numbers(leaves: list[AuditLeaf], *, whole: bool) -> None:
    """Refuse a gap in the numbers of a subject's looks that no closed entry can have filled."""
    last: dict[str, int] = {}
    closed = sum(leaf.subject is None for leaf in leaves)
    for leaf in leaves:
        subject, number = leaf.said("subject"), leaf.said("subject_seq")
        if not isinstance(subject, str) or leaf.kind == "":
            continue
        if type(number) is not int:
            raise LogInvalid(f"(6) index {leaf.index}: its look has no number")
        expected = last.get(subject, 0 if whole else number - 1) + 1
        closed -= number - expected
        if number < expected or closed < 0:
            raise LogInvalid(f"(6) index {leaf.index}: a look at its subject is missing")
        last[subject] = number


def _checkpoints(
    lines: bytes, policy: Policy, origin: str
) -> tuple[list[Witnessed], dict[int, int]]:
    """Verify the further checkpoints; they need no quorum, for some never had one."""
    found, signed_at = [], {}
    for line in lines.splitlines():
        try:
            said = loads_object(line)
            read = policy.read(str(said["note"]).encode())
        except (ValueError, KeyError) as error:
            raise LogInvalid("(1) a line of the checkpoints is none") from error
        if read.checkpoint.origin != origin:
            raise LogInvalid("(2) a checkpoint of another log")
        at = said.get("signed_at")
        signed_at[read.checkpoint.head.size] = at if type(at) is int else 0
        found.append(read)
    return found, signed_at
