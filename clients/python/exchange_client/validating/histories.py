"""Whether a history string is possible, and agrees with the row that tells it."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

MONTHS_MAX: Final = 60
_CLOSED: Final = {"GUARANTOR_PAID": "D", "ASSET_SETTLED": "Z", "SETTLED": "C", "SOLD": "G"}
_IMPOSSIBLE: Final = re.compile(
    r"3[N*MA/]|4[N*MA/1]|5[N*MA/12]|6[N*MA/1-3]|7[N*MA/1-4]|[^BDZGC]B|.[DZGC]|/[^/]"
)


def history_fits(told: str, status: str, bucket: int, life: tuple[date, date]) -> bool:
    """Tell whether a history may stand in a row.

    Args:
        life: the days of opening and of the row.
    """
    opened, as_of = life
    months = (as_of.year - opened.year) * 12 + as_of.month - opened.month + 1
    return (
        len(told) <= min(MONTHS_MAX, months)
        and told[0] in _now(status, bucket)
        and not _IMPOSSIBLE.search(told)
    )


def _now(status: str, bucket: int) -> str:
    if status == "CURRENT":
        return "N*MA"
    if status == "CHARGED_OFF":
        return "B"
    if status in _CLOSED:
        return _CLOSED[status]
    if bucket == 0:
        return "N*"
    return f"{bucket}B" if status in ("OVERDUE", "LITIGATION") else str(bucket)
