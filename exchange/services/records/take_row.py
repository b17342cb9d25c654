"""Take one row, or one deletion, within an open unit of work: a batch of one.

In:  the row as it was read, who sent it, and the circumstances.
Out: what became of it, signed; the caller commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from consent.notices import NoticeKind
from exchange.domain.base64url import b64url
from exchange.domain.batches import ReadBlock
from exchange.domain.queries import Asker
from exchange.domain.records import today_in
from exchange.domain.rows import (
    LIVE_ACCOUNTS_MAX,
    RULES,
    AnyRow,
    Deletion,
    Flaw,
    Reason,
    Submission,
    tells_the_same,
)
from exchange.errors import DuplicateField, Fault, InvalidRecord
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import Ports, Work
from exchange.services.records.append_versions import append_versions
from exchange.services.records.judge_grants import judge_now
from exchange.services.records.judge_rows import Frame, judge_rows
from exchange.services.records.ports import Writing
from exchange.services.records.sign_receipt import sign_record_claims
from exchange.services.records.verdicts import Change

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
    alters: bool  # what is told of the account, its subject aside


def take_row(row: AnyRow, frame: Frame, sent: tuple[Asker, bytes], work: Work, ports: Ports) -> Put:
    """Judge, append, log and sign one row.

    Args:
        sent: who sent it, and SHA-256 of what was sent.

    Raises:
        InvalidRecord: a rule refuses it; the faults name all of them.
        UnavailableError: another upload of the member takes too long.
    """
    caller, digest = sent
    now = frame.submission.submitted_at
    work.records.lock_uploads(caller.member)
    verdict = next(judge_rows(ReadBlock(_LINE, [row]), frame, work, ports))
    if verdict.refused:
        raise refusal(verdict.flaws)
    leaf_hash, event = None, "unchanged"
    if verdict.change:
        event = _event(row)
        writing = Writing(member=caller.member, sequence=None, batch_id=None, submitted_at=now)
        append_versions([verdict.change], writing, work, ports)
        verdict.flaws.extend(_crowded(verdict.change, caller.member, work))
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
        alters=verdict.change is not None and _alters(verdict.change),
    )


def frame_of(epoch: str, caller: Asker, work: Work, ports: Ports) -> Frame:
    """Return the circumstances of a row that a member sends alone, now."""
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
        templates=templates(work, ports),
    )
    return Frame(epoch=epoch, submission=submission, judge_grants=judge_now)


def templates(work: Work, ports: Ports) -> dict[str, int | None]:
    """Return the registered notices that a first adverse row may name."""
    return work.notices.templates(NoticeKind.PRE_LISTING, ports.terms.profile.id)


def _alters(change: Change) -> bool:
    before = change.continues
    return before is None or not tells_the_same(change.payload, before.payload)


def _event(row: AnyRow) -> str:
    if isinstance(row, Deletion):
        return "deleted"
    return "amended" if row.reason is Reason.AMEND else "stored"


def _crowded(change: Change, member: str, work: Work) -> list[Flaw]:
    """Warn of an account that is opened for a subject with implausibly many."""
    opens = change.continues is None and change.payload.open
    many = opens and work.records.live_accounts(member, change.indices) > LIVE_ACCOUNTS_MAX
    return [Flaw("tokens", "plaus.token_on_many_accounts")] if many else []


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


def refusal(flaws: list[Flaw]) -> InvalidRecord | DuplicateField:
    """Return the error that names every flaw."""
    if any(flaw.code == "row.duplicate_field" for flaw in flaws):
        return DuplicateField("an object names a member twice")
    faults = tuple(
        Fault(f"/{flaw.field}" if flaw.field else "", flaw.code, RULES[flaw.code]) for flaw in flaws
    )
    return InvalidRecord("the row breaks a rule", faults=faults)
