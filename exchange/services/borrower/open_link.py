"""Open a one-time link: its secret becomes the session of one request, once.

A link that was used, has ended or never was gets one and the same answer.
"""

from __future__ import annotations

from exchange.crypto.page_tokens import digest
from exchange.errors import LinkError
from exchange.services.borrower.ports import BorrowerPorts, Visitor
from exchange.services.borrower.statements import PageSession


def open_link(secret: bytes, visitor: Visitor, borrower: BorrowerPorts) -> None:
    """Open the session in which the borrower answers a request.

    Args:
        secret: 16 bytes, from the fragment of the link.
        visitor: a fresh session secret, and the browser it is for.

    Raises:
        LinkError: there is no such link, or it does not open any more.
    """
    ports = borrower.ports
    now = ports.now()
    with ports.begin() as work:
        link = work.borrowers.find_link(digest(secret))
        if link is None or now >= link.expires_at:
            raise LinkError
        fresh = work.borrowers.open_session(
            PageSession(
                session_sha256=digest(visitor.secret),
                opened_with=link.secret_sha256,
                agent_sha256=digest(visitor.agent.encode()),
                started_at=now,
                grantee=link.grantee,
                grant_id=link.grant_id,
            )
        )
        if not fresh:
            raise LinkError
        work.commit()
