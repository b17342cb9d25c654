"""Attend to borrowers' passkeys: confirm whose one is, end one that is lost, forget old sessions.

The operator's proofing of a person is a procedure outside this program, documented in the runbook
and replaceable; its result enters here. Each act is an `admin` leaf with the names behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from exchange.domain.borrowers.reach import OPERATOR
from exchange.domain.leaves import JsonValue
from exchange.domain.log.kinds import Kind
from exchange.errors import AbsentError
from exchange.services.borrower.statements import NewVoucher
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.ports import Ports, Work


def confirm_person(grantee: str, grant_id: UUID, approvers: Sequence[str], ports: Ports) -> None:
    """Say that the key which signed a grant is its subject's: it opens the whole file from now on.

    Args:
        approvers: those who saw the person's documents; two, and by name.

    Raises:
        AbsentError: no key signed such a grant.
    """
    now = ports.now()
    with ports.begin() as work:
        credential_id = _signer(grantee, grant_id, work)
        stored = work.grants.find(grantee, grant_id)
        if stored is None:
            raise AbsentError
        work.borrowers.vouch(
            NewVoucher(
                credential_id=credential_id,
                token_index=stored.token_index,
                epoch=stored.epoch,
                voucher=OPERATOR,
                grant_id=None,
                vouched_at=now,
            )
        )
        _log("person_confirmed", grantee, approvers, work, ports)
        work.commit()


def end_key(grantee: str, grant_id: UUID, approvers: Sequence[str], ports: Ports) -> None:
    """End the key that signed a grant, and its sessions: its owner reported it lost.

    Raises:
        AbsentError: no key signed such a grant.
    """
    with ports.begin() as work:
        work.borrowers.end_passkey(_signer(grantee, grant_id, work), ports.now())
        _log("passkey_ended", grantee, approvers, work, ports)
        work.commit()


def forget_sessions(keep_seconds: int, ports: Ports) -> int:
    """Delete sessions of the pages that began so long ago that none can be open; say how many."""
    with ports.begin() as work:
        gone = work.borrowers.forget_sessions(ports.now() - keep_seconds)
        work.commit()
    return gone


def _signer(grantee: str, grant_id: UUID, work: Work) -> bytes:
    credential_id = work.borrowers.find_signer(grantee, grant_id)
    if credential_id is None:
        raise AbsentError
    return credential_id


def _log(event: str, member: str, approvers: Sequence[str], work: Work, ports: Ports) -> None:
    names: list[JsonValue] = list(approvers)
    draft = LeafDraft(
        kind=Kind.ADMIN,
        member=member,
        subject_slot={"event": event},
        audit_slot={"approvers": names},
    )
    write_leaves(work, [draft], ports, ports.now())
