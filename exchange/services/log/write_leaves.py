"""Write leaves of the access log in the transaction of what they testify.

In:  drafts (who, what, about whom) and an open unit of work.
Out: leaves stored with sealed openings; they get their index later, from the sequencer.
Order: the subject's counter is locked first, so that its numbers have no gap; then the leaf is
made, since it holds the number; then it is stored. Source: log.md, 3 and 5.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

from msgspec import Struct, field

from exchange.crypto.sealing import DataKey
from exchange.domain.leaves import JsonValue, Leaf, new_leaf, opening_aads, pad_opening
from exchange.domain.log.kinds import check_payloads
from exchange.errors import UnavailableError
from exchange.services.log.leaf_ports import LeafRow, LogStatements, SubjectAsk, SubjectTurn
from exchange.services.ports import Ports

KEY_AAD = b"opening_key|1|"  # then the key id: what an opening key is wrapped for


class LeafDraft(Struct, frozen=True, kw_only=True, gc=False):
    """What a leaf will say; time, subject and its number are added when it is made."""

    kind: str  # of domain/log/kinds.py, which says what its slots hold
    member: str  # "" where no member did it
    subject: str = ""  # pseudonym, or "" where the leaf is about nobody in particular
    subject_slot: Mapping[str, JsonValue] = field(default_factory=dict)
    audit_slot: Mapping[str, JsonValue] = field(default_factory=dict)
    purpose: str = ""
    outcome: str = ""
    operator: str = ""
    application: str = ""


class Writing(Protocol):
    """An open unit of work that leaves can be written in."""

    @property
    def log(self) -> LogStatements:
        """Statements that write leaves."""
        ...


def write_leaves(work: Writing, drafts: Sequence[LeafDraft], ports: Ports, now: int) -> list[Leaf]:
    """Number, make, seal and store leaves, in the order given.

    Two drafts of one call must not speak of the same subject.

    Raises:
        UnavailableError: the log of this year is not open yet.
    """
    # Asked within this unit of work: a second connection, wanted while one is held, can starve.
    log_id = work.log.find_log(ports.origin(now))
    if log_id is None:
        raise UnavailableError("the access log is not open yet; start the sequencer")
    asks = subject_asks([draft.subject for draft in drafts], ports, now)
    turns = work.log.open_subjects(asks, log_id=log_id)
    made = [make_leaf(draft, turn, ports, now) for draft, turn in zip(drafts, turns, strict=True)]
    rows = [
        seal_leaf(
            draft, leaf, opening_key(ask.key_id, turn.kek_id, turn.wrapped, ports), ports, now
        )
        for draft, leaf, ask, turn in zip(drafts, made, asks, turns, strict=True)
    ]
    work.log.append(rows, log_id=log_id, now=now)
    return made


def subject_ask(subject: str, ports: Ports, now: int) -> SubjectAsk:
    """Prepare to raise a subject's counter, with a fresh key in case it has none this quarter."""
    return subject_asks([subject], ports, now)[0]


def subject_asks(subjects: Sequence[str], ports: Ports, now: int) -> list[SubjectAsk]:
    """Do what `subject_ask` does, for many subjects."""
    key_ids = [f"{subject or '-'}/{quarter(now)}" for subject in subjects]
    wrapped = ports.sealer.new_wrapped([_key_aad(key_id) for key_id in key_ids])
    kek_id = ports.sealer.kek_id
    return [
        SubjectAsk(subject, key_id, kek_id, key)
        for subject, key_id, key in zip(subjects, key_ids, wrapped, strict=True)
    ]


def opening_key(key_id: str, kek_id: str, wrapped: bytes, ports: Ports) -> DataKey:
    """Unwrap the opening key that stands for this subject and quarter.

    Raises:
        IntegrityError: the stored key is not what was wrapped for this place.
    """
    return ports.sealer.open_key(kek_id, wrapped, _key_aad(key_id))


def make_leaf(draft: LeafDraft, turn: SubjectTurn, ports: Ports, now: int) -> Leaf:
    """Make the leaf: two salted commitments, and the openings that only some may see.

    Raises:
        InternalError: the draft says less or more than the vocabulary lets its kind say.
    """
    subject_slot: dict[str, JsonValue] = {"kind": draft.kind, "t": now, **draft.subject_slot}
    if draft.member:
        subject_slot["member"] = draft.member
    if draft.subject:
        subject_slot |= {"subject": draft.subject, "subject_seq": turn.seq}
    check_payloads(draft.kind, subject_slot, draft.audit_slot)
    return new_leaf(subject_slot, draft.audit_slot, ports.random_bytes)


def seal_leaf(draft: LeafDraft, leaf: Leaf, key: DataKey, ports: Ports, now: int) -> LeafRow:
    """Lay a leaf out as it is stored, its openings sealed under the subject's key."""
    key_id = f"{draft.subject or '-'}/{quarter(now)}"
    aads = opening_aads(ports.origin(now), leaf.leaf_hash, key_id)
    sealed = [
        key.seal(pad_opening(opening.salt, opening.payload), aad)
        for opening, aad in zip((leaf.subject, leaf.audit), aads, strict=True)
    ]
    return LeafRow(
        leaf_hash=leaf.leaf_hash,
        entry=leaf.entry,
        key_id=key_id,
        subject_sealed=sealed[0],
        audit_sealed=sealed[1],
        kind=draft.kind,
        member=draft.member,
        subject=draft.subject,
        purpose=draft.purpose,
        outcome=draft.outcome,
        operator_mac=ports.keyring.search_mac(draft.operator) if draft.operator else b"",
        application_mac=ports.keyring.search_mac(draft.application) if draft.application else b"",
    )


@lru_cache(maxsize=64)  # asked several times for each leaf of a transaction
def quarter(now: int) -> str:
    """Name the calendar quarter (UTC) that opening keys are made for: `2026Q4`."""
    moment = datetime.fromtimestamp(now, UTC)
    return f"{moment.year}Q{(moment.month + 2) // 3}"


def standard_base64(value: bytes) -> str:
    """Write bytes as the log does: standard base64 with padding."""
    return base64.b64encode(value).decode()


def _key_aad(key_id: str) -> bytes:
    return KEY_AAD + key_id.encode()
