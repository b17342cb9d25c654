"""The closed vocabulary of the log: no writer says less or more than was decided."""

from __future__ import annotations

import pytest

from exchange.domain.log.kinds import FORMS, Kind, check_payloads
from exchange.errors import InternalError

# What the borrower may see, and what is kept between the member and the regulator.
KEPT_FROM_BORROWERS = {"operator", "application", "key", "user", "approvers", "hits"}


@pytest.mark.parametrize("kind", Kind)
def test_a_leaf_says_what_its_kind_must_say(kind: Kind) -> None:
    """A writer would be refused for keeping to the rules, and its act would stay undone."""
    form = FORMS[kind]

    check_payloads(kind, form.subject.must, form.audit.must)
    check_payloads(kind, form.subject.may, form.audit.may)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("slot", ["subject", "audit"])
def test_a_leaf_says_nothing_beyond_its_kind(kind: Kind, slot: str) -> None:
    """A careless writer would tell a borrower, or the whole audit, what nobody decided to tell."""
    members = {"subject": FORMS[kind].subject.must, "audit": FORMS[kind].audit.must}
    members[slot] |= {"dpd"}

    with pytest.raises(InternalError, match=r"dpd.*beyond"):
        check_payloads(kind, members["subject"], members["audit"])


@pytest.mark.parametrize("kind", Kind)
def test_a_leaf_leaves_nothing_out(kind: Kind) -> None:
    """A leaf without its time, member or subject's number is no evidence of anything."""
    form = FORMS[kind]

    for member in form.subject.must:
        with pytest.raises(InternalError, match=member):
            check_payloads(kind, form.subject.must - {member}, form.audit.must)
    for member in form.audit.must:
        with pytest.raises(InternalError, match=member):
            check_payloads(kind, form.subject.must, form.audit.must - {member})


def test_no_other_kind_is_written() -> None:
    """A kind that no rule knows is one that no auditor looks for."""
    with pytest.raises(InternalError, match="peek"):
        check_payloads("peek", {"kind", "t"}, ())

    assert set(Kind) == FORMS.keys()


def test_what_names_employees_stands_in_the_audit_slot_alone() -> None:
    """A borrower who opens its own history would read the names of a lender's employees."""
    for form in FORMS.values():
        assert frozenset() == form.subject.may & KEPT_FROM_BORROWERS
