"""Sign a person in to the console, and know them again at each click.

As for borrowers: an unknown key, a wrong signature and a replay are refused alike, and after some
wrong tries an address must wait until the hour is over. What the person may do is read anew with
each click: a seat that was retired, or a member that was suspended, opens nothing at once.
"""

from __future__ import annotations

from exchange.crypto.page_tokens import check_start, digest, sign_in_challenge
from exchange.crypto.passkeys import verify_assertion
from exchange.domain.borrowers.passkeys import Assertion
from exchange.errors import PasskeyRefused, SessionError
from exchange.services.borrower.keep_session import open_session
from exchange.services.borrower.ports import BorrowerPorts, Visitor
from exchange.services.borrower.sign_in import limited_tries
from exchange.services.borrower.statements import PageSession
from exchange.services.seats.ports import Seated


def sign_in_seat(
    assertion: Assertion, start: bytes, visitor: Visitor, pages: BorrowerPorts
) -> None:
    """Open the session of the passkey that signed.

    Args:
        assertion: what the key signed.
        start: what the page was given, whose challenge the key signed.
        visitor: a fresh session secret, and the browser it is for.
        pages: what the services of the pages may touch.

    Raises:
        SessionError: the start is none of ours, or too old.
        PasskeyRefused: the key does not open a seat, or did so from this start before.
        QuotaError: too many tries from this address went wrong within the hour.
    """
    ports, now = pages.ports, pages.ports.now()
    with limited_tries(visitor, pages), ports.begin() as work:
        check_start(start, ports.keyring.pages_mac, now, pages.terms.challenge_seconds_max)
        challenge = sign_in_challenge(start)
        passkey = work.seats.find_key(assertion.credential_id)
        if passkey is None or work.seats.of_key(assertion.credential_id) is None:
            raise PasskeyRefused("this is no live key of this exchange")
        count = verify_assertion(assertion, challenge, passkey, pages.party)
        work.seats.count_use(passkey.credential_id, count)
        opened = open_session(
            visitor, digest(challenge), work, now, credential_id=passkey.credential_id
        )
        if not opened:
            raise PasskeyRefused("this challenge was answered before")
        work.commit()


def who_sits(session: PageSession, pages: BorrowerPorts) -> Seated:
    """Return who is behind a session of the console, and what their member may do now.

    Raises:
        SessionError: nobody who may sit here any more.
    """
    with pages.ports.begin() as work:
        seated = work.seats.of_key(session.credential_id) if session.credential_id else None
    if seated is None:
        raise SessionError("sign in with your passkey")
    return seated
