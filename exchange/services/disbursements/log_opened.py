"""Log the loans that records alone tell of: accounts that were opened, and no disbursement came.

In:  records, some days after they were first reported, so that a disbursement may still come.
Out: a `record` leaf an account, event `opened`: lend-first judges it as it judges a disbursement.
Passed over: what its member could not have asked about (opened before it was enrolled), and what
paid nobody out: debts taken over, draws of a line, claims on guarantors, deleted records. A loan
counts once, with its borrower. Source: records.md, 14; log.md, 14.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from exchange.crypto.sealing import record_aad, unpad
from exchange.domain.lend_first import OPENED_EVENT
from exchange.domain.log.kinds import Kind
from exchange.domain.records import (
    Product,
    RecordPayload,
    SubjectRole,
    Transfer,
    date_of,
    decode_payload,
)
from exchange.services.disbursements.ports import OpenedAccount
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.ports import Ports

WAIT_DAYS = 3  # for the disbursement
_DAY_MS = 86_400_000
_PAYS_NOBODY = frozenset({Product.LINE_DRAW, Product.GUARANTEE_CLAIM, Product.ASSIGNED_DEBT})


def log_opened(accounts_max: int, ports: Ports) -> tuple[int, bool]:
    """Look at up to so many accounts in one transaction, each once however often this runs.

    Returns:
        How many loans were logged, and whether there may be more accounts to look at.

    Raises:
        IntegrityError: a record does not open; nothing is logged.
        UnavailableError: the log of this year is not open yet.
    """
    now = ports.now()
    before = UUID(int=(ports.now_ms() - WAIT_DAYS * _DAY_MS) << 80)  # of an id made then
    with ports.begin() as work:
        accounts = work.disbursements.take_opened(before, accounts_max)
        macs = [ports.keyring.account_mac(one.member, one.account_ref) for one in accounts]
        known = work.disbursements.disbursed(macs)
        drafts = [
            draft
            for one, mac in zip(accounts, macs, strict=True)
            if mac not in known and not one.suppressed and (draft := _draft(one, ports))
        ]
        for several in _of_different_subjects(drafts):
            write_leaves(work, several, ports, now)
        work.commit()
    return len(drafts), len(accounts) == accounts_max


def _draft(account: OpenedAccount, ports: Ports) -> LeafDraft | None:
    """Draft the leaf of a loan, if the record tells of one that its member could have checked."""
    payload = _open(account, ports)
    paid_at = _end_of_day(payload.opened_on, ports.terms.profile.timezone)
    pays = payload.product not in _PAYS_NOBODY and payload.transfer is not Transfer.IN
    if not pays or payload.role is not SubjectRole.BORROWER or paid_at < account.enrolled_at:
        return None
    return LeafDraft(
        kind=Kind.RECORD.value,
        member=account.member,
        subject=ports.keyring.pseudonym(account.token_index),
        subject_slot={"event": OPENED_EVENT},
        audit_slot={"account": account.account_ref, "paid_at": paid_at},
    )


def _open(account: OpenedAccount, ports: Ports) -> RecordPayload:
    aad = record_aad(account.record_id.bytes, account.version, account.member, account.epoch)
    key = ports.sealer.open_key(account.kek_id, account.wrapped, aad)
    return decode_payload(unpad(key.open(account.sealed, aad)))


def _end_of_day(day: int, zone: str) -> int:
    """Return the last second of a day (counted from 1970-01-01), in unix seconds."""
    return int(datetime.combine(date_of(day), time(23, 59, 59), ZoneInfo(zone)).timestamp())


def _of_different_subjects(drafts: Sequence[LeafDraft]) -> Iterator[list[LeafDraft]]:
    """Yield all drafts, no two of a group about one subject: each takes the subject's next turn."""
    waiting = list(drafts)
    while waiting:
        firsts = {draft.subject: draft for draft in reversed(waiting)}
        yield list(firsts.values())
        waiting = [draft for draft in waiting if firsts[draft.subject] is not draft]
