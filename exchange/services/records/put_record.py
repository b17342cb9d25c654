"""Take one record alone: a batch of one, by the same rules.

In:  the row as it was read, or a deletion, and who sent it.
Out: what became of it, signed. A row that says what is stored changes nothing and leaves no leaf.
"""

from __future__ import annotations

import hashlib

from exchange.domain.queries import Asker
from exchange.domain.rows import (
    DeleteReason,
    Deletion,
    as_row,
    read_submitted,
)
from exchange.errors import (
    AbsentError,
    InvalidField,
    InvalidRecord,
)
from exchange.services.ports import Ports
from exchange.services.records.take_row import Put, frame_of, refusal, take_row


def put_record(account_ref: str, body: bytes, caller: Asker, ports: Ports) -> Put:
    """Take one row.

    Raises:
        FormError: it is not one JSON object.
        InvalidField: it speaks of another account, or of another profile.
        InvalidRecord: a rule refuses it; the faults name all of them.
        ClosedEpoch: the epoch named is not open.
        UnavailableError: another upload of the member takes too long.
    """
    row = read_submitted(body)
    if isinstance(row, list):
        raise refusal(row)
    if row.account_ref != account_ref:
        raise InvalidField("must be the account of the path", field="account_ref")
    if row.profile != ports.terms.profile.ref:
        raise InvalidField(f"must be {ports.terms.profile.ref}", field="profile")
    ports.keyring.index(row.epoch, b"")  # Refuses an epoch that is not open.
    digest = hashlib.sha256(body).digest()
    with ports.begin() as work:
        frame = frame_of(row.epoch, caller, work, ports)
        put = take_row(as_row(row), frame, (caller, digest), work, ports)
        work.commit()
    return put


def delete_record(account_ref: str, reason: DeleteReason, caller: Asker, ports: Ports) -> Put:
    """Withdraw everything said about one account, as of today.

    Raises:
        AbsentError: the member has no such account, or it is deleted already.
        UnavailableError: another upload of the member takes too long.
    """
    digest = hashlib.sha256(f"{account_ref}\n{reason}".encode()).digest()
    with ports.begin() as work:
        frame = frame_of("", caller, work, ports)  # A deletion carries no token.
        row = Deletion(account_ref=account_ref, reason=reason, as_of=frame.submission.today)
        try:
            put = take_row(row, frame, (caller, digest), work, ports)
        except InvalidRecord as error:
            raise AbsentError("no such account, or it is deleted", field="account_ref") from error
        work.commit()
    return put
