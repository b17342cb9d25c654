"""Flags as golden vectors: `python -m tests.unit.flags.vectors` writes them anew.

Each rule at its line and one beyond it, in logs as small as its numbers allow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from exchange.domain.flags.parameters import DEFAULTS, Parameters
from tests.support.audit_leaves import Log, flags_of, numbers
from tests.support.flag_logs import (
    hour_of_subjects,
    newcomer,
    repeated,
    repeated_over_a_day,
    shared_application,
    stacked,
    two_hours_of_subjects,
    unproven,
    usage,
)

PLACE = Path(__file__).parents[2] / "vectors" / "flags_v1.json"
LINES: tuple[tuple[Callable[[int], Log], str, int, Parameters], ...] = (
    (hour_of_subjects, "enumeration/1", 3, numbers("enumeration/1", hour_subjects=3)),
    (two_hours_of_subjects, "enumeration/1", 70, DEFAULTS),
    (usage, "enumeration/1", 120, DEFAULTS),
    (unproven, "silent/1", 10, DEFAULTS),
    (shared_application, "no_application/1", 1, DEFAULTS),
    (repeated, "repeat/1", 3, DEFAULTS),
    (repeated_over_a_day, "repeat/1", 4, DEFAULTS),
    (stacked, "stacking/1", 2, DEFAULTS),
    (newcomer, "insider/1", 2, numbers("insider/1", subjects=2)),
)


def vectors() -> Iterator[dict[str, object]]:
    """Make every vector."""
    for make, rule, line, parameters in LINES:
        for count in (line, line + 1):
            log = make(count)
            found = flags_of(log, parameters, rule=rule)
            yield {
                "why": f"{make.__name__}: {count}",
                "rule": rule,
                "numbers": dict(parameters[rule]),
                "entries": [{"subject": s, "audit": a} for s, a in log.leaves],
                "checkpoints": [list(one) for one in log.checkpoints],
                "flags": [
                    {"member": one[1], "from": one[2], "to": one[3], "hits": list(one[4])}
                    for one in found
                ],
            }


def text() -> str:
    """Write the vectors, one a line."""
    lines = ",\n  ".join(json.dumps(one, sort_keys=True) for one in vectors())
    return f'{{\n "version": 1,\n "cases": [\n  {lines}\n ]\n}}\n'


if __name__ == "__main__":
    PLACE.write_text(text(), encoding="utf-8")
