"""Request a borrower's signature on a grant: `POST /v1/grant-requests`.

In:  the artefact as the member signed it, and the subject's token.
Out: the grant, REQUESTED, and the link that the member passes to the borrower.
The link's secret is 128 random bits in the URL's fragment, which browsers never send: no proxy and
no log sees it, and we keep its hash. It opens one session, within 72 hours; asking again gives a
new link and voids the one before. Source: consent.md, 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from consent.grants import REQUEST_SECONDS, GrantState
from exchange.crypto.page_tokens import LINK_BYTES, digest
from exchange.domain.base64url import b64url
from exchange.domain.queries import Asker
from exchange.errors import GrantConflict, GrantTransition
from exchange.services.borrower.ports import BorrowerPorts
from exchange.services.borrower.statements import GrantLink
from exchange.services.grants.enter_grant import Entry
from exchange.services.grants.request_grant import request_within
from exchange.services.grants.show_grant import Standing

REQUEST_PATH = "/borrower/request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A requested grant and the way to its borrower."""

    standing: Standing
    link: str  # URL with the secret in its fragment; shown to the member once
    expires_at: int  # unix seconds


def request_cosignature(entry: Entry, caller: Asker, borrower: BorrowerPorts) -> Requested:
    """Request a grant and make its link.

    Raises:
        InvalidGrant: the artefact is refused; the code names the step.
        GrantConflict: the id was used before for other bytes or another token.
        GrantTransition: the borrower has answered already, or the 72 hours are over.
    """
    try:
        return _request_once(entry, caller, borrower)
    except GrantConflict:
        # Somebody stored this id while we looked: what is stored now decides.
        return _request_once(entry, caller, borrower)


def _request_once(entry: Entry, caller: Asker, borrower: BorrowerPorts) -> Requested:
    ports = borrower.ports
    now, secret = ports.now(), ports.random_bytes(LINK_BYTES)
    with ports.begin() as work:
        standing = request_within(entry, caller, work, ports)
        if standing.state is not GrantState.REQUESTED:
            raise GrantTransition(f"a grant that is {standing.state} is not requested again")
        grant = standing.grant
        expires_at = min(grant.held.expires, grant.registered_at + REQUEST_SECONDS)
        link = GrantLink(caller.member, grant.grant_id, digest(secret), now, expires_at)
        work.borrowers.put_link(link)
        work.commit()
    address = f"{borrower.party.origin}{REQUEST_PATH}#{b64url(secret)}"
    return Requested(standing=standing, link=address, expires_at=expires_at)
