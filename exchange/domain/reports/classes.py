"""How one account counts in a report: its five-class, its stage of impairment, its state.

The SDK computes the same of a member's own book, by code of its own; a test holds both together.
Source: records.md, 2 and 15.
"""

from __future__ import annotations

from typing import Final

from exchange.domain.records import (
    RecordPayload,
    Status,
    SubjectRole,
    class_floor,
    status_bucket,
)

CLASSES: Final = ("1", "2", "3", "4", "5")
STAGES: Final = ("1", "2", "3")
STATES: Final = "01234567BCX"  # buckets, charged off, settled, not re-reported
UNREPORTED: Final = STATES.index("X")
NON_PERFORMING_CLASS: Final = 3  # 3 substandard, 4 doubtful, 5 loss
DEFAULT_DPD: Final = 90  # more days past due than this is default, IFRS 9 B5.5.37
RISEN_DPD: Final = 30  # more than this is a significant increase in risk, IFRS 9 5.5.11
_SETTLED: Final = frozenset({Status.SETTLED, Status.GUARANTOR_PAID, Status.ASSET_SETTLED})


def counts(record: RecordPayload) -> bool:
    """Tell whether it counts: the borrower's row, not a co-borrower's or guarantor's."""
    return record.role is SubjectRole.BORROWER


def five_class(record: RecordPayload) -> int:
    """Return the class that counts, 1 to 5: as told, but never better than its age allows."""
    return max(record.five_class or 1, class_floor(record.status, record.dpd))


def stage(record: RecordPayload) -> int:
    """Return the stage of impairment, 1 to 3.

    Source: IFRS 9 5.5.11 and B5.5.37 (to be confirmed).
    """
    class_, status, dpd = five_class(record), record.status, record.dpd
    if dpd > DEFAULT_DPD or status is Status.CHARGED_OFF or class_ >= NON_PERFORMING_CLASS:
        return 3
    return 2 if dpd > RISEN_DPD or status is Status.RESTRUCTURED or class_ == 2 else 1


def state(record: RecordPayload) -> int:
    """Return the place in `STATES`. A sold debt is as it was at the sale; X is not told here."""
    if record.status is Status.CHARGED_OFF:
        return STATES.index("B")
    if record.status in _SETTLED:
        return STATES.index("C")
    return status_bucket(record.status, record.dpd)
