"""Take one record alone: a batch of one, by the same rules.

In:  the row as it was read, or a deletion, and who sent it.
Out: what became of it, signed. A row that says what is stored changes nothing and leaves no leaf.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from exchange.domain.base64url import b64url
from exchange.domain.batches import NumberedRow
from exchange.domain.queries import Asker
from exchange.domain.records import today_in
from exchange.domain.rows import (
    RULES,
    AnyRow,
    DeleteReason,
    Deletion,
    Flaw,
    Reason,
    Submission,
    as_row,
    read_submitted,
)
from exchange.errors import (
    AbsentError,
    DuplicateField,
    Fault,
    InvalidField,
    InvalidRecord,
)
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import Ports, Work
from exchange.services.records.append_versions import append_versions
from exchange.services.records.batch_receipts import sign_record_claims
from exchange.services.records.judge_rows import Change, Frame, judge_rows
from exchange.services.records.ports import Writing

# A record sent alone is the latest word, whatever file came before; it leaves the account's own
# sequence as it is.
_LATEST = 2**53
_LINE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """What became of one record."""

    event: str  # stored, amended, deleted or unchanged
    leaf: str | None  # base64url
    receipt: str  # compact JWS
    warnings: tuple[Flaw, ...]


def put_record(account_ref: str, body: bytes, caller: Asker, ports: Ports) -> Put:
    """Take one row.

    Raises:
        FormError: it is not one JSON object.
        InvalidField: it speaks of another account, or of another profile.
        InvalidRecord: a rule refuses it; the faults name all of them.
        ClosedEpoch: the epoch named is not open.
        UnavailableError: another upload of the member takes too long.
    """
    row = read_submitted(body)
    if isinstance(row, list):
        raise _refusal(row)
    if row.account_ref != account_ref:
        raise InvalidField("must be the account of the path", field="account_ref")
    if row.profile != ports.terms.profile.ref:
        raise InvalidField(f"must be {ports.terms.profile.ref}", field="profile")
    ports.keyring.index(row.epoch, b"")  # Refuses an epoch that is not open.
    digest = hashlib.sha256(body).digest()
    with ports.begin() as work:
        frame = _frame(row.epoch, caller, work, ports)
        put = _take(as_row(row), frame, (caller, digest), work, ports)
        work.commit()
    return put


def delete_record(account_ref: str, reason: DeleteReason, caller: Asker, ports: Ports) -> Put:
    """Withdraw everything said about one account, as of today.

    Raises:
        AbsentError: the member has no such account, or it is deleted already.
        UnavailableError: another upload of the member takes too long.
    """
    digest = hashlib.sha256(f"{account_ref}\n{reason}".encode()).digest()
    with ports.begin() as work:
        frame = _frame("", caller, work, ports)  # A deletion carries no token.
        row = Deletion(account_ref=account_ref, reason=reason, as_of=frame.submission.today)
        try:
            put = _take(row, frame, (caller, digest), work, ports)
        except InvalidRecord as error:
            raise AbsentError("no such account, or it is deleted", field="account_ref") from error
        work.commit()
    return put


def _take(row: AnyRow, frame: Frame, sent: tuple[Asker, bytes], work: Work, ports: Ports) -> Put:
    """Judge, append, log and sign one row.

    Args:
        sent: who sent it, and SHA-256 of what was sent.
    """
    caller, digest = sent
    now = frame.submission.submitted_at
    work.records.lock_uploads(caller.member)
    verdict = judge_rows([NumberedRow(_LINE, row)], frame, work, ports)[0]
    if verdict.refused:
        raise _refusal(verdict.flaws)
    leaf_hash, event = None, "unchanged"
    if verdict.change:
        event = _event(row)
        writing = Writing(member=caller.member, sequence=None, batch_id=None, submitted_at=now)
        append_versions([verdict.change], writing, work, ports)
        draft = _draft(verdict.change, event, caller, digest, ports)
        leaf_hash = write_leaves(work, [draft], ports, now)[0].leaf_hash
    claims = {
        "account": row.account_ref,
        "digest": b64url(digest),
        "event": event,
        "warnings": [flaw.code for flaw in verdict.flaws],
    }
    return Put(
        event=event,
        leaf=None if leaf_hash is None else b64url(leaf_hash),
        receipt=sign_record_claims(claims, caller.member, leaf_hash, now, ports),
        warnings=tuple(verdict.flaws),
    )


def _frame(epoch: str, caller: Asker, work: Work, ports: Ports) -> Frame:
    now = ports.now()
    member = work.members.find(caller.member)
    today = today_in(member.zone if member else ports.terms.profile.timezone, now)
    submission = Submission(
        member=caller.member,
        today=today,
        submitted_at=now,
        as_of_from=date.min,
        as_of_to=today,
        sequence=_LATEST,
        profile=ports.terms.profile,
    )
    return Frame(epoch=epoch, submission=submission)


def _event(row: AnyRow) -> str:
    if isinstance(row, Deletion):
        return "deleted"
    return "amended" if row.reason is Reason.AMEND else "stored"


def _draft(change: Change, event: str, caller: Asker, digest: bytes, ports: Ports) -> LeafDraft:
    return LeafDraft(
        kind="record",
        member=caller.member,
        subject=ports.keyring.pseudonym(change.indices[0]),
        subject_slot={"event": event},
        audit_slot={
            "account": change.row.account_ref,
            "request_sha256": standard_base64(digest),
            "key": f"{caller.member}/{caller.key}",
        },
    )


def _refusal(flaws: list[Flaw]) -> InvalidRecord | DuplicateField:
    if any(flaw.code == "row.duplicate_field" for flaw in flaws):
        return DuplicateField("an object names a member twice")
    faults = tuple(
        Fault(f"/{flaw.field}" if flaw.field else "", flaw.code, RULES[flaw.code]) for flaw in flaws
    )
    return InvalidRecord("the row breaks a rule", faults=faults)
