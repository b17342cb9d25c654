"""Say in plain words what an answer means, and what it does not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from exchange_client.core.encoding import printable

if TYPE_CHECKING:
    from exchange_client.answers.claims import ReceiptClaims
    from exchange_client.answers.findings import Finding

BUCKETS: Final = (
    "nothing overdue",
    "1 to 30 days overdue",
    "31 to 60 days overdue",
    "61 to 90 days overdue",
    "91 to 120 days overdue",
    "121 to 150 days overdue",
    "151 to 180 days overdue",
    "more than 180 days overdue, or charged off",
)

WITHHELD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "purpose.off": "this purpose is not open to you here",
        "reciprocity.none": "your own contribution does not entitle you to answers",
        "grant.missing": "this purpose needs a grant and none was named",
        "case.missing": "the dispute or order it relies on is absent or closed",
        "grant.unusable": "the grant named is not one of yours for this borrower",
        "grant.requested": "the borrower has not accepted the grant yet",
        "grant.rejected": "the borrower refused the grant",
        "grant.paused": "the grant is paused",
        "grant.withdrawn": "the borrower withdrew the grant",
        "grant.revoked": "the grant was revoked",
        "grant.superseded": "a newer grant has replaced this one",
        "grant.invalidated": "the grant was found never to have been valid",
        "grant.early": "the grant is not in force yet",
        "grant.expired": "the grant has expired",
        "grant.purpose": "the grant was given for another purpose",
        "grant.level": "the grant's evidence is weaker than this purpose asks for",
        "grant.abroad": "the grant does not allow use from abroad",
        "grant.used_up": "the grant's uses are spent",
        "grant.too_often": "the grant's uses for this period are spent",
        "account.none": "you hold no open account of this borrower that this purpose needs",
    }
)

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "R01": "overdue now at another lender",
        "R02": "serious arrears in the look-back",
        "R03": "repeated late months",
        "R04": "the amount overdue",
        "R05": "overdue at several lenders",
        "R06": "many recent applications",
        "R07": "no data",
        "R08": "withheld",
        "R09": "a record is under dispute",
        "R10": "the answer is shallower than asked for",
    }
)

LIMITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PURPOSE": "the purpose shows less",
        "GRANT_DETAIL": "the grant allows less detail than was asked for",
        "RECIPROCITY": "your own contribution earns less detail",
        "SMALL_CONSORTIUM": "few members contribute, so their number is blurred",
    }
)


def explain(claims: ReceiptClaims) -> str:
    """Return one to five sentences about this answer."""
    sentences = [_OPENINGS[claims.outcome], *_details(claims)]
    if claims.reasons and claims.outcome in ("ADVERSE", "NO_ADVERSE"):
        named = "; ".join(_named(REASONS, code) for code in claims.reasons)
        sentences.append(f"What weighs: {named}.")
    if claims.limits:
        named = "; ".join(_named(LIMITS, code) for code in claims.limits)
        sentences.append(f"Shown with less detail: {named}.")
    return " ".join(sentences)


_OPENINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ADVERSE": "Other members report something adverse about this borrower.",
        "NO_ADVERSE": "Other members report this borrower, and nothing adverse in the look-back.",
        "NO_DATA": "No other member reports this borrower. That is neither clean nor bad: "
        "nothing is known here.",
        "WITHHELD": "The question was not permitted, so nothing was looked up. That says nothing "
        "about the borrower.",
    }
)


def _details(claims: ReceiptClaims) -> list[str]:
    if claims.outcome == "WITHHELD":
        return [f"Why: {_named(WITHHELD, claims.reason)}."]
    if claims.finding is None:
        return []
    sentences = _bands(claims.finding)
    if claims.grade is not None and claims.outcome != "NO_DATA":
        sentences.append(f"Grade {claims.grade} by {printable(claims.model)}.")
    return sentences


def _bands(finding: Finding) -> list[str]:
    shown = finding.shown
    parts = []
    if "current_bucket" in shown:
        parts.append(f"Now: {BUCKETS[finding.current_bucket]}.")
    if "worst_bucket" in shown and finding.worst_bucket:
        parts.append(f"Worst in the look-back: {BUCKETS[finding.worst_bucket]}.")
    if "lender_band" in shown and finding.lender_band != "0":
        parts.append(f"Lenders that report it: {finding.lender_band}.")
    if "dispute" in shown and finding.dispute:
        parts.append("The borrower disputes a record.")
    return parts


def _named(words: Mapping[str, str], code: str) -> str:
    return words.get(code, printable(code, characters_max=40))
