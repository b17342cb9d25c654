"""View what is held: every record about the subject that the passkey opens, opened from its seal.

Like every look at the file it is logged first.
"""

from __future__ import annotations

from dataclasses import dataclass

from exchange.domain.findings import HeldRecord
from exchange.domain.members import Member
from exchange.errors import IntegrityError
from exchange.services.borrower.own_file import log_view, own_file
from exchange.services.borrower.ports import BorrowerPorts
from exchange.services.borrower.statements import PageSession
from exchange.services.queries.open_records import open_record

ROWS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRecord:
    """One record, and who reports it."""

    held: HeldRecord
    member: Member


def view_records(session: PageSession, borrower: BorrowerPorts) -> list[OwnRecord]:
    """Return the records about the session's subject, the newest first.

    Raises:
        SessionError: the session is of no passkey.
        QuotaError: the day's looks are spent.
        IntegrityError: a record does not open; nothing is shown.
    """
    ports = borrower.ports
    with ports.begin() as work:
        file = own_file(session, work, ports)
        log_view(file, work, borrower)
        work.commit()
    with ports.begin() as work:
        sealed = work.files.records(file.opened, rows_max=ROWS_MAX)
        members = {name: work.members.find(name) for name in {one.member for one in sealed}}
    return [_own(open_record(one, ports), members[one.member]) for one in sealed]


def _own(held: HeldRecord, member: Member | None) -> OwnRecord:
    if member is None:
        raise IntegrityError("a record's member is not enrolled")
    return OwnRecord(held=held, member=member)
