"""Give people seats at the console and take them away: each an `admin` leaf with their names.

A seat opens what its member's roles open, for a person instead of a program. It is given by two
operators; one of them may take it away, for that protects.
"""

from __future__ import annotations

from collections.abc import Sequence

from exchange.crypto.page_tokens import LINK_BYTES, digest
from exchange.domain.ids import member_id
from exchange.domain.leaves import JsonValue
from exchange.domain.log.kinds import Kind
from exchange.domain.members import MemberStatus
from exchange.errors import AbsentError
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.ports import Ports, Work
from exchange.services.seats.ports import NewSeat, Seat, SeatName

SEAT_PATH = "/console/seat"


def enrol_seat(seat: SeatName, hours: int, approvers: Sequence[str], ports: Ports) -> bytes:
    """Give a person a seat and return the secret of the link that leads there, 16 bytes.

    A person who has one gets a new link: it ends the passkey before, which was lost.

    Args:
        seat: whose.
        hours: how long the link opens.
        approvers: the operators who wanted it; two, and by name.
        ports: to the store.

    Raises:
        InvalidField: the name is none. AbsentError: there is no such active member.
    """
    member_id(seat.name, field="name")
    now, secret = ports.now(), ports.random_bytes(LINK_BYTES)
    with ports.begin() as work:
        member = work.members.find(seat.member)
        if member is None or member.status is not MemberStatus.ACTIVE:
            raise AbsentError("no such active member", field="member")
        work.seats.enrol(NewSeat(seat, digest(secret), now + hours * 3_600), now)
        log_seat(seat, "seat_enrolled", {"approvers": list(approvers)}, work, ports)
        work.commit()
    return secret


def retire_seat(seat: SeatName, ports: Ports) -> None:
    """Take a seat away: its passkey and its sessions open nothing from the next click on.

    Raises:
        AbsentError: there is no such seat.
    """
    with ports.begin() as work:
        if not work.seats.retire(seat, ports.now()):
            raise AbsentError("no such seat", field="name")
        log_seat(seat, "seat_retired", {}, work, ports)
        work.commit()


def list_seats(ports: Ports) -> list[Seat]:
    """List every seat."""
    with ports.begin() as work:
        return work.seats.all()


def log_seat(
    seat: SeatName, event: str, said: dict[str, JsonValue], work: Work, ports: Ports
) -> None:
    """Write the leaf of a change of a seat."""
    audit: dict[str, JsonValue] = {"key": f"{seat.member}/console:{seat.name}", **said}
    draft = LeafDraft(
        kind=Kind.ADMIN,
        member=seat.member,
        subject_slot={"event": event},
        audit_slot=audit,
    )
    write_leaves(work, [draft], ports, ports.now())
