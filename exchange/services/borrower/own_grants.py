"""A borrower's own grants: list them, show one with its history, end one.

Whose grant it is follows from the subject's token and the key's reach; any other is absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from consent.artefact import Artefact
from consent.grants import Actor, GrantEvent
from exchange.domain.members import Member
from exchange.errors import AbsentError, IntegrityError, SessionError
from exchange.services.borrower.answer_request import key_name
from exchange.services.borrower.export_grant import grant_facts, receipt_of
from exchange.services.borrower.own_file import OwnFile, own_file
from exchange.services.borrower.ports import BorrowerPorts
from exchange.services.borrower.statements import OwnGrant, PageSession, Voucher
from exchange.services.grants.change_grant import change_within
from exchange.services.grants.ports import GrantEventRow
from exchange.services.grants.read_artefact import stored_artefact
from exchange.services.grants.show_grant import Standing, standing
from exchange.services.grants.write_events import Change
from exchange.services.ports import Ports, Work

ROWS_MAX = 200
OWN_PAGE = "page"  # the coded reason: the borrower did it, and nothing more is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownGrant:
    """One grant as its subject sees it."""

    standing: Standing
    artefact: Artefact
    grantee: Member
    events: tuple[GrantEventRow, ...] = ()

    @property
    def may_end(self) -> bool:
        """Tell whether the subject may end it now: a consent that is in force or paused."""
        return self.artefact.withdrawal is not None and self.standing.state in {"ACTIVE", "PAUSED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherKey:
    """Another live key of the same subject: its owner is told of this one as well."""

    voucher: Member | None  # None: the operator's proofing
    vouched_at: int  # unix seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """A subject's grants as far as the key reaches, and the other keys."""

    grants: tuple[ShownGrant, ...]
    others: tuple[OtherKey, ...]
    vouchers: tuple[Member, ...]
    whole: bool


def list_grants(session: PageSession, borrower: BorrowerPorts) -> Permissions:
    """Return the grants that the session's passkey reaches.

    Raises:
        SessionError: the session is of no passkey.
    """
    ports = borrower.ports
    with ports.begin() as work:
        file = own_file(session, work, ports)
        found = work.files.grants(file.opened, rows_max=ROWS_MAX)
        indices = [reach.token_index for reach in file.reaches]
        others = work.borrowers.other_keys(file.credential_id, indices)
        names = sorted({name for reach in file.reaches for name in reach.vouchers if name})
        return Permissions(
            grants=tuple(_shown(one, work, ports) for one in found),
            others=tuple(_other(one, work) for one in others),
            vouchers=tuple(_member(name, work) for name in names),
            whole=file.whole,
        )


def show_own_grant(session: PageSession, grant_id: UUID, borrower: BorrowerPorts) -> ShownGrant:
    """Return one grant with its history.

    Raises:
        AbsentError: there is none, or it is out of the key's reach.
    """
    ports = borrower.ports
    with ports.begin() as work:
        own = _find(own_file(session, work, ports), grant_id, work)
        return _shown(own, work, ports, events=work.grants.events(own.grantee, grant_id))


def own_receipt(session: PageSession, grant_id: UUID, borrower: BorrowerPorts) -> str:
    """Return the signed receipt of one grant.

    Raises:
        AbsentError: there is none, or it is out of the key's reach.
    """
    ports = borrower.ports
    with ports.begin() as work:
        own = _find(own_file(session, work, ports), grant_id, work)
        return receipt_of(grant_facts(own.grantee, grant_id, work, ports), ports)


def withdraw_grant(session: PageSession, grant_id: UUID, borrower: BorrowerPorts) -> None:
    """End a grant for its subject: the very next query is refused. No reason is asked.

    Raises:
        AbsentError: there is none, or it is out of the key's reach.
        GrantTransition: it is over already, or rests on another basis than consent.
    """
    ports = borrower.ports
    with ports.begin() as work:
        own = _find(own_file(session, work, ports), grant_id, work)
        change = Change(
            event=GrantEvent.WITHDRAW,
            actor=Actor.SUBJECT,
            acted_at=ports.now(),
            by=_key_of(session, work),
            reason=OWN_PAGE,
        )
        change_within(own.grantee, grant_id, change, work, ports)
        work.commit()


def _find(file: OwnFile, grant_id: UUID, work: Work) -> OwnGrant:
    own = work.files.find_grant(file.opened, grant_id)
    if own is None:
        raise AbsentError
    return own


def _key_of(session: PageSession, work: Work) -> str:
    passkey = work.borrowers.find_passkey(session.credential_id or b"")
    if passkey is None or not passkey.live:
        raise SessionError("the passkey of this session has ended")
    return key_name(passkey)


def _shown(
    own: OwnGrant, work: Work, ports: Ports, *, events: list[GrantEventRow] | None = None
) -> ShownGrant:
    stored = work.grants.find(own.grantee, own.grant_id)
    if stored is None:
        raise IntegrityError("a grant has a row and no artefact")
    return ShownGrant(
        standing=standing(stored, ports.now()),
        artefact=stored_artefact(stored.artefact),
        grantee=_member(own.grantee, work),
        events=tuple(events or ()),
    )


def _other(voucher: Voucher, work: Work) -> OtherKey:
    return OtherKey(
        voucher=_member(voucher.voucher, work) if voucher.voucher else None,
        vouched_at=voucher.vouched_at,
    )


def _member(name: str, work: Work) -> Member:
    member = work.members.find(name)
    if member is None:
        raise IntegrityError("a member that acted is not enrolled")
    return member
