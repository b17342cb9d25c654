"""The closed list of purposes: who may act for each, what it needs, and what it may see.

A profile opens or closes each purpose and sets its limits (profiles.py); nothing here depends on
a country. What is not in this table does not exist: no marketing, employment, tenancy, pricing
alone, and no look made after an unchecked payout.

Source of the codes: ReBIT purpose codes (Account Aggregator) and the Data Privacy Vocabulary
(W3C DPV); the borders between purposes are this project's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Purpose(StrEnum):
    """Why somebody reports or looks. An unknown purpose is an error, never a guess."""

    CONTRIBUTE = "contribute"
    CREDIT_APPLICATION = "credit_application"
    GUARANTOR_CHECK = "guarantor_check"
    ACCOUNT_REVIEW = "account_review"
    PORTFOLIO_MONITORING = "portfolio_monitoring"
    COLLECTIONS = "collections"
    FRAUD_PREVENTION = "fraud_prevention"
    SUBJECT_ACCESS = "subject_access"
    DISPUTE = "dispute"
    REGULATORY_AUDIT = "regulatory_audit"
    STATISTICS = "statistics"


class Act(StrEnum):
    """What is done under a purpose; each purpose allows exactly one."""

    REPORT = "report"  # a record row
    LOOK = "look"  # a query, or an event of a watch
    OWN_FILE = "own_file"  # the borrower looks
    CASE = "case"  # work on one disputed record
    ORDER = "order"  # a regulator's inspection
    AGGREGATE = "aggregate"  # numbers about nobody in particular


class Party(StrEnum):
    """Who acts. The first three are roles of members, spelled as the exchange spells them."""

    CONTRIBUTOR = "contributor"
    ASKER = "asker"
    REGULATOR = "regulator"
    SUBJECT = "subject"
    EXCHANGE = "exchange"


class Permission(StrEnum):
    """What must stand behind one act."""

    GRANT = "grant"  # a registered artefact of this subject, grantee and purpose
    CASE = "case"  # an open dispute, or an order with its two-person release
    CONTROL = "control"  # proof of control of a passkey that was vouched for
    BUDGET = "budget"  # nobody's permission: a privacy budget and a smallest cell


class Account(StrEnum):
    """Which account of its own with the subject an asker must have."""

    NONE = "none"
    OPEN = "open"
    OVERDUE = "overdue"


class Fetch(StrEnum):
    """How often a grant may be used; a word of the artefact."""

    ONCE = "once"
    RECURRING = "recurring"
    STANDING = "standing"


class Detail(StrEnum):
    """How deep an answer goes. Artefacts and queries say `flag` or `bands`."""

    OUTCOME = "outcome"
    FLAG = "flag"
    BANDS = "bands"


# A smaller detail is always inside a greater one.
DETAIL_DEPTH: Mapping[Detail, int] = MappingProxyType(
    {Detail.OUTCOME: 0, Detail.FLAG: 1, Detail.BANDS: 2}
)
FINDING_FIELDS = frozenset(
    {
        "current_bucket",
        "worst_bucket",
        "months_since_worst",
        "late_months",
        "lender_band",
        "open_overdue_band",
        "overdue_amount_band",
        "freshest_month",
        "velocity",
        "dispute",
        "statement",
    }
)
FLAG_FIELDS = frozenset({"dispute", "freshest_month"})
# They speak for the borrower: an artefact's list of fields cannot silence them.
PROTECTING_FIELDS = frozenset({"dispute", "statement"})
_NO_FIELDS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeRule:
    """One row of the purposes table."""

    purpose: Purpose
    title: str
    act: Act
    parties: frozenset[str]
    permission: Permission = Permission.GRANT
    fetch: Fetch | None = None  # of the grant; None where no grant is used
    account: Account = Account.NONE
    consent_allowed: bool = True  # False: a basis other than consent, and a reason text
    fields: frozenset[str] = _NO_FIELDS  # of the finding, at `bands`
    dpv: str | None = None  # DPV purpose; None: a term of our own
    rebit: str | None = None  # ReBIT purpose code; None: no such code

    @property
    def needs_grant(self) -> bool:
        """Tell whether the act relies on a registered grant."""
        return self.permission is Permission.GRANT

    @property
    def graded(self) -> bool:
        """Tell whether a finding has a grade: all that weighs in it is shown."""
        return self.fields == FINDING_FIELDS


_ASKER = frozenset({Party.ASKER.value})
_CONTRIBUTOR = frozenset({Party.CONTRIBUTOR.value})
_REGULATOR = frozenset({Party.REGULATOR.value})
_SUBJECT = frozenset({Party.SUBJECT.value})
_EXCHANGE = frozenset({Party.EXCHANGE.value})

_RULES = (
    PurposeRule(
        purpose=Purpose.CONTRIBUTE,
        title="Reporting overdue records",
        act=Act.REPORT,
        parties=_CONTRIBUTOR,
        fetch=Fetch.STANDING,
        dpv="MaintainCreditCheckingDatabase",
        rebit="104",
    ),
    PurposeRule(
        purpose=Purpose.CREDIT_APPLICATION,
        title="New credit",
        act=Act.LOOK,
        parties=_ASKER,
        fetch=Fetch.ONCE,
        fields=FINDING_FIELDS,
        dpv="CreditChecking",
        rebit="103",
    ),
    PurposeRule(
        purpose=Purpose.GUARANTOR_CHECK,
        title="A guarantor or co-borrower of new credit",
        act=Act.LOOK,
        parties=_ASKER,
        fetch=Fetch.ONCE,
        fields=FINDING_FIELDS,
        dpv="CreditChecking",
        rebit="103",
    ),
    PurposeRule(
        purpose=Purpose.ACCOUNT_REVIEW,
        title="Review of the asker's own existing exposure",
        act=Act.LOOK,
        parties=_ASKER,
        fetch=Fetch.RECURRING,
        account=Account.OPEN,
        fields=FINDING_FIELDS,
        dpv="CustomerSolvencyMonitoring",
        rebit="104",
    ),
    PurposeRule(
        purpose=Purpose.PORTFOLIO_MONITORING,
        title="Watches over the asker's own book",
        act=Act.LOOK,
        parties=_ASKER,
        fetch=Fetch.RECURRING,
        account=Account.OPEN,
        fields=frozenset({"current_bucket", "freshest_month", "dispute"}),
        dpv="CustomerSolvencyMonitoring",
        rebit="104",
    ),
    PurposeRule(
        purpose=Purpose.COLLECTIONS,
        title="The asker's own overdue claim",
        act=Act.LOOK,
        parties=_ASKER,
        fetch=Fetch.RECURRING,
        account=Account.OVERDUE,
        rebit="104",
    ),
    PurposeRule(
        purpose=Purpose.FRAUD_PREVENTION,
        title="Prevention of fraud, on a basis other than consent, with a reason text",
        act=Act.LOOK,
        parties=_ASKER,
        fetch=Fetch.ONCE,
        consent_allowed=False,
        fields=frozenset({"velocity"}),
        dpv="FraudPreventionAndDetection",
    ),
    PurposeRule(
        purpose=Purpose.SUBJECT_ACCESS,
        title="The borrower looks at the own file",
        act=Act.OWN_FILE,
        parties=_SUBJECT,
        permission=Permission.CONTROL,
    ),
    PurposeRule(
        purpose=Purpose.DISPUTE,
        title="Work on one disputed record",
        act=Act.CASE,
        parties=_CONTRIBUTOR | _EXCHANGE,
        permission=Permission.CASE,
    ),
    PurposeRule(
        purpose=Purpose.REGULATORY_AUDIT,
        title="A regulator's inspection under an order",
        act=Act.ORDER,
        parties=_REGULATOR,
        permission=Permission.CASE,
        dpv="LegalCompliance",
    ),
    PurposeRule(
        purpose=Purpose.STATISTICS,
        title="Aggregates under a privacy budget",
        act=Act.AGGREGATE,
        parties=_REGULATOR | _EXCHANGE,
        permission=Permission.BUDGET,
    ),
)

PURPOSES: Mapping[Purpose, PurposeRule] = MappingProxyType({rule.purpose: rule for rule in _RULES})
GRANT_PURPOSES = frozenset(rule.purpose for rule in _RULES if rule.needs_grant)
QUERY_PURPOSES = frozenset(rule.purpose for rule in _RULES if rule.act is Act.LOOK)
# Looks before new credit: others see how many there were, and they alone clear a payout.
NEW_CREDIT = frozenset({Purpose.CREDIT_APPLICATION, Purpose.GUARANTOR_CHECK})
# Looks at a borrower whom the asker has a claim on already; watches repeat them.
OWN_BOOK = frozenset(rule.purpose for rule in _RULES if rule.account is Account.OPEN)
