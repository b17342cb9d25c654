"""Logs that stand just below a rule's line, or just beyond it."""

from __future__ import annotations

from exchange_client.core.encoding import JSON
from tests.support.audit_leaves import START, Log

HOUR, DAY = 3_600, 86_400


def hour_of_subjects(count: int) -> Log:
    """One operator, so many subjects in a clock hour."""
    log = Log()
    for number in range(count):
        log.look(START + number, f"p:{number}", operator="op-1")
    return log


def two_hours_of_subjects(count: int) -> Log:
    """The same number, over the turn of an hour."""
    log = Log()
    for number in range(count):
        log.look(START + HOUR - 20 + number, f"p:{number}", operator="op-1")
    return log


def no_data(percent: int) -> Log:
    """A hundred looks of which none met nobody, then a hundred of which so many did."""
    log = Log()
    for number in range(200):
        outcome = "NO_DATA" if 100 <= number < 100 + percent else "NO_ADVERSE"
        log.look(START + number * 400, f"p:{number}", operator=f"op-{number}", outcome=outcome)
    return log


def usage(evaluations: int) -> Log:
    """A day with a hundred questions and rows, and so many evaluations."""
    log = Log()
    said: dict[str, JSON] = {
        "member": "member-a",
        "evaluations": evaluations,
        "queries": 40,
        "rows": 60,
    }
    log.add("usage", START, {**said, "proofs": 40}, {})
    return log


def unproven(proofs: int) -> Log:
    """A day with a hundred questions, so many of them proven."""
    log = Log()
    said: dict[str, JSON] = {"member": "member-a", "evaluations": 100, "queries": 100, "rows": 0}
    log.add("usage", START, {**said, "proofs": 100 - proofs}, {})
    return log


def shared_application(subjects: int) -> Log:
    """One application, so many subjects, and a guarantor."""
    log = Log()
    for number in range(subjects):
        log.look(START + number, f"p:{number}", application="app-1")
    log.look(START + 9, "p:guarantor", application="app-1", purpose="guarantor_check")
    return log


def looks_without_loans(unpaid: int) -> Log:
    """A hundred old looks, so many of which led to nothing, and one look of today."""
    log = Log()
    for number in range(100):
        log.look(START + number * HOUR, f"p:{number}")
    for number in range(unpaid, 100):
        log.add(
            "disbursement", START + 10 * DAY, {"member": "member-a", "subject": f"p:{number}"}, {}
        )
    log.look(START + 50 * DAY, "p:today")
    return log


def repeated(times: int) -> Log:
    """One subject, so many looks, the first and the last just under a day apart."""
    log = Log()
    for number in range(times):
        log.look(START + number * (DAY - 1) // max(1, times - 1))
    return log


def repeated_over_a_day(times: int) -> Log:
    """The same, exactly a day apart."""
    log = Log()
    for number in range(times):
        log.look(START + number * DAY // max(1, times - 1))
    return log


def probed(refused: int) -> Log:
    """Two hundred looks, so many of them refused."""
    log = Log()
    for number in range(200):
        outcome = "WITHHELD" if number < refused else "NO_ADVERSE"
        log.look(START + number * 300, f"p:{number}", operator=f"op-{number}", outcome=outcome)
    return log


def stacked(members: int) -> Log:
    """One subject at so many members in one day."""
    log = Log()
    for number in range(members):
        log.look(START + number * HOUR, member=f"member-{number}")
    return log


def newcomer(subjects: int) -> Log:
    """An operator on its first day, so many subjects."""
    log = Log()
    for number in range(subjects):
        log.look(START + number * HOUR, f"p:{number}", operator="op-new")
    return log


def odd_hours(looks: int) -> Log:
    """A member that asks by day for a month, and then so often in one night (UTC+8)."""
    log = Log()
    for number in range(120):
        log.look(START + number // 4 * DAY + 4 * HOUR, f"p:{number}", operator=f"op-{number}")
    night = START + 40 * DAY + 17 * HOUR  # 01:00 of the next day there
    for number in range(looks):
        log.look(night + number, f"p:n{number}", operator="op-1")
    return log


def spiked(looks: int) -> Log:
    """The same hour of eight weeks with ten looks each, then so many."""
    log = Log()
    for week in range(8):
        for number in range(10):
            log.look(START + week * 7 * DAY + number, f"p:{week}-{number}", operator=f"o{number}")
    for number in range(looks):
        log.look(START + 56 * DAY + number, f"p:{number}", operator=f"o{number}")
    return log


def drifted(percent: int) -> Log:
    """A hundred looks for one purpose, then a hundred of which so many are for another."""
    log = Log()
    for number in range(200):
        purpose = "account_review" if 100 <= number < 100 + percent else "credit_application"
        log.look(START + number * 400, f"p:{number}", operator=f"op-{number}", purpose=purpose)
    return log
