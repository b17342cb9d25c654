"""Sign a borrower in: a passkey signs the challenge of a start, once.

An unknown key, a wrong signature and a replay are refused alike, so nobody can ask who is here.
"""

from __future__ import annotations

from exchange.crypto.page_tokens import check_start, digest, sign_in_challenge
from exchange.crypto.passkeys import verify_assertion
from exchange.domain.borrowers.passkeys import Assertion
from exchange.errors import PasskeyRefused
from exchange.services.borrower.keep_session import open_session
from exchange.services.borrower.ports import BorrowerPorts, Visitor


def sign_in(assertion: Assertion, start: bytes, visitor: Visitor, borrower: BorrowerPorts) -> None:
    """Open the session of the passkey that signed.

    Args:
        start: what the page was given, whose challenge the key signed.
        visitor: a fresh session secret, and the browser it is for.

    Raises:
        SessionError: the start is none of ours, or too old.
        PasskeyRefused: the key does not establish who signs in, or did so before.
    """
    ports = borrower.ports
    now = ports.now()
    check_start(start, ports.keyring.pages_mac, now, borrower.terms.challenge_seconds_max)
    challenge = sign_in_challenge(start)
    with ports.begin() as work:
        passkey = work.borrowers.find_passkey(assertion.credential_id)
        if passkey is None:
            raise PasskeyRefused("this is no live key of this exchange")
        count = verify_assertion(assertion, challenge, passkey, borrower.party)
        work.borrowers.count_use(passkey.credential_id, count)
        opened = open_session(
            visitor, digest(challenge), work, now, credential_id=passkey.credential_id
        )
        if not opened:
            raise PasskeyRefused("this challenge was answered before")
        work.commit()
