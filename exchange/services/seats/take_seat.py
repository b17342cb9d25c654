"""Take a seat: whoever holds its link makes the passkey that opens it from now on, once.

A link that was used, has ended or never was gets one and the same answer.
"""

from __future__ import annotations

from exchange.crypto.page_tokens import check_start, creation_challenge, digest
from exchange.crypto.passkeys import verify_creation
from exchange.domain.base64url import b64url
from exchange.domain.borrowers.passkeys import Creation
from exchange.errors import LinkError
from exchange.services.borrower.ports import BorrowerPorts
from exchange.services.ports import Work
from exchange.services.seats.manage_seats import log_seat
from exchange.services.seats.ports import Seated


def show_seat(secret: bytes, pages: BorrowerPorts) -> Seated:
    """Return whose seat a link leads to; looking uses nothing up.

    Args:
        secret: 16 bytes, from the fragment of the link.
        pages: what the services of the pages may touch.

    Raises:
        LinkError: there is no such link, or it does not open any more.
    """
    with pages.ports.begin() as work:
        return _seat(secret, work, pages)


def take_seat(secret: bytes, creation: Creation, start: bytes, pages: BorrowerPorts) -> None:
    """Tie a new passkey to the seat of a link, and use the link up.

    Args:
        secret: as in `show_seat`.
        creation: what the authenticator said under the start's challenge.
        start: what the page was given.
        pages: what the services of the pages may touch.

    Raises:
        LinkError: as in `show_seat`. SessionError: the start is none of ours, or too old.
        PasskeyRefused: the key was not made for this site and start, by a verified user.
    """
    ports, now = pages.ports, pages.ports.now()
    check_start(start, ports.keyring.pages_mac, now, pages.terms.challenge_seconds_max)
    passkey = verify_creation(creation, creation_challenge(start), pages.party, now)
    with ports.begin() as work:
        seated = _seat(secret, work, pages)
        if not work.seats.add_key(passkey, digest(secret)):
            raise LinkError
        name = f"{seated.seat.member}/console:{seated.seat.name}"
        key = f"{name} {b64url(digest(passkey.public_key))}"
        log_seat(seated.seat, "seat_taken", {"key": key}, work, ports)
        work.commit()


def _seat(secret: bytes, work: Work, pages: BorrowerPorts) -> Seated:
    seated = work.seats.of_link(digest(secret), pages.ports.now())
    if seated is None:
        raise LinkError
    return seated
