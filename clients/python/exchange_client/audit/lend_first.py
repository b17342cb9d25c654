"""Lend first, found again from an export: which loans were looked at in time.

Written apart from the exchange's own code, from log.md 14 and records.md 14. For a loan paid out
at t, and looks of the same member at the same subject (credit_application or guarantor_check, not
WITHHELD), with hi the first quorum time on a checkpoint that covers the look, and lo the first
quorum time on the checkpoint it named:

    IN_TIME  some look has hi <= t + 60 s and lo >= t - 30 days
    STALE    else, some look has hi <= t
    LATE     else, some look has t < hi <= t + 30 days
    NEVER    else

Where there was no quorum, the entry's own time stands in, and the row is `unwitnessed`.
Loans are `disbursement` entries, and `record` entries with the event `opened` about accounts that
no disbursement and no earlier entry of that kind names.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exchange_client._consent.purposes import NEW_CREDIT
from exchange_client.audit.export import VerifiedExport
from exchange_client.audit.leaves import AuditLeaf
from exchange_client.core.encoding import JSON

GRACE_SECONDS = 60
DAYS_30 = 30 * 86_400
LOANS_MIN = 20
CLASSES = ("IN_TIME", "STALE", "LATE", "NEVER")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedLoan:
    """A loan, its class, and the look that shows it."""

    index: int
    member: str
    month: str
    check: str
    look: int | None  # index
    witnessed: bool


def judge_export(export: VerifiedExport) -> list[JudgedLoan]:
    """Judge every loan that an export reports."""
    return judge(export.leaves, quorums(export))


def quorums(export: VerifiedExport) -> list[tuple[int, int]]:
    """Return (size, first quorum time) of the checkpoints that had one."""
    return [
        (one.checkpoint.head.size, one.quorum_at)
        for one in export.checkpoints
        if one.quorum_at is not None
    ]


def judge(leaves: Sequence[AuditLeaf], seen: list[tuple[int, int]]) -> list[JudgedLoan]:
    """Judge every loan that these entries report.

    Args:
        seen: (size, first quorum time) of the checkpoints.
    """
    looks: dict[tuple[JSON, JSON], list[tuple[int, int, int, bool]]] = {}
    for leaf in leaves:
        if _may_clear(leaf):
            place = (leaf.said("member"), leaf.said("subject"))
            looks.setdefault(place, []).append(_bounds(leaf, seen))
    return [
        _judge(leaf, looks.get((leaf.said("member"), leaf.said("subject")), []))
        for leaf in loans_of(leaves)
    ]


def loans_of(leaves: Sequence[AuditLeaf]) -> list[AuditLeaf]:
    """Return the entries that report a loan, each loan once."""
    paid_out = {
        (leaf.said("member"), leaf.said("account"))
        for leaf in leaves
        if leaf.kind == "disbursement"
    }
    opened: dict[tuple[JSON, JSON], int] = {}
    for leaf in leaves:
        account = (leaf.said("member"), leaf.said("account"))
        if leaf.kind == "record" and leaf.said("event") == "opened" and account not in paid_out:
            opened.setdefault(account, leaf.index)
    told = set(opened.values())
    return [leaf for leaf in leaves if leaf.kind == "disbursement" or leaf.index in told]


def summary(judged: Iterable[JudgedLoan]) -> list[Mapping[str, object]]:
    """Return, for each member and month, the counts, the ratio and the entries that show it."""
    rows: dict[tuple[str, str], list[JudgedLoan]] = {}
    for loan in judged:
        rows.setdefault((loan.member, loan.month), []).append(loan)
    return [_row(member, month, loans) for (member, month), loans in sorted(rows.items())]


def _row(member: str, month: str, loans: list[JudgedLoan]) -> Mapping[str, object]:
    counts = {name: sum(loan.check == name for loan in loans) for name in CLASSES}
    unchecked = counts["LATE"] + counts["NEVER"]
    return {
        "member": member,
        "month": month,
        "loans": len(loans),
        **counts,
        "unwitnessed": sum(not loan.witnessed for loan in loans),
        "ratio": f"{unchecked}/{len(loans)}" if len(loans) >= LOANS_MIN else None,
        "evidence": [
            {"loan": loan.index, "check": loan.check, "look": loan.look} for loan in loans
        ],
    }


def _may_clear(leaf: AuditLeaf) -> bool:
    return (
        leaf.kind == "query"
        and leaf.said("purpose") in NEW_CREDIT
        and leaf.said("outcome") != "WITHHELD"
    )


def _bounds(leaf: AuditLeaf, seen: list[tuple[int, int]]) -> tuple[int, int, int, bool]:
    """Return (index, hi, lo, both by witnesses) of a look."""
    t, after = leaf.said("t"), leaf.said("after")
    own = t if type(t) is int else 0
    named = after.get("size") if isinstance(after, dict) else None
    covering = [at for size, at in seen if size > leaf.index]
    at_named = [at for size, at in seen if size == named]
    hi = min(covering) if covering else own
    lo = min(at_named) if at_named else own
    return leaf.index, hi, lo, bool(covering and at_named)


def _judge(leaf: AuditLeaf, looks: list[tuple[int, int, int, bool]]) -> JudgedLoan:
    paid = leaf.said("paid_at")
    t = paid if type(paid) is int else 0
    in_time = [one for one in looks if one[1] <= t + GRACE_SECONDS and one[2] >= t - DAYS_30]
    stale = [one for one in looks if one[1] <= t]
    late = [one for one in looks if t < one[1] <= t + DAYS_30]
    for check, shown in (("IN_TIME", in_time), ("STALE", stale), ("LATE", late)):
        if shown:
            look, _, _, witnessed = max(shown)
            return _loan(leaf, t, check, look, witnessed=witnessed)
    return _loan(leaf, t, "NEVER", None, witnessed=True)


def _loan(
    leaf: AuditLeaf, paid_at: int, check: str, look: int | None, *, witnessed: bool
) -> JudgedLoan:
    return JudgedLoan(
        index=leaf.index,
        member=str(leaf.said("member")),
        month=time.strftime("%Y-%m", time.gmtime(paid_at)),
        check=check,
        look=look,
        witnessed=witnessed,
    )
