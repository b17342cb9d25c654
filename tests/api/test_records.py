"""Records sent alone: a batch of one, by the same rules."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from exchange_client.core.encoding import loads_object, unb64url
from tests.support.grant_desk import answer_claims, refusal, shown
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import Sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> RecordDesk:
    """The desk of one lender."""
    return RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))


@pytest.fixture
def other(sandbox: Sandbox) -> RecordDesk:
    """The desk of another lender."""
    return RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))


def test_a_record_is_stored_signed_and_seen_by_others(desk: RecordDesk, other: RecordDesk) -> None:
    """A lender without a nightly file can still report the one account that went bad."""
    put = shown(desk.put(desk.late(1, days=35)))

    assert ("stored", "acc-1", []) == (put["event"], put["account_ref"], put["warnings"])
    assert "ADVERSE" == other.answer(other.granted(1), 1)[0]


def test_the_leaf_of_a_record_speaks_of_its_subject(desk: RecordDesk) -> None:
    """The borrower can be shown who reported what kind of event, and when."""
    put = shown(desk.put(desk.late()))

    opened = desk.opened(str(put["leaf"]))

    assert ("record", "member-a", "stored") == tuple(
        opened["subject"][name] for name in ("kind", "member", "event")
    )
    assert str(opened["subject"]["subject"]).startswith("p:")
    assert "acc-1" == opened["audit"]["account"]
    assert "acc-1" not in str(opened["subject"])


def test_the_same_statement_again_changes_nothing_and_leaves_no_leaf(desk: RecordDesk) -> None:
    """A retry is free."""
    row = desk.late()
    first = shown(desk.put(row))

    again = shown(desk.put(row))

    assert ("stored", "unchanged", None) == (first["event"], again["event"], again["leaf"])
    assert (1, 1) == (desk.records(), desk.leaves("record"))


def test_a_record_alone_and_a_row_of_a_file_are_one_account(desk: RecordDesk) -> None:
    """Nightly files and corrections in between speak of one book."""
    desk.uploaded([desk.clean(as_of=desk.day(40))], sequence=50)
    assert "stored" == shown(desk.put(desk.late()))["event"]

    assert 1 == desk.uploaded([desk.late(balance_minor=700_000)], sequence=51)["stored"]
    assert 1 == desk.uploaded([desk.clean()], sequence=50)["warned"]  # superseded
    assert [(3, True)] == desk.sql("SELECT version, current FROM record WHERE current")


def test_an_amendment_is_told_as_one(desk: RecordDesk, other: RecordDesk) -> None:
    """A correction must show as a correction."""
    shown(desk.put(desk.late()))

    put = shown(desk.put(desk.clean(reason="AMEND")))

    assert "amended" == put["event"]
    assert "amended" == receipt_of(put)["event"]
    assert "NO_ADVERSE" == other.answer(other.granted(1), 1)[0]


def receipt_of(put: Mapping[str, object]) -> Mapping[str, object]:
    """Return the claims of a record's receipt."""
    return loads_object(unb64url(str(put["receipt"]).split(".")[1]))


def test_every_broken_rule_is_named_with_its_field(desk: RecordDesk) -> None:
    """One round trip should be enough to mend a row."""
    refused = desk.put(desk.late(dpd=31, currency="USD", five_class=1))

    problem = refused.get_json()
    assert (422, "row.rule") == (refused.status_code, problem["code"])
    assert [
        ("/currency", "row.currency"),
        ("/dpd", "row.dpd_mismatch"),
        ("/five_class", "row.class_below_floor"),
    ] == [(fault["pointer"], fault["code"]) for fault in problem["errors"]]
    assert (0, 0) == (desk.records(), desk.leaves("record"))


def test_the_path_names_the_account_of_the_body(desk: RecordDesk) -> None:
    """A mixed-up path must not overwrite another borrower's account."""
    row = desk.clean()
    body = {"epoch": "ep_1", "profile": "cn@1", **row}

    refused = desk.send("PUT", "/v1/records/acc-2", body)

    assert (422, "request.field", "/account_ref") == refusal(refused)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"epoch": "ep_9"}, (409, "token.epoch", "/epoch")),
        ({"profile": "us@1"}, (422, "request.field", "/profile")),
        ({"epoch": 1}, (422, "row.rule", "/epoch")),
        ({"op": "DELETE"}, (422, "row.rule", "/op")),
    ],
)
def test_what_a_files_header_would_say_is_checked(
    desk: RecordDesk, more: dict[str, object], expected: tuple[int, str, str]
) -> None:
    """A token of another epoch names nobody here."""
    assert expected == refusal(desk.put(desk.clean(), **more))


def test_warnings_come_with_the_stored_record(desk: RecordDesk) -> None:
    """Unlikely is not wrong: the row counts, and the lender hears of it."""
    put = shown(desk.put(desk.late(principal_minor=10_000)))

    code = "plaus.overdue_over_3x_principal"
    assert [{"field": "overdue_minor", "code": code}] == put["warnings"]
    assert [code] == receipt_of(put)["warnings"]
    assert 1 == desk.records()


@pytest.mark.parametrize("reason", ["DELETE_ERROR", "DELETE_FRAUD"])
def test_a_deleted_record_leaves_every_answer_at_once(
    desk: RecordDesk, other: RecordDesk, reason: str
) -> None:
    """A victim of identity theft must not wait for a nightly job."""
    shown(desk.put(desk.late()))

    put = shown(desk.send("DELETE", f"/v1/records/acc-1?reason={reason}"))

    assert "deleted" == put["event"]
    assert "NO_DATA" == other.answer(other.granted(1), 1)[0]
    again = desk.put(desk.clean())
    if reason == "DELETE_FRAUD":
        assert (422, "row.rule", "/account_ref") == refusal(again)
    else:
        assert "stored" == shown(again)["event"]


def test_what_is_not_there_cannot_be_deleted(desk: RecordDesk, other: RecordDesk) -> None:
    """A63: another's account looks like one that never was."""
    shown(other.put(other.late(1, "acc-1")))

    replies = [desk.send("DELETE", f"/v1/records/acc-{n}?reason=DELETE_ERROR") for n in (1, 2)]

    assert [(404, "absent", "/account_ref")] * 2 == [refusal(reply) for reply in replies]
    assert 1 == desk.records()


@pytest.mark.parametrize(
    "query", ["", "?reason=AMEND", "?reason=", "?reason=DELETE_ERROR&reason=DELETE_ERROR", "?r=x"]
)
def test_a_deletion_says_why(desk: RecordDesk, query: str) -> None:
    """The two deletions do not mean the same to the borrower."""
    shown(desk.put(desk.late()))

    refused = desk.send("DELETE", f"/v1/records/acc-1{query}")

    assert (422, "request.field", "/reason") == refusal(refused)
    assert 1 == desk.records()


def test_a_dispute_mark_stays_on_the_next_version(desk: RecordDesk, other: RecordDesk) -> None:
    """A lender cannot clear a dispute by reporting again."""
    shown(desk.put(desk.late()))
    desk.sql("INSERT INTO dispute_mark SELECT DISTINCT record_id FROM record RETURNING 1")

    shown(desk.put(desk.late(balance_minor=700_000)))

    finding = answer_claims(other.ask(other.granted(1), 1))["finding"]
    assert isinstance(finding, dict)
    assert finding["dispute"] is True


def test_a_damaged_record_stops_the_upload_and_is_no_clean_slate(desk: RecordDesk) -> None:
    """Edited storage must alarm, not be overwritten."""
    shown(desk.put(desk.late()))
    desk.sql(
        "UPDATE record SET sealed = set_byte(sealed, 40, 255 - get_byte(sealed, 40)) RETURNING 1"
    )

    refused = desk.put(desk.clean())

    assert (503, "exchange.integrity", "") == refusal(refused)
    assert 1 == desk.records()


def test_a_first_listing_names_a_notice_that_was_registered(desk: RecordDesk) -> None:
    """A borrower who was told in words that nobody approved was not told."""
    told = desk.notice() | {"template": "ntc_unknown:1.0.0"}
    wrong = desk.late(notice=told)

    assert (422, "row.rule", "/notice") == refusal(desk.put(wrong))
    problem = desk.upload(desk.file([wrong])).get_json()
    assert ["row.notice_template"] == [one["code"] for one in problem["errors"]]
    assert 0 == desk.sql("SELECT count(*) FROM account")[0][0]
    desk.uploaded([desk.late()])
