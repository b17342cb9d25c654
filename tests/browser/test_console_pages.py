"""The console as its people meet it: a real browser, a real passkey ceremony."""

from __future__ import annotations

from exchange.app.ports import make_audit_ports
from exchange.domain.members import Role
from exchange.services.audit.raise_flags import raise_flags
from exchange.services.log.write_leaves import write_leaves
from tests.api.audit.test_findings import loan
from tests.browser.conftest import Person, Served
from tests.browser.test_borrower_pages import keep_picture
from tests.support.record_desk import RecordDesk
from tests.support.regulator import look
from tests.support.seats import code_for


def come_in(person: Person, served: Served, member: str) -> None:
    """Follow the operator's link, make a passkey and sign in with it."""
    code = code_for(served.sandbox, member)
    person.page.goto(f"{person.base}/console/seat#{code}")
    person.page.get_by_role("button", name="Make the passkey").click()
    person.page.get_by_role("button", name="Sign in with your passkey").click()
    person.page.get_by_role("button", name="Sign out").wait_for()


def visit(person: Person, names: tuple[str, ...]) -> dict[str, list[str]]:
    """Open pages in both languages and dark; return the faults of each."""
    found = {}
    for language, scheme in (("en", "light"), ("zh-CN", "dark")):
        person.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for name in names:
            mark = "&" if "?" in name else "?"
            person.page.goto(f"{person.base}/console/{name}{mark}lang={language}")
            found[f"{name} {language}"] = person.faults()
            keep_picture(person, f"console-{name.partition('?')[0].replace('/', '-')}-{language}")
    return found


def test_a_regulator_signs_in_and_finds_an_entry_with_its_proof(
    person: Person, lender: RecordDesk, served: Served
) -> None:
    """From a link to the proof of one look, by mouse, with nothing asked of anybody else."""
    sandbox = served.sandbox
    sandbox.enrol("authority", Role.REGULATOR)
    for draft in (look(), look(), look(), look(), loan(paid_at=sandbox.ports.now() + 60)):
        with sandbox.ports.begin() as work:
            write_leaves(work, [draft], sandbox.ports, sandbox.ports.now())
            work.commit()
    sandbox.sequence()
    raise_flags(make_audit_ports(sandbox.settings, sandbox.ports, sandbox.database))
    person.page.set_viewport_size({"width": 1280, "height": 900})
    come_in(person, served, "authority")
    person.page.get_by_role("link", name="Access log").click()
    person.page.get_by_label("Member", exact=True).fill("member-a")
    person.page.get_by_label("Kind").select_option("query")
    person.page.get_by_role("button", name="Search").click()

    person.page.locator("tbody a").first.click()

    person.page.get_by_role("heading", name="Proof").wait_for()
    with person.page.expect_download() as taken:
        person.page.get_by_role("link", name="Download the proof").click()
    assert taken.value.suggested_filename.endswith(".tlog-proof")
    found = visit(person, ("overview", "entries?asked=1", "entries/1", "flags", "lend-first"))
    assert {name: [] for name in found} == found
    assert ([], []) == (person.strangers(), person.said)


def test_a_member_finds_the_faults_of_its_file(
    person: Person, lender: RecordDesk, served: Served
) -> None:
    """Whoever reports at night sees in the morning what to mend, and by which rule."""
    row = lender.clean(subject=7, account="acc-7", currency="XXX")
    rows = [lender.clean(subject=one, account=f"acc-{one}") for one in range(1, 7)]
    lender.uploaded([*rows, row])
    person.page.set_viewport_size({"width": 1280, "height": 900})
    come_in(person, served, lender.member)

    person.page.locator("tbody a").first.click()

    person.page.get_by_role("heading", name="Faults by rule").wait_for()
    path = person.page.url.partition("/console/")[2]
    names = ("files", path, "quality", "disputes", "notices", "watches", "events")
    found = visit(person, names)
    assert {name: [] for name in found} == found
    assert ([], []) == (person.strangers(), person.said)
