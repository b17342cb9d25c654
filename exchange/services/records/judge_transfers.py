"""Judge the rows that speak of a sale beside what the other side has said of it.

In:  a row that is SOLD, TRANSFER_IN, or amends one; what both sides said so far, opened.
Out: its flaws, and which side of which transfer it is from now on.
Whoever names a transfer id was given it by the other side: only then does a row depend on what
another member reported, and the flaws say no more than which field differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from exchange.crypto.sealing import record_aad, unpad
from exchange.domain.records import RecordPayload, Status, Transfer, decode_payload
from exchange.domain.rows import Flaw, Reason, Row, Stated, StoredRecord, check_transfer
from exchange.services.ports import Ports, Work
from exchange.services.records.ports import (
    Place,
    SealedStatement,
    TransferMove,
    TransferRow,
)


class KnownTransfers(NamedTuple):
    """What is known of some transfers."""

    rows: Mapping[bytes, TransferRow]
    stated: Mapping[Place, Stated]  # of records that are in use

    def own(self, transfer_id: bytes, side: Transfer) -> Stated | None:
        """Return what this side said, None while it said nothing that stands."""
        return self._side(transfer_id, sold=side is Transfer.OUT)

    def other(self, transfer_id: bytes, side: Transfer) -> Stated | None:
        """Return what the other side said, None while it said nothing that stands."""
        return self._side(transfer_id, sold=side is not Transfer.OUT)

    def _side(self, transfer_id: bytes, *, sold: bool) -> Stated | None:
        row = self.rows.get(transfer_id)
        place = (row.sold if sold else row.bought) if row else None
        return self.stated.get(place) if place else None

    def move(self, transfer_id: bytes, side: Transfer, *, ends: bool = False) -> TransferMove:
        """Return how a row moves a transfer on from what was seen of it."""
        row = self.rows.get(transfer_id)
        other = (row.bought if side is Transfer.OUT else row.sold) if row else None
        return TransferMove(transfer_id, row.revision if row else 0, side, other, ends)


NIL = UUID(int=0)  # in place of the id of a record that is new
NONE_KNOWN = KnownTransfers({}, {})


def speaks_of_transfer(row: Row) -> bool:
    """Tell whether a row may speak of a transfer: most do not."""
    return bool(row.transfer_id) or row.reason is Reason.AMEND


def find_transfers(
    told: Iterable[tuple[Row, StoredRecord | None]], work: Work, ports: Ports
) -> KnownTransfers:
    """Read what both sides said of the transfers that these rows speak of, and open it.

    Args:
        told: each row with what is stored of its account.

    Raises:
        IntegrityError: a stored version does not open.
    """
    wanted = list({one for row, stored in told for one in _spoken_of(row, stored)})
    if not wanted:
        return NONE_KNOWN
    rows = {row.transfer_id: row for row in work.transfers.find(wanted)}
    places = [place for row in rows.values() for place in (row.sold, row.bought) if place]
    sealed = work.transfers.stated(places) if places else ()
    return KnownTransfers(
        rows=rows,
        stated={(each.record_id.bytes, each.version): _open(each, ports) for each in sealed},
    )


def _spoken_of(row: Row, stored: StoredRecord | None) -> Iterator[bytes]:
    if row.transfer_id:
        yield UUID(row.transfer_id).bytes
    if row.reason is Reason.AMEND and stored:
        yield from filter(None, (stored.payload.transfer_id, stored.payload.arrived_by))


def judge_transfer(
    row: Row, own: Stated, before: RecordPayload | None, known: KnownTransfers
) -> tuple[tuple[TransferMove, ...], list[Flaw]]:
    """Return which transfers a row moves on, and what is wrong with that.

    Args:
        own: what the row makes of the record; its id is NIL where the record is new.
        before: the stored payload that it continues.
    """
    amends = before if row.reason is Reason.AMEND else None
    side, transfer_id = _told(row, own.payload)
    left = [one for one in _left(amends, own.payload) if one[1] in known.rows]
    if any(known.other(one, of) for of, one in left):  # Both sides have spoken: the number stands.
        return (), [Flaw("transfer_id", "row.transfer")]
    moves = [known.move(one, of, ends=True) for of, one in left]
    if transfer_id is None:
        return tuple(moves), []
    taken = known.own(transfer_id, side)
    if taken and taken.record_id != own.record_id:
        return (), [Flaw("transfer_id", "row.transfer")]
    other = known.other(transfer_id, side)
    if other is None:
        return (*moves, known.move(transfer_id, side)), []
    if side is Transfer.OUT:
        # A seller that corrects itself goes first: its record is out of every finding by now.
        flaws = [] if amends and taken else check_transfer(own, other, None)
        return (*moves, known.move(transfer_id, side)), flaws
    flaws = check_transfer(other, own, amends)
    # What the buyer took over stays the word that counts: later ones tell what came after.
    return (*moves, *(() if taken else (known.move(transfer_id, side),))), flaws


def _told(row: Row, after: RecordPayload) -> tuple[Transfer, bytes | None]:
    """Say which side of which transfer a row speaks for, if any."""
    if row.status is Status.SOLD:
        return Transfer.OUT, after.transfer_id
    if row.reason in (Reason.TRANSFER_IN, Reason.AMEND):
        return Transfer.IN, after.came_by
    return Transfer.NONE, None


def _left(amends: RecordPayload | None, after: RecordPayload) -> Iterator[tuple[Transfer, bytes]]:
    """Yield the transfers that an amendment takes back."""
    if amends is None:
        return
    sold = after.transfer_id if after.transfer is Transfer.OUT else None
    was_sold = amends.transfer_id if amends.transfer is Transfer.OUT else None
    if was_sold and was_sold != sold:
        yield Transfer.OUT, was_sold
    if amends.arrived_by and amends.arrived_by != after.came_by:
        yield Transfer.IN, amends.arrived_by


def _open(each: SealedStatement, ports: Ports) -> Stated:
    aad = record_aad(each.record_id.bytes, each.version, each.member, each.epoch)
    key = ports.sealer.open_key(each.kek_id, each.wrapped, aad)
    return Stated(
        record_id=each.record_id,
        member=each.member,
        epoch=each.epoch,
        indices=frozenset(each.indices),
        payload=decode_payload(unpad(key.open(each.sealed, aad))),
    )
