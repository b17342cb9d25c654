"""Lend first, ask later: each class at its edge, by two implementations that must agree."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.domain.lend_first import (
    DAY_SECONDS,
    Check,
    Loan,
    LoanLook,
    WitnessTimes,
    judge,
    months,
)
from exchange_client.audit.leaves import AuditLeaf
from exchange_client.audit.lend_first import judge as judged_elsewhere
from exchange_client.core.encoding import JSON

PAID = 1_790_000_000
LOAN = Loan(
    index=9, member="member-a", subject="p:1", account="acc-1", paid_at=PAID, disbursed=True
)


def look(index: int = 5, *, t: int = PAID, after: int | None = 3) -> LoanLook:
    """Make a look at the borrower."""
    return LoanLook(index=index, member="member-a", subject="p:1", t=t, after=after)


def both(looks: list[LoanLook], quorums: list[tuple[int, int]]) -> tuple[Check, int | None, bool]:
    """Judge the loan by both implementations."""
    [ours] = judge([LOAN], looks, WitnessTimes(quorums))
    leaves = [_leaf(one) for one in looks]
    leaves.append(_loan_leaf(LOAN))
    [theirs] = judged_elsewhere(leaves, quorums)
    found = (ours.check, None if ours.look is None else ours.look.index, ours.witnessed)
    assert found == (theirs.check, theirs.look, theirs.witnessed), "the implementations differ"
    return found


def _loan_leaf(loan: Loan) -> AuditLeaf:
    kind: dict[str, JSON] = (
        {"kind": "disbursement"} if loan.disbursed else {"kind": "record", "event": "opened"}
    )
    said: dict[str, JSON] = {"account": loan.account, "paid_at": loan.paid_at}
    whom: dict[str, JSON] = {"member": loan.member, "subject": loan.subject}
    return AuditLeaf(index=loan.index, subject=kind | whom, audit=said)


def _leaf(one: LoanLook) -> AuditLeaf:
    subject: dict[str, JSON] = {
        "kind": "query",
        "member": one.member,
        "subject": one.subject,
        "purpose": "credit_application",
        "outcome": "NO_DATA",
        "t": one.t,
    }
    after: dict[str, JSON] = {} if one.after is None else {"after": {"size": one.after}}
    return AuditLeaf(index=one.index, subject=subject, audit=after)


@pytest.mark.parametrize(
    ("hi", "lo", "check"),
    [
        (PAID - 100, PAID - 200, Check.IN_TIME),
        (PAID + 60, PAID - 200, Check.IN_TIME),  # the witnesses' rhythm is allowed for
        (PAID + 61, PAID - 200, Check.LATE),
        (PAID - 100, PAID - 30 * DAY_SECONDS, Check.IN_TIME),
        (PAID - 100, PAID - 30 * DAY_SECONDS - 1, Check.STALE),
        (PAID, PAID - 31 * DAY_SECONDS, Check.STALE),
        (PAID + 1, PAID - 31 * DAY_SECONDS, Check.LATE),
        (PAID + 30 * DAY_SECONDS, PAID + 29 * DAY_SECONDS, Check.LATE),
        (PAID + 30 * DAY_SECONDS + 1, PAID + 29 * DAY_SECONDS, Check.NEVER),
    ],
)
def test_the_witnesses_times_decide_the_class(hi: int, lo: int, check: Check) -> None:
    """Who lent first is told from who asked first, to the second."""
    found, _, witnessed = both([look()], [(3, lo), (6, hi)])

    assert (check, True if check is Check.NEVER else witnessed) == (found, witnessed)


def test_a_loan_nobody_looked_at_was_never_checked() -> None:
    """Silence clears no loan."""
    assert (Check.NEVER, None, True) == both([], [(3, PAID)])


def test_a_back_dated_look_cannot_clear_a_loan() -> None:
    """The exchange's own clock, set back for a friend, changes nothing."""
    found = both([look(t=PAID - 1_000)], [(3, PAID + 500), (6, PAID + 1_000)])

    assert Check.LATE is found[0]


def test_an_earlier_checkpoint_without_a_quorum_does_not_count() -> None:
    """Only what witnesses saw is seen."""
    times = WitnessTimes([(7, PAID + 100), (20, PAID + 50)])

    assert (PAID + 50, PAID + 50, None) == (times.hi(6), times.hi(19), times.hi(20))


def test_without_any_quorum_the_exchanges_time_stands_in_and_says_so() -> None:
    """A consortium without witnesses still sees its ratios, marked as its own word."""
    assert (Check.IN_TIME, 5, False) == both([look(t=PAID - 5)], [])


def test_of_several_looks_the_best_class_counts_and_the_newest_shows_it() -> None:
    """A later look does not spoil an earlier one."""
    quorums = [(3, PAID - 500), (5, PAID - 400), (6, PAID - 300), (8, PAID + 900)]

    found = both([look(4, after=3), look(5, after=3), look(7, after=3)], quorums)

    assert (Check.IN_TIME, 5, True) == found


def test_months_are_counted_by_member() -> None:
    """A ratio is of one member's loans of one month."""
    loans = [replace(LOAN, index=n, member=f"member-{n % 2}", account=f"acc-{n}") for n in range(4)]

    found = months(judge(loans, [], WitnessTimes([])))

    assert [("member-0", "2026-09", 2), ("member-1", "2026-09", 2)] == [
        (one.member, one.month, one.unchecked) for one in found
    ]


@given(
    reports=st.lists(
        st.tuples(st.booleans(), st.sampled_from("ab"), st.sampled_from("xy")), max_size=8
    )
)
def test_both_implementations_count_each_loan_once(reports: list[tuple[bool, str, str]]) -> None:
    """An account that records tell of is no second loan beside its disbursement."""
    loans = [
        replace(LOAN, index=index, disbursed=disbursed, member=member, account=account)
        for index, (disbursed, member, account) in enumerate(reports)
    ]
    leaves = [_loan_leaf(one) for one in loans]

    counted = [one.loan.index for one in judge(loans, [], WitnessTimes([]))]

    assert counted == [one.index for one in judged_elsewhere(leaves, [])]
    places = [(loans[index].member, loans[index].account) for index in counted]
    told = [(one.member, one.account) for one in loans]
    paid = [(one.member, one.account) for one in loans if one.disbursed]
    assert set(told) == set(places)
    assert all(places.count(one) == max(1, paid.count(one)) for one in places)


@given(
    looks=st.lists(
        st.tuples(st.integers(0, 8), st.integers(-40, 40), st.sampled_from([None, 2, 5])),
        max_size=5,
        unique_by=lambda one: one[0],
    ),
    quorums=st.lists(st.tuples(st.integers(1, 12), st.integers(-40, 40)), max_size=6),
)
def test_both_implementations_judge_any_loan_alike(
    looks: list[tuple[int, int, int | None]], quorums: list[tuple[int, int]]
) -> None:
    """A regulator who judges an export comes to the exchange's ratio."""
    made = [look(index, t=PAID + days * DAY_SECONDS, after=after) for index, days, after in looks]

    both(made, [(size, PAID + days * DAY_SECONDS) for size, days in quorums])
