"""The consortium's report from the stored rows to a regulator's terminal, and what members get."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.app.verify_run import run_ports
from exchange.domain.records import month, month_text
from exchange.services.verify_run.verify_run import verify_run
from exchange_client.audit.leaves import AuditLeaf
from exchange_client.consortium import fetch_report, find_entry, verify_report
from exchange_client.core.encoding import JSON, b64url
from exchange_client.errors import ReceiptInvalid
from tests.api.audit.test_findings import loan, raised, rows
from tests.client.audit.test_cli_audit import terminal, told
from tests.support.grant_desk import token
from tests.support.life.consortium_desk import Consortium
from tests.support.regulator import look
from tests.support.terminal import Dead, Terminal


def test_a_report_tells_what_is_stored_and_is_made_once_a_month(consortium: Consortium) -> None:
    """A regulator's figure must be the sum of the members' own, on that night."""
    first, second = consortium.first, consortium.second
    first.uploaded([first.clean(1, "a-1", balance_minor=100), first.clean(2, "a-2")])
    two = [{"kind": "identity", "value": b64url(token(subject))} for subject in (3, 33)]
    business = {"product": "business_loan", "balance_minor": 300, "overdue_minor": 300}
    second.uploaded([second.late(1, "b-1", 91, **business), second.clean(3, "b-3", tokens=two)])
    second.uploaded([second.clean(4, "b-4", role="guarantor")])
    gone = second.clean(5, "b-5")
    second.uploaded([gone])
    second.end(str(gone["grant"]), "withdraw")
    second.uploaded([second.clean(6, "b-6")])  # Withdrawn as well, while a file is at it.
    second.sql(
        "INSERT INTO withheld SELECT record_id, version FROM account"
        " WHERE account_ref = 'b-6' RETURNING 1"
    )

    figures = consortium.made()

    assert consortium.makes() is None
    balances = {
        member: figures["classes"]["TOTAL"][member]["balance_minor"]
        for member in ("member-a", "member-b", "TOTAL")
    }
    assert {"member-a": 600_100, "member-b": 600_300, "TOTAL": 1_200_400} == balances
    assert {"member-a": "0.000000", "member-b": "0.000500", "TOTAL": "0.000250"} == figures[
        "npl_ratio"
    ]
    assert 300 == figures["stages"]["3"]["member-b"]["balance_minor"]
    assert (2, 1) == tuple(figures["lenders"][band]["subjects"] for band in ("1", "2"))
    keyring = consortium.regulator.sandbox.ports.keyring
    [debtor] = figures["cross_lender"]["listed"]
    assert keyring.pseudonym(keyring.index("ep_1", token(1))) == debtor["subject"]
    assert ("0.750000", 2) == (debtor["share"], debtor["lenders"])
    assert {"member-a": 100} == figures["cross_lender"]["better_minor"]


def test_balances_roll_from_one_report_to_the_next(consortium: Consortium) -> None:
    """What fell late in a month is the next month's loss."""
    desk = consortium.first
    rows = [
        desk.clean(1, "falls", balance_minor=100, as_of=desk.day(1)),
        desk.clean(2, "silent", balance_minor=10, as_of=desk.day(1)),
        desk.clean(3, "paid", balance_minor=1, as_of=desk.day(1)),
    ]
    desk.uploaded(rows)
    before = consortium.made()
    consortium.a_month_passes()
    closed = {"status": "SETTLED", "status_on": desk.day(0), "closed_on": desk.day(0)}
    desk.uploaded(
        [
            desk.late(1, "falls", 1, balance_minor=120, overdue_minor=5),
            desk.clean(3, "paid", balance_minor=0, **closed),
            desk.clean(4, "new", balance_minor=7),
        ]
    )

    now = consortium.made()

    assert 111 == before["classes"]["TOTAL"]["TOTAL"]["balance_minor"]
    moved, states = now["rolls"]["moved_minor"], now["rolls"]["states"]
    told = {
        (states[i], states[j]): minor
        for i, row in enumerate(moved)
        for j, minor in enumerate(row)
        if minor
    }
    assert {("0", "1"): 100, ("0", "X"): 10, ("0", "C"): 1} == told
    assert 7 == now["rolls"]["opened_minor"]
    assert 137 == now["classes"]["TOTAL"]["TOTAL"]["balance_minor"]
    consortium.a_month_passes()
    third = consortium.makes()
    assert third is not None
    assert 3 == third.records  # What was paid off before is not opened again.


def test_opening_every_record_is_a_leaf_that_commits_to_the_figures(
    consortium: Consortium,
) -> None:
    """Nobody looks at all borrowers at once unseen, be it for a statistic."""
    desk = consortium.first
    desk.uploaded([desk.clean(1, "a-1"), desk.clean(2, "a-2")])
    stored = consortium.makes()
    assert stored is not None
    regulator = consortium.regulator
    regulator.sandbox.sequence()

    entries = regulator.get("entries?kind=report")["entries"]

    assert isinstance(entries, list)
    [leaf] = entries
    report = consortium.read()
    assert ("report", "R", report.leaf) == (leaf["type"], leaf["action"], leaf["leaf"])
    assert [{"type": "report", "what": report.report_id}] == leaf["entity"]
    assert (2, report.month) == (
        leaf["detail"]["subject"]["rows"],
        leaf["detail"]["subject"]["month"],
    )
    assert report.figures_sha256 == leaf["detail"]["audit"]["figures_sha256"]
    ports = run_ports(regulator.sandbox.settings)
    assert [] == verify_run([], ports).of("I6")
    desk.sql("DELETE FROM report RETURNING 1")
    assert 1 == len(verify_run([], ports).of("I6"))


def test_members_get_another_document_and_nobody_gets_one_that_is_not_there(
    consortium: Consortium, tmp_path: Path
) -> None:
    """What one lender holds is for the supervisor alone."""
    desk, regulator = consortium.first, consortium.regulator
    desk.uploaded([desk.clean(1, "a-1", balance_minor=987_654)])
    assert 404 == desk.send("GET", "/v1/reports/consortium").status_code
    assert consortium.makes() is not None
    this = month_text(month(desk.today))

    with regulator.sandbox.exchange(desk.key) as exchange:
        report = exchange.audit(fetch_report(exchange.pins, this))

    assert ("members", None, this) == (report.view, report.records, report.month)
    shown = json.dumps(dict(report.figures))
    assert not any(one in shown for one in ("member-a", "987654", '"p:'))
    reads = "SELECT count(*) FROM log_search WHERE kind = 'regulator_access'"
    assert [(0,)] == desk.sql(reads)
    assert "regulator" == consortium.read().view
    assert [(1,)] == desk.sql(reads)
    assert 404 == desk.send("GET", "/v1/reports/consortium?month=2020-01").status_code
    cx = Terminal(folder=tmp_path, sandbox=regulator.sandbox, key=desk.key)
    desk.key.save(cx.at("key"))
    regulator.sandbox.pins().save(cx.at("pins"))
    assert "* is withheld" in cx.cx("report", "consortium").output
    refused = desk.send("GET", "/v1/reports/consortium?month=2026-13")
    assert (422, True) == (refused.status_code, "/month" in refused.text)


def test_a_kept_report_is_verified_offline_and_a_changed_one_is_not(
    consortium: Consortium, tmp_path: Path
) -> None:
    """A court's own machine tells whether a figure is the exchange's."""
    desk = consortium.first
    desk.uploaded([desk.late(1, "a-1", 200, product="business_loan"), desk.clean(2, "a-2")])
    assert consortium.makes() is not None
    consortium.regulator.sandbox.sequence()
    cx = terminal(consortium.regulator, tmp_path)
    kept = tmp_path / "report.jws"
    page = tmp_path / "report.html"

    asked = told(cx.cx("report", "consortium", "--out", str(kept), "--json"))
    words = ("report", "consortium", "--file", str(kept))
    told(cx.cx("audit", "export", str(tmp_path / "export"), "--json"))
    logged = ("--dir", str(tmp_path / "export"), "--policy", str(cx.at("policy")))
    offline = cx.cx(*words, "--html", str(page), *logged, transport=Dead())
    head, claims, signature = kept.read_text().strip().split(".")
    kept.write_text(f"{head}.{claims[:-4]}AAAA.{signature}")
    changed = cx.cx(*words, transport=Dead())

    assert (True, 2) == (asked["verified"], asked["figures"]["accounts"])
    assert 0 == offline.exit_code, offline.output
    assert "member-a" in offline.output
    assert "of the log commits to it" in offline.output
    assert "stage 3" in page.read_text()
    assert 4 == changed.exit_code
    pins = consortium.regulator.sandbox.pins()
    with pytest.raises(ReceiptInvalid):
        verify_report(kept.read_text(), pins)
    report = consortium.read()
    for change in ({"iss": "other"}, {"form": "consortium/2"}, {"view": "all"}, {"figures": None}):
        with pytest.raises(ReceiptInvalid):
            verify_report(consortium.signed(report.text, change), pins)
    assert report == verify_report(consortium.signed(report.text, {}), pins)
    entry: dict[str, JSON] = {"kind": "report", "month": report.month, "rows": 2}
    audit: dict[str, JSON] = {"report": report.report_id, "figures_sha256": report.figures_sha256}
    leaf = AuditLeaf(index=7, subject=entry, audit=audit)
    assert 7 == find_entry(report, [leaf])
    for other in (
        replace(leaf, audit={**audit, "figures_sha256": "x"}),
        replace(leaf, audit={**audit, "report": "rpt_x"}),
        replace(leaf, subject={**entry, "rows": 3}),
        replace(leaf, subject={**entry, "kind": "batch"}),
    ):
        with pytest.raises(ReceiptInvalid):
            find_entry(report, [other])


def test_lend_first_is_told_as_the_worker_judged_it_last(consortium: Consortium) -> None:
    """Two judgements of the same loans are one too many for a supervisor."""
    regulator = consortium.regulator
    now = regulator.sandbox.ports.now()
    regulator.looks(
        *(look(f"p:{number:032x}") for number in range(18)),
        *(loan(f"p:{number:032x}", paid_at=now + 5) for number in range(20)),
    )
    raised(regulator)
    desk = consortium.first
    desk.uploaded([desk.clean(1, "a-1")])

    [told_month] = consortium.made()["lend_first"]["months"]

    [judged] = rows(regulator.get("lend-first"), "months")
    del judged["evidence"], judged["unwitnessed"]
    log, size = told_month.pop("log"), told_month.pop("size")
    assert judged == told_month
    assert ("2/20", regulator.sandbox.ports.origin(now)) == (told_month["ratio"], log)
    assert 38 <= size <= regulator.size()
