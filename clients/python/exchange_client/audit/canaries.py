"""How old a regulator's newest canary is: a look of its own, sent as any member sends its looks.

Which looks are canaries the exchange must not know, so the figure is the regulator's and not ours:
a look that was answered and never logged shows nowhere else. Source: log.md, 9 and 10 (5).
"""

from __future__ import annotations

from collections.abc import Mapping

from exchange_client.audit.flows import Found, search
from exchange_client.core.calls import Flow
from exchange_client.core.encoding import JSON

AGE_METRIC = "cx_log_canary_age_seconds"
LOOKS_MAX = 10_000  # of one search: a canary every nine seconds, for a day
DAY_SECONDS = 86_400


def canary_age(asked: Mapping[str, str], now: int, late_seconds: int) -> Flow[int | None]:
    """Say how many seconds ago the newest of these looks was logged; None: none within a day.

    Args:
        asked: what marks the canaries, as a search takes it.
        now: unix seconds, by the regulator's own clock.
        late_seconds: the first search looks back so far; only if it finds none, one of a day does.
    """
    for back in (late_seconds, DAY_SECONDS):
        narrowed = {**asked, "kind": "query", "from": str(max(0, now - back))}
        found = yield from search(narrowed, rows_max=LOOKS_MAX)
        if (newest := _newest(found)) is not None:
            return max(0, now - newest)
    return None


def exposition(age: int | None) -> str:
    """Write the age as Prometheus reads it from a text file, without a label."""
    return f"# TYPE {AGE_METRIC} gauge\n{AGE_METRIC} {'+Inf' if age is None else age}\n"


def _newest(found: Found) -> int | None:
    times: list[JSON] = [row.get("recorded") for row in found.rows]
    return max((one for one in times if isinstance(one, int)), default=None)
