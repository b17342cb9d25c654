"""Flags and lend-first over HTTP, and the same found again from an export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exchange.app.ports import make_audit_ports
from exchange.services.audit.raise_flags import raise_flags
from exchange.services.log.write_leaves import LeafDraft
from exchange_client.audit.export import verify_export
from exchange_client.audit.flags.finding import compare, load_parameters
from exchange_client.audit.lend_first import judge_export, summary
from tests.client.audit.test_cli_audit import terminal, told
from tests.support.access_log import run_sql
from tests.support.borrowers import borrower
from tests.support.regulator import SUBJECT, Regulator, look
from tests.support.terminal import Dead


def raised(regulator: Regulator) -> int:
    """Look for flags, as the worker does."""
    sandbox = regulator.sandbox
    count = raise_flags(make_audit_ports(sandbox.settings, sandbox.ports, sandbox.database))
    sandbox.sequence()
    return count


def loan(subject: str = SUBJECT, *, paid_at: int) -> LeafDraft:
    """Draft a loan that was paid out."""
    return LeafDraft(
        kind="disbursement",
        member="member-a",
        subject=subject,
        audit_slot={
            "disbursement": "dsb_1",
            "account": "acc-1",
            "paid_at": paid_at,
            "request_sha256": "",
            "key": "member-a/k1",
        },
    )


def rows(found: dict[str, object], name: str) -> list[Any]:
    """Return a list of an answer."""
    listed = found[name]
    assert isinstance(listed, list)
    return listed


def test_a_flag_is_raised_once_and_its_hits_are_found_by_it(regulator: Regulator) -> None:
    """A regulator goes from the flag to the looks that caused it."""
    regulator.looks(look(), look(), look(), look(), look("p:" + "0b" * 16, application="app-2"))

    first, again = raised(regulator), raised(regulator)

    assert (1, 0) == (first, again)
    [flag] = rows(regulator.get("flags"), "flags")
    assert ("repeat/1", "member-a", 4) == (flag["rule"], flag["member"], len(flag["hits"]))
    hits = rows(regulator.get("entries?flag=repeat/1"), "entries")
    assert flag["hits"] == [row["index"] for row in hits]
    assert [] == rows(regulator.get("flags?rule=probing/1"), "flags")


def test_a_flag_that_means_no_one_member_is_raised_like_every_other(
    regulator: Regulator,
) -> None:
    """Three lenders asked in a day is everyday business: it must not end the worker that looks."""
    regulator.looks(*[look(member=f"member-{name}") for name in "abc"])

    assert 1 == raised(regulator)

    [flag] = rows(regulator.get("flags"), "flags")
    assert ("stacking/1", "", 3) == (flag["rule"], flag["member"], len(flag["hits"]))
    [leaf] = rows(regulator.get("entries?kind=flag"), "entries")
    assert "" == leaf.get("member", "")


def test_flags_are_found_again_from_an_export(regulator: Regulator, tmp_path: Path) -> None:
    """Nobody has to believe the exchange about its flags."""
    regulator.looks(*(look() for _ in range(4)))
    assert 1 == raised(regulator)
    size = regulator.size()
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={size}")

    compared = compare(verify_export(folder, regulator.policy()), load_parameters(None))

    assert compared.agree
    assert ["repeat/1"] == [flag.rule for flag in compared.found]


def test_a_look_at_a_colleague_is_flagged_from_the_members_own_list(
    regulator: Regulator, tmp_path: Path
) -> None:
    """Insiders look up the people they know, and nobody outside can tell who those are."""
    sandbox = regulator.sandbox
    lender = sandbox.exchange(sandbox.enrol("member-s"))
    colleague, customer = borrower(1), borrower(2)
    lender.list_staff([colleague])
    for one in (colleague, customer):
        lender.query(one, purpose="credit_application", operator="op-1", application_ref="app-1")
    sandbox.sequence()

    raised(regulator)

    [flag] = rows(regulator.get("flags?rule=insider/1"), "flags")
    assert ("member-s", 1) == (flag["member"], len(flag["hits"]))
    size = regulator.size()
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={size}")
    assert compare(verify_export(folder, regulator.policy()), load_parameters(None)).agree
    lender.list_staff([])  # It replaces the list: nobody is a colleague any more.
    lender.query(colleague, purpose="credit_application", operator="op-1", application_ref="app-2")
    sandbox.sequence()
    raised(regulator)
    assert [flag] == rows(regulator.get("flags?rule=insider/1"), "flags")


def test_a_flag_that_was_held_back_is_missed(regulator: Regulator, tmp_path: Path) -> None:
    """An exchange that spares a member is found out by whoever takes an export."""
    regulator.looks(*(look() for _ in range(4)))
    regulator.sandbox.sequence()
    cx = terminal(regulator, tmp_path)
    told(cx.cx("audit", "export", str(tmp_path / "export"), "--json"))

    done = cx.cx("audit", "flags", "--recompute", str(tmp_path / "export"), "--json")

    assert 4 == done.exit_code
    assert ["repeat/1"] == [flag["rule"] for flag in json.loads(done.stdout)["missing"]]


def test_the_ratio_is_the_same_from_the_exchange_and_from_an_export(
    regulator: Regulator, tmp_path: Path
) -> None:
    """The share of loans that nobody looked at first is a fact and not a report."""
    now = regulator.sandbox.ports.now()
    never, late = "p:" + "0b" * 16, "p:" + "0c" * 16
    regulator.looks(
        look(),
        loan(paid_at=now + 5),
        loan(never, paid_at=now),
        look(late),
        loan(late, paid_at=now - 3_600),
    )

    [month] = rows(regulator.get("lend-first"), "months")

    counts = {name: month[name] for name in ("loans", "IN_TIME", "STALE", "LATE", "NEVER")}
    assert {"loans": 3, "IN_TIME": 1, "STALE": 0, "LATE": 1, "NEVER": 1} == counts
    assert month["ratio"] is None  # Under twenty loans there are only counts.
    size = regulator.size()
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={size}")
    assert [month] == summary(judge_export(verify_export(folder, regulator.policy())))


def test_a_refused_look_clears_no_loan(regulator: Regulator) -> None:
    """Who was not answered has not looked."""
    now = regulator.sandbox.ports.now()
    regulator.looks(look(outcome="WITHHELD"), loan(paid_at=now + 5))

    [month] = rows(regulator.get("lend-first?member=member-a"), "months")

    assert (1, 0) == (month["NEVER"], month["IN_TIME"])
    assert [] == rows(regulator.get("lend-first?member=member-b"), "months")


def test_a_month_of_loans_without_looks_is_flagged_once_it_is_over(regulator: Regulator) -> None:
    """Paying out first and asking later is a flag, once nobody can ask in time any more."""
    now = regulator.sandbox.ports.now()
    old = now - 70 * 86_400
    regulator.looks(*(loan(f"p:{number:032x}", paid_at=old) for number in range(20)))

    assert 1 == raised(regulator)

    [flag] = rows(regulator.get("flags?rule=lend_first/1"), "flags")
    assert (20, old, old) == (len(flag["hits"]), flag["from"], flag["to"])


def test_a_members_standing_is_its_entries_outcomes_and_flags(regulator: Regulator) -> None:
    """An inspector starts a visit with one page."""
    regulator.looks(*(look() for _ in range(4)), look(outcome="WITHHELD"))
    raised(regulator)

    [member] = rows(regulator.get("compliance?member=member-a"), "members")

    assert {"NO_DATA": 4, "WITHHELD": 1} == member["outcomes"]
    assert {"repeat/1": 1} == member["flags"]
    assert 5 == member["entries"]["query"]


def test_the_commands_show_what_was_found(regulator: Regulator, tmp_path: Path) -> None:
    """From a terminal, as a table for the file of the case."""
    now = regulator.sandbox.ports.now()
    regulator.looks(*(look() for _ in range(4)), loan(paid_at=now + 9))
    raised(regulator)
    cx = terminal(regulator, tmp_path)
    told(cx.cx("audit", "export", str(tmp_path / "export"), "--json"))

    flags = cx.cx("audit", "flags", "--csv")
    asked = told(cx.cx("audit", "lend-first", "--json"))
    words = ("audit", "lend-first", "--dir", str(tmp_path / "export"), "--json")
    offline = told(cx.cx(*words, transport=Dead()))

    assert '"repeat/1","member-a"' in flags.output
    assert asked["months"] == offline["months"]
    assert 0 == cx.cx("audit", "log").exit_code


def test_reads_of_findings_are_leaves_as_well(regulator: Regulator) -> None:
    """Whoever reads the flags is seen reading them."""
    for what in ("flags", "lend-first", "compliance"):
        regulator.get(what)
    url = regulator.sandbox.settings.libpq_url

    count = run_sql(url, "SELECT count(*) FROM log_search WHERE kind = 'regulator_access'")

    assert [(3,)] == count


@pytest.mark.parametrize(("query", "field"), [("lend-first?month=2026-13", "/month")])
def test_a_month_that_never_comes_is_refused(regulator: Regulator, query: str, field: str) -> None:
    """A slip of the pen is told and not answered with an empty list."""
    response = regulator.send("GET", f"/audit/v1/{query}")

    assert 422 == response.status_code
    assert field in response.text
