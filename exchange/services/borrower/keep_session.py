"""Keep a person's session on the pages: open it, come back to it, end it.

A session is 256 random bits in a cookie, stored hashed, bound to the browser it was opened in. It
is never taken over: whoever signs in or signs gets a new one, so a planted cookie gains nothing.
"""

from __future__ import annotations

from exchange.crypto.page_tokens import digest
from exchange.errors import SessionError
from exchange.services.borrower.ports import BorrowerPorts, Visitor
from exchange.services.borrower.statements import PageSession
from exchange.services.ports import Work


def resume_session(visitor: Visitor, borrower: BorrowerPorts) -> PageSession:
    """Return the session of whoever holds this secret in this browser.

    Raises:
        SessionError: none is open, or it was idle for too long.
    """
    ports = borrower.ports
    with ports.begin() as work:
        session = work.borrowers.resume_session(
            digest(visitor.secret), digest(visitor.agent.encode()), borrower.terms, ports.now()
        )
        work.commit()
    if session is None:
        raise SessionError("open the link or sign in anew")
    return session


def end_session(session: PageSession, borrower: BorrowerPorts) -> None:
    """End a session here and now, whoever still holds its cookie."""
    with borrower.ports.begin() as work:
        work.borrowers.end_session(session.session_sha256, borrower.ports.now())
        work.commit()


def open_session(
    visitor: Visitor, opened_with: bytes, work: Work, now: int, *, credential_id: bytes
) -> bool:
    """Open the session of a passkey; say whether the challenge behind it was still unused."""
    return work.borrowers.open_session(
        PageSession(
            session_sha256=digest(visitor.secret),
            opened_with=opened_with,
            agent_sha256=digest(visitor.agent.encode()),
            started_at=now,
            credential_id=credential_id,
        )
    )
