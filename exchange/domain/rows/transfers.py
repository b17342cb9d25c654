"""Hold the two sides of a transfer against each other: a debt that is sold must not grow young.

In:  what the seller's SOLD and the buyer's TRANSFER_IN make of the same debt.
Out: the flaws of whichever side speaks second. Neither is believed more than the other: the second
     is refused until both say the same, and the debt stays as it was told first until then.
Not here: SQL, sealing, which transfer a row speaks of (services/records/judge_transfers.py).
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from exchange.domain import history
from exchange.domain.records import HISTORY_MONTHS_MAX, TERMINAL, RecordPayload, Status
from exchange.domain.rows.faults import Flaw


class Stated(NamedTuple):
    """What one side said of the debt."""

    record_id: UUID
    member: str
    epoch: str
    indices: frozenset[bytes]  # of the identity tokens
    payload: RecordPayload


def check_transfer(sold: Stated, bought: Stated, before: RecordPayload | None) -> list[Flaw]:
    """Return where the two sides of a transfer differ.

    Args:
        before: the buyer's payload that an AMEND corrects; None where the buyer takes it over, or
            where the seller speaks.
    """
    flaws = []
    if sold.member == bought.member:
        flaws.append(Flaw("transfer_id", "row.transfer"))  # A number that changes is a RENUMBER.
    if sold.epoch == bought.epoch and sold.indices.isdisjoint(bought.indices):
        flaws.append(Flaw("tokens", "row.transfer"))
    if not _same_first_day(sold.payload, bought.payload, before):
        flaws.append(Flaw("first_overdue_on", "row.transfer"))
    if not _same_history(sold.payload, bought.payload, amends=before is not None):
        flaws.append(Flaw("history", "row.transfer"))
    return flaws


def _same_first_day(
    sold: RecordPayload, bought: RecordPayload, before: RecordPayload | None
) -> bool:
    first, told = sold.first_overdue_on, bought.first_overdue_on
    owed = bool(sold.dpd) or sold.oldest_unpaid_due_on is not None
    went_over = owed or sold.ended_on == sold.status_on  # What was cured before stayed behind.
    if first is None or not went_over:
        return before is not None or told is None or told > (sold.status_on or sold.as_of)
    if before is not None:
        return before.first_overdue_on != first or told == first
    if told is None:
        return not owed or bought.status is Status.CURRENT or bought.status in TERMINAL
    return told == first


def _same_history(sold: RecordPayload, bought: RecordPayload, *, amends: bool) -> bool:
    """Tell whether the buyer tells each month before the sale as the seller does."""
    told = bought.history
    since = bought.as_of_month - sold.as_of_month
    for k, state in enumerate(sold.history[1:], 1):
        place = k + since
        if state == history.UNKNOWN or not 0 < place < HISTORY_MONTHS_MAX:
            continue
        if place >= len(told):
            return set(sold.history[k:]) <= {history.NOT_OPENED, history.UNKNOWN}
        # An AMEND cannot make a month unknown; what its retention hid stays hidden.
        if told[place] != state and not (amends and told[place] == history.UNKNOWN):
            return False
    return True
