"""What the services of seats go by, and what they need of the store."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from exchange.domain.borrowers.passkeys import Passkey
from exchange.domain.members import Role
from exchange.domain.queries import Asker


class SeatName(NamedTuple):
    """Whose seat it is: a person of a member, by the name that the log shows."""

    member: str
    name: str  # of the same form as a member's id


class NewSeat(NamedTuple):
    """A seat to give, and the link by which its person makes a passkey."""

    seat: SeatName
    link_sha256: bytes
    link_until: int  # unix seconds, the first in which it opens no more


class Seat(NamedTuple):
    """A seat as it stands."""

    seat: SeatName
    link_until: int
    retired_at: int | None
    key_made_at: int | None  # None: nobody has used its link


class Seated(NamedTuple):
    """A person at a live seat, and what their member may do now."""

    seat: SeatName
    member_name: str
    roles: frozenset[Role]

    @property
    def asker(self) -> Asker:
        """The person as the services know who asks; no key of a machine is called so."""
        name = f"console:{self.seat.name}"
        return Asker(member=self.seat.member, key=name, nonce="", roles=self.roles)


class SeatStatements(Protocol):
    """Statements about seats and their passkeys."""

    def enrol(self, new: NewSeat, now: int) -> None:
        """Give a person a seat, or a new link to the one they have."""
        ...

    def retire(self, seat: SeatName, now: int) -> bool:
        """Retire a seat; say whether there was one."""
        ...

    def all(self) -> list[Seat]:
        """List every seat, retired ones as well."""
        ...

    def of_link(self, link_sha256: bytes, now: int) -> Seated | None:
        """Find the seat whose link this is, unless it was used, has ended or never was."""
        ...

    def of_key(self, credential_id: bytes) -> Seated | None:
        """Find the live seat of a passkey."""
        ...

    def add_key(self, passkey: Passkey, link_sha256: bytes) -> bool:
        """Add the key of a link; say whether the link had none, and the key's id was free."""
        ...

    def find_key(self, credential_id: bytes) -> Passkey | None:
        """Find a key, whether its seat still counts or not, and hold its row until the end."""
        ...

    def count_use(self, credential_id: bytes, sign_count: int) -> None:
        """Note a key's new count."""
        ...
