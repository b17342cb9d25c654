"""View who looked: every entry of the log about the subject, newest first, 100 a page.

In:  a passkey's session, and the entry before which to go on.
Out: entries opened from their own sealed slots, the count that shows whether one is missing, and
     what the last day's index says of it: the root of that stands in the log.
The view is an entry itself, written before anything is read. Source: log.md, 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from consent.purposes import NEW_CREDIT
from exchange.domain.members import Member
from exchange.errors import UnavailableError
from exchange.services.borrower.looks.open_entry import open_entry
from exchange.services.borrower.looks.seal_line import SealedLine, sealed_line, signed_tree
from exchange.services.borrower.own_file import OwnFile, log_view, own_file
from exchange.services.borrower.ports import BorrowerPorts, FileWork
from exchange.services.borrower.statements import EntriesAsk, OwnEntry, PageSession
from exchange.services.ports import Ports, Work

ROWS_MAX = 100  # a page (log.md, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One entry, as its subject may see it."""

    leaf_hash: bytes
    number: int  # subject_seq: 1, 2, 3 … without gap in a log
    at: int  # unix seconds
    kind: str  # "" while an embargo stands
    member: Member | None  # None where no member did it
    purpose: str
    outcome: str  # "" where there is none
    event: str  # "" where there is none
    proven: bool  # it has its index, so there is a proof
    withheld_until: int | None  # unix seconds; nothing else of it is told before

    @property
    def counts(self) -> bool:
        """Tell whether it counts as an inquiry, as other lenders see their number."""
        answered = self.kind == "query" and self.outcome != "WITHHELD"
        return answered and self.purpose in NEW_CREDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What the index of a day says, and how many entries it must have counted."""

    line: SealedLine
    below: int  # entries that are there and that the index covers


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Whether an entry is missing from this year's log."""

    numbered: int  # entries that were ever numbered for this subject
    present: int  # of them, entries that are there
    opened: int  # of these, entries that this passkey opens
    erased: int  # entries that are not there, by order
    sealed: tuple[Sealed, ...]  # one for each pseudonym that an index knows

    @property
    def gap(self) -> bool:
        """Tell whether a number is missing, or an index counted otherwise."""
        return self.numbered != self.present + self.erased or any(
            not one.below <= one.line.proof.line.leaves <= one.below + self.erased
            for one in self.sealed
        )


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
    with borrower.begin_log() as work:
        asked = EntriesAsk(rows_max=ROWS_MAX + 1, before=before)
        found = work.files.entries(file.opened, asked)
        members = _members(found, work)
        looks = tuple(_look(entry, members, ports) for entry in found[:ROWS_MAX])
        counter = _counter(file, work, ports)
    return Looks(looks=looks, more=len(found) > ROWS_MAX, counter=counter, whole=file.whole)


def _members(entries: list[OwnEntry], work: Work) -> dict[str, Member | None]:
    return {name: work.members.find(name) for name in {entry.member for entry in entries}}


def _look(entry: OwnEntry, members: dict[str, Member | None], ports: Ports) -> Look:
    opened = open_entry(entry, ports)
    said, withheld = opened.said, opened.withheld_until is not None
    return Look(
        leaf_hash=entry.leaf_hash,
        number=opened.number,
        at=cast("int", said.get("t", 0)),
        kind=str(said.get("kind", "")),
        member=None if withheld else members[entry.member],
        purpose=str(said.get("purpose", "")),
        outcome=str(said.get("outcome", "")),
        event=str(said.get("event", "")),
        proven=entry.leaf_index is not None,
        withheld_until=opened.withheld_until,
    )


def _counter(file: OwnFile, work: FileWork, ports: Ports) -> Counter:
    log_id = active_log(work, ports)
    counts = work.files.counts(file.opened, log_id=log_id)
    return Counter(
        numbered=sum(one.numbered for one in counts),
        present=sum(one.present for one in counts),
        opened=sum(one.opened for one in counts),
        erased=sum(one.erased for one in counts),
        sealed=tuple(_sealed(file, log_id, work, ports)),
    )


def active_log(work: FileWork, ports: Ports) -> int:
    """Return the log of this year.

    Raises:
        UnavailableError: it is not open yet.
    """
    log_id = work.log.find_log(ports.origin(ports.now()))
    if log_id is None:
        raise UnavailableError("the access log is not open yet; start the sequencer")
    return log_id


def _sealed(file: OwnFile, log_id: int, work: FileWork, ports: Ports) -> Iterator[Sealed]:
    tree = signed_tree(log_id, work, ports.now())
    for subject in file.subjects:
        if (line := sealed_line(subject, tree, work, ports)) is not None:
            below = work.files.count_below(subject, log_id=log_id, size=line.size)
            yield Sealed(line=line, below=below)
