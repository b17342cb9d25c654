"""Take a member's word that a loan was paid out, and tie it to the look that came before.

In:  the account, the subject's token, when it was paid, and the query it went by, if there was one.
Out: a leaf and a signed receipt. A loan without a query is taken as well: that nobody asked is what
     the regulator wants to see, and a refusal would hide it.
Order: replay, query, leaf, row; one transaction. Source: log.md, 3 and 14.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from exchange.domain.base64url import b64url
from exchange.domain.ids import show
from exchange.domain.leaves import JsonValue
from exchange.domain.log.kinds import Kind
from exchange.domain.queries import Asker
from exchange.errors import DisbursementConflict, InvalidField
from exchange.services.disbursements.ports import DisbursementRow, StoredDisbursement
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import Ports, Work
from exchange.services.records.sign_receipt import sign_record_claims

AHEAD_SECONDS_MAX = 60  # that a member's clock may be ahead of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Disbursement:
    """One loan that was paid out."""

    disbursement_id: UUID
    epoch: str
    token: bytes  # 64 bytes, of the borrower
    account_ref: str
    paid_at: int  # unix seconds
    query_id: UUID | None
    digest: bytes  # SHA-256 of the body that said so


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What became of it."""

    receipt: str  # compact JWS, typ cx-batch+jwt
    replayed: bool


def report_disbursement(told: Disbursement, caller: Asker, ports: Ports) -> Reported:
    """Log one disbursement.

    Raises:
        DisbursementConflict: the id was used before for another one.
        InvalidField: it was paid in the future, or the query is none of this member and subject.
        ClosedEpoch: the epoch named is not open.
    """
    now = ports.now()
    if told.paid_at > now + AHEAD_SECONDS_MAX:
        raise InvalidField("must not lie in the future", field="paid_at")
    subject = ports.keyring.pseudonym(ports.keyring.index(told.epoch, told.token))
    with ports.begin() as work:
        if stored := work.disbursements.find(caller.member, told.disbursement_id):
            return _replay(stored, told)
        _check_query(told, subject, caller, work)
        draft = _draft(told, subject, caller)
        leaf_hash = write_leaves(work, [draft], ports, now)[0].leaf_hash
        receipt = _sign(told, caller, leaf_hash, ports, now)
        account = ports.keyring.account_mac(caller.member, told.account_ref)
        row = DisbursementRow(told.disbursement_id, account, told.digest, leaf_hash, now, receipt)
        if work.disbursements.add(caller.member, row):
            work.commit()  # The leaf is durable before the receipt leaves.
            return Reported(receipt=receipt, replayed=False)
    with ports.begin() as work:  # Somebody stored this id meanwhile; what we wrote is undone.
        stored = work.disbursements.find(caller.member, told.disbursement_id)
    if stored is None:
        raise DisbursementConflict("the id is being used", field="disbursement_id")
    return _replay(stored, told)


def _replay(stored: StoredDisbursement, told: Disbursement) -> Reported:
    if stored.digest != told.digest:
        raise DisbursementConflict("the id was used for another one", field="disbursement_id")
    return Reported(receipt=stored.receipt, replayed=True)


def _check_query(told: Disbursement, subject: str, caller: Asker, work: Work) -> None:
    if told.query_id is None:
        return
    stored = work.queries.stored_answer(caller.member, told.query_id)
    if stored is None or stored.key_id.partition("/")[0] != subject:
        raise InvalidField("must be a query of this member about this subject", field="query_id")


def _draft(told: Disbursement, subject: str, caller: Asker) -> LeafDraft:
    audit: dict[str, JsonValue] = {
        "disbursement": show("dsb", told.disbursement_id),
        "account": told.account_ref,
        "paid_at": told.paid_at,
        "request_sha256": standard_base64(told.digest),
        "key": f"{caller.member}/{caller.key}",
    }
    if told.query_id is not None:
        audit["query"] = show("qry", told.query_id)
    return LeafDraft(
        kind=Kind.DISBURSEMENT.value, member=caller.member, subject=subject, audit_slot=audit
    )


def _sign(told: Disbursement, caller: Asker, leaf_hash: bytes, ports: Ports, now: int) -> str:
    claims: dict[str, object] = {
        "disbursement": show("dsb", told.disbursement_id),
        "account": told.account_ref,
        "digest": b64url(told.digest),
        "event": "disbursed",
        "warnings": [],
    }
    return sign_record_claims(claims, caller.member, leaf_hash, now, ports)
