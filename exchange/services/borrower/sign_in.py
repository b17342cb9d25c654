"""Sign a borrower in: a passkey signs the challenge of a start, once.

An unknown key, a wrong signature and a replay are refused alike, so nobody can ask who is here;
and after some wrong tries an address must wait until the hour is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from exchange.crypto.page_tokens import check_start, digest, sign_in_challenge
from exchange.crypto.passkeys import verify_assertion
from exchange.domain.base64url import b64url
from exchange.domain.borrowers.passkeys import Assertion
from exchange.errors import PasskeyRefused, QuotaError
from exchange.services.borrower.keep_session import open_session
from exchange.services.borrower.ports import BorrowerPorts, Visitor
from exchange.services.ports import Work

_HOUR_SECONDS = 3_600
_PEER_LABEL = b"credit-exchange/peer/v1\n"


def sign_in(assertion: Assertion, start: bytes, visitor: Visitor, borrower: BorrowerPorts) -> None:
    """Open the session of the passkey that signed.

    Args:
        start: what the page was given, whose challenge the key signed.
        visitor: a fresh session secret, and the browser it is for.

    Raises:
        SessionError: the start is none of ours, or too old.
        PasskeyRefused: the key does not establish who signs in, or did so before.
        QuotaError: too many tries from this address went wrong within the hour.
    """
    with limited_tries(visitor, borrower):
        _sign_in_once(assertion, start, visitor, borrower)


@contextmanager
def limited_tries(visitor: Visitor, borrower: BorrowerPorts) -> Iterator[None]:
    """Count a try to sign in that goes wrong within the block, and let only so many be made.

    Raises:
        QuotaError: too many tries from this address went wrong within the hour.
    """
    _refuse_tired(visitor, borrower)
    try:
        yield
    except PasskeyRefused:
        _count_wrong(visitor, borrower)
        raise


def _sign_in_once(
    assertion: Assertion, start: bytes, visitor: Visitor, borrower: BorrowerPorts
) -> None:
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


def _refuse_tired(visitor: Visitor, borrower: BorrowerPorts) -> None:
    with borrower.ports.begin() as work:  # Nothing is committed: a good try leaves no count.
        if not _count(visitor, work, borrower):
            now = borrower.ports.now()
            raise QuotaError(
                "too many tries went wrong", retry_after_seconds=_HOUR_SECONDS - now % _HOUR_SECONDS
            )


def _count_wrong(visitor: Visitor, borrower: BorrowerPorts) -> None:
    with borrower.ports.begin() as work:
        _count(visitor, work, borrower)
        work.commit()


def _count(visitor: Visitor, work: Work, borrower: BorrowerPorts) -> bool:
    """Count a wrong try of this address, kept under a keyed name; say whether there was room."""
    ports = borrower.ports
    now = ports.now()
    name = b64url(ports.keyring.pages_mac(_PEER_LABEL + visitor.peer.encode()))
    return work.members.count(
        f"peer/{name}",
        "wrong_sign_ins",
        period=now - now % _HOUR_SECONDS,
        amount=1,
        limit=borrower.terms.wrong_sign_ins_per_hour,
    )
