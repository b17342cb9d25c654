"""Judge rows: by themselves, beside what is stored of their accounts, and by their grants.

In:  rows as they were read, and an open unit of work.
Out: one Verdict a row: its flaws, and what it changes if none of them refuses it.
Reads only the member's own accounts and grants: whether others hold records of a subject changes
nothing in what the member is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from consent.contributing import row_fault
from consent.grants import HeldGrant
from exchange.crypto.sealing import record_aad, unpad
from exchange.domain.batches import NumberedRow
from exchange.domain.queries import TokenKind
from exchange.domain.records import RecordPayload, Status, decode_payload
from exchange.domain.rows import (
    AnyRow,
    Deletion,
    Flaw,
    Reason,
    Row,
    StoredRecord,
    Submission,
    check_against_stored,
    check_deletion,
    check_row,
    deleted_payload,
    next_payload,
    rejects,
    row_digest,
    token_bytes,
)
from exchange.services.ports import Ports, Work
from exchange.services.records.ports import GrantAsk, SealedAccount
from exchange.services.retention.fraud_accounts import gone_for_fraud

FindGrants = Callable[[str, Sequence[GrantAsk]], Mapping[GrantAsk, HeldGrant]]


class Change(NamedTuple):
    """What an accepted row does: the next version of a record, or the first of a new one."""

    row: AnyRow
    epoch: str  # of the indices
    indices: tuple[bytes, ...]  # of the identity tokens, primary first
    grant_id: UUID | None
    continues: StoredRecord | None
    leaves: tuple[str, StoredRecord] | None  # the account that it stood under before, if another
    disputed: bool
    payload: RecordPayload


class Verdict(NamedTuple):
    """What became of one row: it is refused, changes something, repeats it, or comes too late."""

    line: int
    row: AnyRow | None  # None where its form could not be read
    flaws: list[Flaw]
    change: Change | None = None
    unchanged: StoredRecord | None = None  # what is stored says the same

    @property
    def refused(self) -> bool:
        """Tell whether the row is faulty."""
        return rejects(self.flaws)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What holds for every row of one judgement."""

    epoch: str
    submission: Submission
    find_grants: Callable[[Work], FindGrants]  # held until the end, or seen and held later


class _Prepared(NamedTuple):
    line: int
    row: AnyRow | None
    flaws: list[Flaw]
    indices: tuple[bytes, ...]
    grant_id: UUID | None


class _Known(NamedTuple):
    """What the store told, for all rows at once."""

    accounts: Mapping[str, tuple[StoredRecord, bool]]  # by account_ref; and whether disputed
    grants: Mapping[GrantAsk, HeldGrant]
    registered: set[UUID]  # grants of the member, for whatever subject
    faults: dict[int, str | None]  # by id of a grant that `grants` keeps: grants of one shape once


def judge_rows(
    rows: Sequence[NumberedRow], frame: Frame, work: Work, ports: Ports
) -> list[Verdict]:
    """Judge rows of one file that follow each other, or one row.

    Raises:
        ClosedEpoch: the epoch named is not open.
        IntegrityError: a stored version of an account does not open.
    """
    prepared = [_prepare(each, frame, ports) for each in rows]
    known = _ask_store(prepared, frame, work, ports)
    _refuse_gone(prepared, known, frame, work, ports)
    return [_judge(each, known, frame) for each in prepared]


def _prepare(numbered: NumberedRow, frame: Frame, ports: Ports) -> _Prepared:
    """Check a row by itself, and turn its tokens into what they are known by at rest."""
    row = numbered.row
    if isinstance(row, list):
        return _Prepared(numbered.line, None, row, (), None)
    if isinstance(row, Deletion):
        return _Prepared(numbered.line, row, [], (), None)
    indices = tuple(
        ports.keyring.index(frame.epoch, token_bytes(token.value))
        for token in row.tokens
        if token.kind is TokenKind.IDENTITY
    )
    grant_id = UUID(row.grant[4:]) if row.grant else None  # Its form was read already.
    flaws = check_row(row, frame.submission)
    return _Prepared(numbered.line, row, flaws, indices, grant_id)


def _refs(row: AnyRow) -> tuple[str, ...]:
    previous = None if isinstance(row, Deletion) else row.previous_ref
    return (row.account_ref, previous) if previous else (row.account_ref,)


def _ask_store(prepared: Sequence[_Prepared], frame: Frame, work: Work, ports: Ports) -> _Known:
    """Read what the good rows need, each kind in one statement."""
    member = frame.submission.member
    good = [each for each in prepared if each.row and not rejects(each.flaws)]
    asks = [
        GrantAsk(index, each.grant_id) for each in good if each.grant_id for index in each.indices
    ]
    # Grants are locked first: every transaction takes a subject's grant before anything else.
    grants = frame.find_grants(work)(member, asks) if asks else {}
    held = {ask.grant_id for ask in grants}
    missing = {ask.grant_id for ask in asks} - held
    refs = [ref for each in good if each.row for ref in _refs(each.row)]
    return _Known(
        accounts={
            found.account_ref: (_open(found, member, ports), found.disputed)
            for found in (work.records.accounts(member, refs) if refs else ())
        },
        grants=grants,
        registered=work.records.registered_grants(member, list(missing)) if missing else set(),
        faults={},
    )


def _refuse_gone(
    prepared: Sequence[_Prepared], known: _Known, frame: Frame, work: Work, ports: Ports
) -> None:
    """Refuse accounts that were deleted for fraud and whose records are purged since."""
    strange = {each.row.account_ref for each in prepared if each.row} - known.accounts.keys()
    gone = gone_for_fraud(frame.submission.member, strange, work, ports) if strange else set()
    for each in prepared if gone else ():
        if each.row and each.row.account_ref in gone:
            each.flaws.append(Flaw("account_ref", "row.after_fraud_delete"))


def _open(found: SealedAccount, member: str, ports: Ports) -> StoredRecord:
    aad = record_aad(found.record_id.bytes, found.version, member, found.epoch)
    key = ports.sealer.open_key(found.kek_id, found.wrapped, aad)
    return StoredRecord(
        record_id=found.record_id,
        version=found.version,
        sequence=found.sequence,
        epoch=found.epoch,
        subject=found.token_index,
        payload=decode_payload(unpad(key.open(found.sealed, aad))),
    )


def _judge(each: _Prepared, known: _Known, frame: Frame) -> Verdict:
    if each.row is None or rejects(each.flaws):
        return Verdict(each.line, each.row, each.flaws)
    if isinstance(each.row, Deletion):
        return _judge_deletion(each, each.row, known, frame)
    return _judge_row(each, each.row, known, frame)


def _judge_deletion(each: _Prepared, row: Deletion, known: _Known, frame: Frame) -> Verdict:
    stored, _ = known.accounts.get(row.account_ref, (None, False))
    flaws = check_deletion(row, stored, frame.submission)
    if flaws or stored is None:
        return Verdict(each.line, row, flaws)
    payload = deleted_payload(row, stored.payload)
    change = Change(row, stored.epoch, (stored.subject,), None, stored, None, False, payload)
    return Verdict(each.line, row, flaws, change)


def _judge_row(each: _Prepared, row: Row, known: _Known, frame: Frame) -> Verdict:
    flaws = each.flaws
    if fault := _grant_fault(each, known, frame.submission):
        flaws.append(Flaw("grant", fault))
    stored, disputed = known.accounts.get(row.account_ref, (None, False))
    if stored and not rejects(flaws) and _repeats(row, stored, frame):
        return Verdict(each.line, row, flaws, unchanged=stored)
    leaves = None
    if row.reason is Reason.RENUMBER:
        if stored is not None:
            flaws.append(Flaw("account_ref", "row.reason"))
        stored, disputed = known.accounts.get(row.previous_ref or "", (None, False))
        leaves = (row.previous_ref or "", stored) if stored else None
    flaws += check_against_stored(row, each.indices[0], frame.epoch, stored, frame.submission)
    if rejects(flaws) or _superseded(flaws):
        return Verdict(each.line, row, flaws)
    if stored and stored.payload.status is Status.DELETED_ERROR:
        leaves = (row.previous_ref or row.account_ref, stored)
        stored, disputed = None, False  # Told anew: another record.
    payload = next_payload(row, stored.payload if stored else None, frame.submission)
    change = Change(
        row, frame.epoch, each.indices, each.grant_id, stored, leaves, disputed, payload
    )
    return Verdict(each.line, row, flaws, change)


def _superseded(flaws: list[Flaw]) -> bool:
    return any(flaw.code == "row.superseded" for flaw in flaws)


def _repeats(row: Row, stored: StoredRecord, frame: Frame) -> bool:
    return stored.epoch == frame.epoch and stored.payload.digest == row_digest(row)


def _grant_fault(each: _Prepared, known: _Known, submission: Submission) -> str | None:
    """Return the fault of the grant that a row names; a basis of the profile needs none."""
    if each.grant_id is None:
        return None
    grants = (known.grants.get(GrantAsk(index, each.grant_id)) for index in each.indices)
    grant = next((grant for grant in grants if grant), None)
    if grant is None and each.grant_id in known.registered:
        return "row.grant_subject"
    if id(grant) not in known.faults:
        known.faults[id(grant)] = row_fault(
            grant,
            member=submission.member,
            profile=submission.profile,
            now=submission.submitted_at,
        )
    return known.faults[id(grant)]
