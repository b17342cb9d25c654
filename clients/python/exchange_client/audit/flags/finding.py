"""Find the flags of an export again, and hold them against those the exchange raised."""

from __future__ import annotations

import calendar
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exchange_client.audit.export import VerifiedExport
from exchange_client.audit.flags.looks import (
    DAY_SECONDS,
    Look,
    Numbers,
    Raised,
    looks_of,
    raised,
)
from exchange_client.audit.flags.rules import RULES
from exchange_client.audit.leaves import AuditLeaf
from exchange_client.audit.lend_first import JudgedLoan, judge, loans_of, quorums
from exchange_client.errors import UsageError

DEFAULTS: Mapping[str, Numbers] = {
    "enumeration/1": {
        "hour_subjects": 50,
        "last_queries": 100,
        "points": 20,
        "before_min": 100,
        "evaluations_percent": 120,
    },
    "no_application/1": {"last_queries": 500, "older_days": 45, "loans_percent": 5},
    "volume_spike/1": {"queries": 100, "mads": 6, "weeks": 8},
    "purpose_drift/1": {"last_queries": 500, "points": 20, "before_min": 500},
    "repeat/1": {"times": 3},
    "probing/1": {"last_queries": 200, "percent": 5},
    "odd_hours/1": {
        "queries": 10,
        "from_hour": 0,
        "to_hour": 6,
        "offset_seconds": 28_800,
        "percent": 1,
        "before_min": 100,
    },
    "insider/1": {"subjects": 20},
    "silent/1": {"mmd_seconds": 60, "proofs_percent": 90},
    "lend_first/1": {"percent": 2, "loans_min": 20},
    "stacking/1": {"members": 3},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Flags found again beside those that stand in the log."""

    found: list[Raised]
    missing: list[Raised]  # the log shows it, and no flag was raised
    beyond: list[Raised]  # a flag was raised, and the log does not show it

    @property
    def agree(self) -> bool:
        """Whether both are the same."""
        return not self.missing and not self.beyond


def load_parameters(path: Path | None) -> Mapping[str, Numbers]:
    """Read the policy of flags, or return the defaults.

    Raises:
        UsageError: it is no TOML of whole numbers.
    """
    merged = {rule: dict(numbers) for rule, numbers in DEFAULTS.items()}
    if path is None:
        return merged
    try:
        given = tomllib.loads(path.read_text())
        for rule, numbers in given.items():
            for name, number in numbers.items():
                if type(number) is not int or name not in merged[rule]:
                    raise UsageError(f"{path}: {rule} has no such number")
                merged[rule][name] = number
    except (tomllib.TOMLDecodeError, AttributeError, KeyError) as error:
        raise UsageError(f"{path}: no policy of flags") from error
    return merged


def find(
    looks: Sequence[Look],
    checkpoints: Sequence[tuple[int, int]],
    parameters: Mapping[str, Numbers],
) -> list[Raised]:
    """Return every flag that the log shows.

    Args:
        looks: every entry, by index.
        checkpoints: (size, signed_at) of the checkpoints, by size.
        parameters: of the rules.
    """
    found = [flag for rule, run in RULES for flag in run(looks, parameters[rule])]
    covered = 0
    for size, signed_at in checkpoints:
        limit = signed_at - parameters["silent/1"]["mmd_seconds"]
        late = [look for look in looks if covered <= look.index < size and look.t < limit]
        if late:
            found.append(raised("silent/1", "", late))
        covered = size
    return sorted(found, key=lambda flag: (flag.hits[-1], flag))


def compare(export: VerifiedExport, parameters: Mapping[str, Numbers]) -> Compared:
    """Find the flags of an export of a log from its start, and hold them against its leaves.

    Both are of the size up to which the exchange has looked, as its newest flags say.

    Raises:
        UsageError: the export does not start at the log's first entry.
    """
    if export.first:
        raise UsageError("flags are found again from an export that starts at index 0")
    stood = {_of_leaf(leaf) for leaf in export.leaves if leaf.kind == "flag"}
    size = max(map(_looked_at, export.leaves), default=0) or export.end
    leaves = export.leaves[:size]
    signed_at = sorted((one, at) for one, at in export.signed_at.items() if one <= size)
    looks = looks_of(leaves)
    found = find(looks, signed_at, parameters)
    found += _late_months(export, leaves, parameters["lend_first/1"])
    known = set(found)
    return Compared(
        found=sorted(known),
        missing=sorted(known - stood),
        beyond=sorted(stood - known),
    )


def _late_months(
    export: VerifiedExport, leaves: Sequence[AuditLeaf], numbers: Numbers
) -> list[Raised]:
    """lend_first/1: closed months in which too many loans were not looked at in time."""
    latest = looks_of(leaves)[-1].at if leaves else 0
    paid = {leaf.index: leaf.said("paid_at") for leaf in loans_of(leaves)}
    rows: dict[tuple[str, str], list[JudgedLoan]] = {}
    for loan in judge(leaves, quorums(export)):
        rows.setdefault((loan.member, loan.month), []).append(loan)
    found = []
    for (member, month), loans in rows.items():
        bad = sorted(loan.index for loan in loans if loan.check in ("LATE", "NEVER"))
        over = 100 * len(bad) > numbers["percent"] * len(loans)
        if over and len(loans) >= numbers["loans_min"] and latest >= _closes_at(month):
            times = [at for at in (paid[index] for index in bad) if type(at) is int]
            found.append(Raised("lend_first/1", member, min(times), max(times), tuple(bad)))
    return found


def _closes_at(month: str) -> int:
    """Return the time 30 days after the end of a month (UTC)."""
    year, number = (int(part) for part in month.split("-"))
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return calendar.timegm((*following, 1, 0, 0, 0)) + 30 * DAY_SECONDS


def _looked_at(leaf: AuditLeaf) -> int:
    """Return the size up to which a flag's leaf says that the log was looked at."""
    numbers = leaf.said("parameters") if leaf.kind == "flag" else None
    size = numbers.get("log_size") if isinstance(numbers, dict) else None
    return size if type(size) is int else 0


def _of_leaf(leaf: AuditLeaf) -> Raised:
    hits = leaf.said("hits")
    listed = tuple(hit for hit in hits if type(hit) is int) if isinstance(hits, list) else ()
    start, end = leaf.said("from"), leaf.said("to")
    return Raised(
        str(leaf.said("rule")),
        str(leaf.said("member") or ""),
        start if type(start) is int else -1,
        end if type(end) is int else -1,
        listed,
    )
