"""Show the request that a link opened: who asks, for what, how long. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass

from consent.artefact import Artefact
from consent.grants import GrantState
from consent.notices import Notice, parse_notice
from exchange.domain.members import Member
from exchange.errors import IntegrityError, LinkError
from exchange.services.borrower.ports import BorrowerPorts
from exchange.services.borrower.statements import PageSession
from exchange.services.grants.ports import StoredGrant
from exchange.services.grants.read_artefact import stored_artefact
from exchange.services.grants.show_grant import standing
from exchange.services.ports import Ports, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRequest:
    """One request as its borrower sees it."""

    stored: StoredGrant
    artefact: Artefact
    grantee: Member
    notice: Notice  # the registered text that the artefact names


def show_request(session: PageSession, borrower: BorrowerPorts) -> GrantRequest:
    """Return the request of this session.

    Raises:
        LinkError: it was answered, has ended, or a newer link took its place.
    """
    with borrower.ports.begin() as work:
        return request_of(session, work, borrower.ports)


def request_of(
    session: PageSession, work: Work, ports: Ports, *, lock: bool = False
) -> GrantRequest:
    """Find the request of a session that still waits for its answer.

    Args:
        lock: hold the grant's row, to answer it in this unit of work.

    Raises:
        LinkError: as `show_request`.
    """
    link = work.borrowers.find_link(session.opened_with)
    if link is None or session.grantee is None or session.grant_id is None:
        raise LinkError
    stored = work.grants.find(session.grantee, session.grant_id, lock=lock)
    if stored is None or standing(stored, ports.now()).state is not GrantState.REQUESTED:
        raise LinkError
    grantee = work.members.find(session.grantee)
    if grantee is None:
        raise IntegrityError("a grant's member is not enrolled")
    artefact = stored_artefact(stored.artefact)
    document = work.notices.document(artefact.notice.sha256)
    if document is None:
        raise IntegrityError("a grant's notice is not registered")
    return GrantRequest(
        stored=stored, artefact=artefact, grantee=grantee, notice=parse_notice(document)
    )
