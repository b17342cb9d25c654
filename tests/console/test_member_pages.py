"""A member's pages: its own files, disputes and watches, and nothing of anybody else's."""

from __future__ import annotations

import pytest

from tests.support.dispute_desk import DisputeDesk
from tests.support.sandbox import Sandbox
from tests.support.seats import seen, sit


@pytest.fixture
def lender(sandbox: Sandbox) -> DisputeDesk:
    """A lender that reports."""
    return DisputeDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))


def test_a_file_shows_its_faults_by_rule_and_no_other_member_sees_it(
    lender: DisputeDesk, sandbox: Sandbox
) -> None:
    """Who must mend ten thousand rows needs the rule; whose they are is nobody else's business."""
    sandbox.enrol("member-b")
    rows = [lender.clean(subject=one, account=f"acc-{one}") for one in range(1, 7)]
    batch = str(
        lender.uploaded([*rows, lender.clean(subject=7, account="acc-7", currency="XXX")])["batch"]
    )
    own, other = sit(sandbox, "member-a"), sit(sandbox, "member-b")
    path = f"/console/files/{batch}"

    text = seen(own, path)

    [fault] = lender.faults(batch)
    assert f"{fault['code']} 1 REJECT {fault['rule']}" in text
    assert "Rows 7" in text
    assert batch in seen(own, "/console/files")
    assert 404 == other.get(path).status_code
    assert "No file was sent yet" in seen(other, "/console/files")


def test_a_dispute_stands_with_its_clock_and_what_was_said_is_for_its_member_alone(
    lender: DisputeDesk, sandbox: Sandbox
) -> None:
    """Nobody answers in time what they do not see; and no other lender reads a borrower's words."""
    sandbox.enrol("member-b")
    lender.reported()
    dispute = lender.opened_dispute(text="It was paid <in May>.")
    own, other = sit(sandbox, "member-a"), sit(sandbox, "member-b")

    listed, said = seen(own, "/console/disputes"), seen(own, f"/console/disputes/{dispute}")

    assert dispute in listed
    assert "in time" in listed
    assert "It was paid <in May>." in said
    assert "There is no such dispute" in seen(other, "/console/disputes")
    assert 404 == other.get(f"/console/disputes/{dispute}").status_code
    lender.let_days_pass(dispute, 60)
    assert dispute in seen(own, "/console/disputes?overdue=on")


def test_every_page_of_a_member_opens(lender: DisputeDesk, sandbox: Sandbox) -> None:
    """A page that fails where there is nothing yet is the first that a new member sees."""
    browser = sit(sandbox, lender.member)

    texts = [
        seen(browser, f"/console/{name}?lang={language}")
        for name in ("files", "quality", "disputes", "notices", "watches", "events")
        for language in ("en", "zh-CN")
    ]

    assert all("Synthetic member member-a" in text for text in texts)
