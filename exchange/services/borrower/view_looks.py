"""View who looked: every entry of the log about the subject, newest first, 100 a page.

In:  a passkey's session, and the entry before which to go on.
Out: entries opened from their own sealed slots, and the count that shows whether one is missing.
The view is an entry itself, written before anything is read. Source: log.md, 12.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from exchange.domain.leaves import Slot, opening_aad, unpad_opening
from exchange.domain.members import Member
from exchange.errors import IntegrityError, UnavailableError
from exchange.services.borrower.own_file import OwnFile, log_view, own_file
from exchange.services.borrower.ports import BorrowerPorts
from exchange.services.borrower.statements import OwnEntry, PageSession
from exchange.services.log.write_leaves import opening_key
from exchange.services.ports import Ports, Work

ROWS_MAX = 100  # a page (log.md, 12)
_INQUIRIES = frozenset({"credit_application", "guarantor_check"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One entry, as its subject may see it."""

    leaf_hash: bytes
    number: int  # subject_seq: 1, 2, 3 … without gap in a log
    at: int  # unix seconds
    kind: str
    member: Member | None  # None where no member did it
    purpose: str
    outcome: str  # "" where there is none
    event: str  # "" where there is none
    proven: bool  # it has its index, so there is a proof

    @property
    def counts(self) -> bool:
        """Tell whether it counts as an inquiry, as other lenders see their number."""
        answered = self.kind == "query" and self.outcome != "WITHHELD"
        return answered and self.purpose in _INQUIRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Whether an entry is missing from this year's log."""

    numbered: int  # entries that were ever numbered for this subject
    present: int  # of them, entries that are there
    opened: int  # of these, entries that this passkey opens

    @property
    def gap(self) -> bool:
        """Tell whether a number is missing."""
        return self.numbered != self.present


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """One page of entries."""

    looks: tuple[Look, ...]
    more: bool
    counter: Counter
    whole: bool


def view_looks(session: PageSession, before: bytes | None, borrower: BorrowerPorts) -> Looks:
    """Return a page of the entries about the session's subject.

    Args:
        before: the leaf hash after which the page goes on; None for the newest.

    Raises:
        SessionError: the session is of no passkey.
        QuotaError: the day's looks are spent.
        IntegrityError: an entry does not open; nothing is shown.
    """
    ports = borrower.ports
    with ports.begin() as work:
        file = own_file(session, work, ports)
        log_view(file, work, borrower)
        work.commit()
    with ports.begin() as work:
        found = work.files.entries(file.opened, before=before, rows_max=ROWS_MAX + 1)
        members = _members(found, work)
        looks = tuple(_look(entry, members, ports) for entry in found[:ROWS_MAX])
        counter = _counter(file, work, ports)
    return Looks(looks=looks, more=len(found) > ROWS_MAX, counter=counter, whole=file.whole)


def _members(entries: list[OwnEntry], work: Work) -> dict[str, Member | None]:
    return {name: work.members.find(name) for name in {entry.member for entry in entries}}


def _look(entry: OwnEntry, members: dict[str, Member | None], ports: Ports) -> Look:
    key = opening_key(entry.key_id, entry.kek_id, entry.wrapped, ports)
    aad = opening_aad(entry.origin, entry.leaf_hash, Slot.SUBJECT, entry.key_id)
    told = json.loads(unpad_opening(key.open(entry.subject_sealed, aad)).payload)
    if (told["kind"], told.get("member", "")) != (entry.kind, entry.member):
        raise IntegrityError("an entry is filed under what it does not say")
    return Look(
        leaf_hash=entry.leaf_hash,
        number=told["subject_seq"],
        at=told["t"],
        kind=told["kind"],
        member=members[entry.member],
        purpose=told.get("purpose", ""),
        outcome=told.get("outcome", ""),
        event=told.get("event", ""),
        proven=entry.leaf_index is not None,
    )


def _counter(file: OwnFile, work: Work, ports: Ports) -> Counter:
    log_id = work.log.find_log(ports.origin(ports.now()))
    if log_id is None:
        raise UnavailableError("the access log is not open yet; start the sequencer")
    counts = work.files.counts(file.opened, log_id=log_id)
    return Counter(
        numbered=sum(one.numbered for one in counts),
        present=sum(one.present for one in counts),
        opened=sum(one.opened for one in counts),
    )
