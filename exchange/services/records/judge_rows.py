"""Judge rows: by themselves, beside what is stored of their accounts, and by their grants.

In:  rows as they were read, and an open unit of work.
Out: one Verdict a row: its flaws, and what it changes if none of them refuses it.
Reads only the member's own accounts and grants: whether others hold records of a subject changes
nothing in what the member is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from msgspec import Struct

from exchange.crypto.sealing import record_aad, unpad
from exchange.domain.batches import ReadBlock
from exchange.domain.queries import TokenKind
from exchange.domain.records import RecordPayload, Status, decode_payload
from exchange.domain.rows import (
    AnyRow,
    Deletion,
    Flaw,
    Reason,
    Row,
    Stated,
    StoredRecord,
    Submission,
    check_against_stored,
    check_deletion,
    check_opening,
    check_row,
    deleted_payload,
    first_payload,
    is_sound,
    next_payload,
    rejects,
    row_digest,
    token_bytes,
)
from exchange.services.ports import Ports, Work
from exchange.services.records.judge_grants import JudgeGrants
from exchange.services.records.judge_transfers import (
    NIL,
    KnownTransfers,
    find_transfers,
    judge_transfer,
    speaks_of_transfer,
)
from exchange.services.records.ports import NamedGrant, SealedAccount, TransferMove
from exchange.services.records.verdicts import Change, Verdict
from exchange.services.retention.fraud_accounts import gone_for_fraud

_IDENTITY = TokenKind.IDENTITY
_UNKNOWN_ACCOUNT = (None, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What holds for every row of one judgement."""

    epoch: str
    submission: Submission
    judge_grants: JudgeGrants  # now, or all of a file's together when they are held


class _Prepared(Struct, frozen=True, gc=False):
    line: int
    row: AnyRow | None
    flaws: list[Flaw]
    indices: tuple[bytes, ...]
    grant_id: bytes | None
    plain: Row | None = None  # the row, if it is plain and sound


class _Known(NamedTuple):
    """What the store told, for all rows at once."""

    accounts: Mapping[str, tuple[StoredRecord, bool]]  # by account_ref; and whether disputed
    grant_faults: Mapping[int, str]  # by line; a line that is not there has none
    transfers: KnownTransfers


def judge_rows(block: ReadBlock, frame: Frame, work: Work, ports: Ports) -> Iterator[Verdict]:
    """Judge rows of one file that follow each other, or one row.

    The store is asked at once for all of them. Each is judged as it is taken, and asks no more.

    Raises:
        ClosedEpoch: the epoch named is not open.
        IntegrityError: a stored version of an account does not open.
    """
    prepared = _prepare(block, frame, ports)
    known = _ask_store(prepared, frame, work, ports)
    _refuse_gone(prepared, known, frame, work, ports)
    return (_judge(each, known, frame) for each in prepared)


def _prepare(block: ReadBlock, frame: Frame, ports: Ports) -> list[_Prepared]:
    """Check each row by itself, and turn its tokens into what they are known by at rest."""
    identities = [
        token.value
        for row in block.rows
        if isinstance(row, Row)
        for token in row.tokens
        if token.kind is _IDENTITY
    ]
    # A deletion that is sent alone has no token, and no epoch either.
    tokens = token_bytes(identities)
    indices = iter(ports.keyring.index_each(frame.epoch, tokens) if tokens else ())
    numbered = enumerate(block.rows, block.first)
    return [_prepared(line, row, frame.submission, indices) for line, row in numbered]


def _prepared(
    line: int, row: AnyRow | list[Flaw], submission: Submission, indices: Iterator[bytes]
) -> _Prepared:
    if isinstance(row, Row):
        grant_id = bytes.fromhex(row.grant[4:]) if row.grant else None  # Its form was read already.
        if is_sound(row, submission):  # It has one token.
            return _Prepared(line, row, [], (next(indices),), grant_id, row)
        own = tuple(islice(indices, sum([token.kind is _IDENTITY for token in row.tokens])))
        return _Prepared(line, row, check_row(row, submission), own, grant_id)
    if isinstance(row, Deletion):
        return _Prepared(line, row, [], (), None)
    return _Prepared(line, None, row, (), None)


def _refs(row: AnyRow) -> tuple[str, ...]:
    previous = None if isinstance(row, Deletion) else row.previous_ref
    return (row.account_ref, previous) if previous else (row.account_ref,)


def _ask_store(prepared: Sequence[_Prepared], frame: Frame, work: Work, ports: Ports) -> _Known:
    """Read what the good rows need, each kind in one statement."""
    member = frame.submission.member
    good = [each for each in prepared if each.row and not (each.flaws and rejects(each.flaws))]
    # Grants are locked first: every transaction takes a subject's grant before anything else.
    named = (NamedGrant(one.line, one.grant_id, one.indices) for one in good if one.grant_id)
    grant_faults = frame.judge_grants(named, frame.submission, work)
    refs = [ref for each in good if each.row for ref in _refs(each.row)]
    accounts = {
        found.account_ref: (_open(found, member, ports), found.disputed)
        for found in (work.records.accounts(member, refs) if refs else ())
    }
    told = [
        (each.row, accounts.get(each.row.account_ref, _UNKNOWN_ACCOUNT)[0])
        for each in good
        if isinstance(each.row, Row) and speaks_of_transfer(each.row)
    ]
    return _Known(accounts, grant_faults, find_transfers(told, work, ports))


def _refuse_gone(
    prepared: Sequence[_Prepared], known: _Known, frame: Frame, work: Work, ports: Ports
) -> None:
    """Refuse accounts that were deleted for fraud and whose records are purged since."""
    strange = (
        each.row.account_ref
        for each in prepared
        if each.row and each.row.account_ref not in known.accounts
    )
    gone = gone_for_fraud(frame.submission.member, strange, work, ports)
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
    row = each.row
    if (plain := each.plain) and plain.account_ref not in known.accounts and not each.flaws:
        return _judge_opening(each, plain, known, frame)
    if row is None or (each.flaws and rejects(each.flaws)):
        return Verdict(each.line, row, each.flaws)
    if isinstance(row, Deletion):
        return _judge_deletion(each, row, known, frame)
    return _judge_row(each, row, known, frame)


def _judge_opening(each: _Prepared, row: Row, known: _Known, frame: Frame) -> Verdict:
    """Judge a plain row of an account that nobody has spoken of: what `_judge_row` would say."""
    flaws = check_opening(row, frame.submission)
    if fault := known.grant_faults.get(each.line):
        flaws.insert(0, Flaw("grant", fault))
    if flaws and rejects(flaws):
        return Verdict(each.line, row, flaws, None, None, each.indices, each.grant_id)
    payload = first_payload(row, frame.submission)
    change = Change(row, frame.epoch, each.indices, each.grant_id, None, None, False, payload)
    return Verdict(each.line, row, flaws, change)


def _judge_deletion(each: _Prepared, row: Deletion, known: _Known, frame: Frame) -> Verdict:
    stored, _ = known.accounts.get(row.account_ref, _UNKNOWN_ACCOUNT)
    flaws = check_deletion(row, stored, frame.submission)
    if flaws or stored is None:
        return Verdict(each.line, row, flaws)
    payload = deleted_payload(row, stored.payload)
    change = Change(row, stored.epoch, (stored.subject,), None, stored, None, False, payload)
    return Verdict(each.line, row, flaws, change)


def _judge_row(each: _Prepared, row: Row, known: _Known, frame: Frame) -> Verdict:
    flaws = each.flaws
    if fault := known.grant_faults.get(each.line):
        flaws.append(Flaw("grant", fault))
    stored, disputed = known.accounts.get(row.account_ref, _UNKNOWN_ACCOUNT)
    if stored and not rejects(flaws) and _repeats(row, stored, frame):
        return Verdict(each.line, row, flaws, None, stored, each.indices, each.grant_id)
    leaves = None
    if row.reason is Reason.RENUMBER:
        if stored is not None:
            flaws.append(Flaw("account_ref", "row.reason"))
        stored, disputed = known.accounts.get(row.previous_ref or "", (None, False))
        leaves = (row.previous_ref or "", stored) if stored else None
    flaws += check_against_stored(row, each.indices[0], frame.epoch, stored, frame.submission)
    if flaws and (rejects(flaws) or _superseded(flaws)):
        return Verdict(each.line, row, flaws, None, None, each.indices, each.grant_id)
    if stored and stored.payload.status is Status.DELETED_ERROR:
        leaves = (row.previous_ref or row.account_ref, stored)
        stored, disputed = None, False  # Told anew: another record.
    payload = next_payload(row, stored.payload if stored else None, frame.submission)
    moves, differing = _sides(each, row, stored, payload, (known, frame))
    if differing:
        refused = [*flaws, *differing]
        return Verdict(each.line, row, refused, None, None, each.indices, each.grant_id)
    change = Change(
        row, frame.epoch, each.indices, each.grant_id, stored, leaves, disputed, payload, moves
    )
    return Verdict(each.line, row, flaws, change)


def _sides(
    each: _Prepared,
    row: Row,
    stored: StoredRecord | None,
    payload: RecordPayload,
    beside: tuple[_Known, Frame],
) -> tuple[tuple[TransferMove, ...], list[Flaw]]:
    """Hold a row that speaks of a sale against the other side of it."""
    if not speaks_of_transfer(row):
        return (), []
    known, frame = beside
    own = Stated(
        record_id=stored.record_id if stored else NIL,
        member=frame.submission.member,
        epoch=frame.epoch,
        indices=frozenset(each.indices),
        payload=payload,
    )
    return judge_transfer(row, own, stored.payload if stored else None, known.transfers)


def _superseded(flaws: list[Flaw]) -> bool:
    return any(flaw.code == "row.superseded" for flaw in flaws)


def _repeats(row: Row, stored: StoredRecord, frame: Frame) -> bool:
    return stored.epoch == frame.epoch and stored.payload.digest == row_digest(row)
