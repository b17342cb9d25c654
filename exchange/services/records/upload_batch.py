"""Take one record file: judged row by row, stored whole or not at all.

In:  the exact bytes of the file, and who sent it.
Out: its signed receipt; the same id and bytes again give the first receipt and change nothing.
Order: frame, totals, quota; then in one transaction the member's upload lock, the claim of the id,
judgement, versions, leaf, receipt. What is refused for its rows stays as a REJECTED batch with
its faults and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from exchange.domain.batches import (
    BatchFile,
    BatchHeader,
    BatchLimits,
    Kind,
    Mode,
    NumberedRow,
    check_totals,
    parse_batch,
    read_rows,
)
from exchange.domain.ids import parse
from exchange.domain.queries import Asker
from exchange.domain.records import today_in
from exchange.domain.rows import RULES, RowFault, Submission, row_faults
from exchange.errors import (
    BatchConflict,
    Fault,
    FaultShare,
    InvalidBatch,
    QuotaError,
)
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import Ports, Work
from exchange.services.records.append_versions import append_versions
from exchange.services.records.batch_receipts import BatchTally, sign_batch_receipt, tally_of
from exchange.services.records.judge_rows import Frame, Verdict, judge_rows
from exchange.services.records.ports import BatchRow, Writing

_DAY_SECONDS = 86_400
_FAULTS_TOLD_MAX = 100  # in the problem document; all of them are in the fault file


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """A batch that was taken."""

    batch_id: UUID
    receipt: str  # compact JWS
    replayed: bool  # the same file was taken before


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upload:
    """One file on its way: what is fixed before its rows are judged."""

    batch_id: UUID
    file: BatchFile
    rows: Sequence[NumberedRow]
    whole_totals: bool
    caller: Asker
    now: int


def upload_batch(content: bytes, caller: Asker, ports: Ports) -> Uploaded:
    """Take a record file.

    Raises:
        TruncatedBatch: the file ends before its trailer.
        InvalidBatch: frame, control totals or the share of faulty rows refuse it.
        TooLarge: it has more rows than the limit.
        ClosedEpoch: the epoch named is not open.
        QuotaError: the member's uploads of this day are spent.
        BatchConflict: the batch id was used before for another file.
        UnavailableError: another upload of the member takes too long.
    """
    file = parse_batch(content, BatchLimits(rows_max=ports.terms.batch_rows_max))
    _check_header(file.header, caller, ports)
    rows = list(read_rows(file))
    now = ports.now()
    upload = _Upload(
        batch_id=parse("bat", file.header.batch_id, field="batch_id"),
        file=file,
        rows=rows,
        whole_totals=check_totals(file, rows),
        caller=caller,
        now=now,
    )
    _count_upload(caller.member, now, ports)
    with ports.begin() as work:
        work.records.lock_uploads(caller.member)
        if stored := work.records.find_batch(caller.member, upload.batch_id):
            return _replay(stored, upload, work)
        verdicts = judge_rows(rows, _frame(upload, work, ports), work, ports)
        faults = [fault for each in verdicts for fault in row_faults(each.line, each.flaws)]
        if _too_faulty(verdicts, upload, ports):
            refused = _batch_row(upload, verdicts, "REJECTED", None, "")
            work.records.add_batch(caller.member, refused, faults)
            work.commit()  # The faults stay for the member to fetch; no row does.
            raise _refusal(faults)
        receipt = _store(upload, verdicts, faults, work, ports)
        work.commit()  # The leaf is durable before the receipt leaves.
    return Uploaded(batch_id=upload.batch_id, receipt=receipt, replayed=False)


def _check_header(header: BatchHeader, caller: Asker, ports: Ports) -> None:
    if header.member != caller.member:
        raise InvalidBatch("must be the member that signs", field="member")
    if header.profile != ports.terms.profile.ref:
        raise InvalidBatch(f"must be {ports.terms.profile.ref}", field="profile")
    ports.keyring.index(header.epoch, b"")  # Refuses an epoch that is not open.


def _count_upload(member: str, now: int, ports: Ports) -> None:
    """Count the try, whatever becomes of it."""
    start = now - now % _DAY_SECONDS
    with ports.begin() as work:
        counted = work.members.count(
            member, "uploads", period=start, amount=1, limit=ports.terms.uploads_per_day
        )
        work.commit()
    if not counted:
        retry = start + _DAY_SECONDS - now
        raise QuotaError("the uploads of this day are spent", retry_after_seconds=retry)


def _replay(stored: BatchRow, upload: _Upload, work: Work) -> Uploaded:
    if stored.digest != upload.file.digest:
        raise BatchConflict("the batch id was used for another file", field="batch_id")
    if not stored.receipt:
        raise _refusal(work.records.faults(upload.caller.member, upload.batch_id))
    return Uploaded(batch_id=upload.batch_id, receipt=stored.receipt, replayed=True)


def _frame(upload: _Upload, work: Work, ports: Ports) -> Frame:
    header = upload.file.header
    member = work.members.find(upload.caller.member)
    zone = member.zone if member else ports.terms.profile.timezone
    return Frame(
        epoch=header.epoch,
        submission=Submission(
            member=upload.caller.member,
            today=today_in(zone, upload.now),
            submitted_at=upload.now,
            as_of_from=header.as_of_from,
            as_of_to=header.as_of_to,
            sequence=header.sequence,
            profile=ports.terms.profile,
        ),
    )


def _too_faulty(verdicts: Sequence[Verdict], upload: _Upload, ports: Ports) -> bool:
    refused = sum(each.refused for each in verdicts)
    if upload.file.header.mode is Mode.ALL_OR_NOTHING:
        return refused > 0
    return refused * 100 > len(verdicts) * ports.terms.fault_share_percent_max


def _refusal(faults: Sequence[RowFault]) -> FaultShare:
    told = tuple(
        Fault(f"/{fault.line - 1}/{fault.field}".rstrip("/"), fault.code, RULES[fault.code])
        for fault in faults[:_FAULTS_TOLD_MAX]
    )
    return FaultShare("nothing was stored; the fault file names every row", faults=told)


def _store(
    upload: _Upload,
    verdicts: Sequence[Verdict],
    faults: Sequence[RowFault],
    work: Work,
    ports: Ports,
) -> str:
    """Append the versions, write the leaf, and sign the receipt that names it."""
    header, member = upload.file.header, upload.caller.member
    absent = 0
    if header.kind is Kind.FULL:
        refs = [each.row.account_ref for each in verdicts if each.row]
        absent = work.records.count_absent(member, refs)
    tally = tally_of(verdicts, absent=absent, whole_totals=upload.whole_totals)
    leaf_hash = None
    if not header.dry_run:
        _append(upload, verdicts, work, ports)
        leaf_hash = _write_leaf(upload, tally, work, ports)
    receipt = sign_batch_receipt(upload.file, tally, leaf_hash, upload.now, ports)
    state = "DRY_RUN_DONE" if header.dry_run else "DONE"
    batch = _batch_row(upload, verdicts, state, leaf_hash, receipt)
    work.records.add_batch(member, batch, faults)
    return receipt


def _append(upload: _Upload, verdicts: Sequence[Verdict], work: Work, ports: Ports) -> None:
    header, member = upload.file.header, upload.caller.member
    writing = Writing(
        member=member,
        sequence=header.sequence,
        batch_id=upload.batch_id,
        submitted_at=upload.now,
    )
    append_versions([each.change for each in verdicts if each.change], writing, work, ports)
    # A file that repeats what is stored is still the latest word about it.
    if same := [each.row.account_ref for each in verdicts if each.row and each.unchanged]:
        work.records.confirm_accounts(member, same, header.sequence)


def _write_leaf(upload: _Upload, tally: BatchTally, work: Work, ports: Ports) -> bytes:
    file, caller = upload.file, upload.caller
    draft = LeafDraft(
        kind="batch",
        member=caller.member,
        subject_slot={"rows": len(file.lines), "root": standard_base64(file.rows_root())},
        audit_slot={
            "batch": file.header.batch_id,
            "request_sha256": standard_base64(file.digest),
            "key": f"{caller.member}/{caller.key}",
            "faults": tally.faulted,
        },
    )
    return write_leaves(work, [draft], ports, upload.now)[0].leaf_hash


def _batch_row(
    upload: _Upload,
    verdicts: Sequence[Verdict],
    state: str,
    leaf_hash: bytes | None,
    receipt: str,
) -> BatchRow:
    return BatchRow(
        batch_id=upload.batch_id,
        digest=upload.file.digest,
        sequence=upload.file.header.sequence,
        state=state,
        kind=upload.file.header.kind.value,
        rows=len(verdicts),
        faults=sum(each.refused for each in verdicts),
        received_at=upload.now,
        leaf_hash=leaf_hash,
        receipt=receipt,
    )
