"""Record files over HTTP: taken whole, once, and only by what the rules allow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exchange.domain.members import Role
from exchange.domain.merkle import leaf_hash, root
from exchange.domain.rows import RULES
from exchange_client.core.encoding import b64url
from exchange_client.core.ids import new_id
from tests.support.batches import dumps
from tests.support.grant_desk import answer_claims, refusal, shown, token
from tests.support.life.parts import part
from tests.support.record_desk import RecordDesk
from tests.support.rows import ABSENT
from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> RecordDesk:
    """The desk of one lender."""
    return RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))


@pytest.fixture
def other(sandbox: Sandbox) -> RecordDesk:
    """The desk of another lender."""
    return RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))


def test_a_file_is_taken_and_its_receipt_counts_what_became_of_it(desk: RecordDesk) -> None:
    """The receipt is the lender's evidence that it reported, and what."""
    rows = [desk.late(1, "acc-1"), desk.clean(2, "acc-2")]

    claims = desk.uploaded(rows)

    expected = {"stored": 2, "unchanged": 0, "amended": 0, "deleted": 0, "faulted": 0, "warned": 0}
    assert expected == {name: claims[name] for name in expected}
    assert {"CNY": {"balance_minor": 1_200_000, "overdue_minor": 50_000}} == claims["sums"]
    assert "WHOLE" == claims["totals"]
    assert b64url(root([leaf_hash(dumps(row)) for row in rows])) == claims["rows_root"]


def test_the_leaf_of_a_batch_says_who_reported_how_much(desk: RecordDesk) -> None:
    """The regulator finds every file in the log, and can hold the lender's copy against it."""
    claims = desk.uploaded([desk.late()])

    opened = desk.opened(str(claims["leaf"]))

    assert "batch" == opened["subject"]["kind"]
    assert 1 == opened["subject"]["rows"]
    assert claims["batch"] == opened["audit"]["batch"]
    assert 0 == opened["audit"]["faults"]
    assert desk.key.keyid == opened["audit"]["key"]


def test_what_was_reported_is_what_others_learn(desk: RecordDesk, other: RecordDesk) -> None:
    """The whole point: the next lender sees the arrear."""
    desk.uploaded([desk.late(1, days=35)])

    claims = answer_claims(other.ask(other.granted(1), 1))

    assert "ADVERSE" == claims["outcome"]
    assert isinstance(claims["finding"], dict)
    assert 2 == claims["finding"]["current_bucket"]
    assert ("NO_DATA", "permitted") == desk.answer(desk.granted(1), 1)


def test_the_same_file_again_gives_the_first_receipt_and_no_leaf(desk: RecordDesk) -> None:
    """A50: a lender that lost the answer just sends again."""
    content = desk.file([desk.late()])
    first = shown(desk.upload(content))

    again = desk.upload(content)

    assert first == shown(again)
    assert "true" == again.headers["Cx-Replayed"]
    assert 1 == desk.leaves("batch")
    assert 1 == desk.records()


def test_the_same_id_with_other_bytes_is_a_conflict(desk: RecordDesk) -> None:
    """A51: an id names one file for ever."""
    batch_id = new_id("bat")
    desk.uploaded([desk.late()], batch_id=batch_id)

    second = desk.upload(desk.file([desk.clean(2, "acc-2")], {"batch_id": batch_id}))

    assert (409, "batch.conflict", "/batch_id") == refusal(second)
    assert 1 == desk.records()


def test_a_row_that_says_what_is_stored_makes_no_version(desk: RecordDesk) -> None:
    """Nightly full files must not grow the record by a version a night."""
    rows = [desk.late(1, "acc-1"), desk.clean(2, "acc-2")]
    desk.uploaded(rows)

    claims = desk.uploaded([rows[0], rows[1] | {"balance_minor": 599_999}])

    assert (1, 1) == (claims["stored"], claims["unchanged"])
    assert 3 == desk.records()


def test_good_rows_are_stored_beside_faulty_ones_and_every_fault_is_listed(
    desk: RecordDesk,
) -> None:
    """One bad row in ten must not hold back the other nine."""
    good = [desk.clean(n, f"acc-{n}") for n in range(1, 10)]
    bad = desk.late(10, "acc-10", dpd=29)

    claims = desk.uploaded([*good, bad])

    assert (9, 1) == (claims["stored"], claims["faulted"])
    assert [
        {
            "line": 11,
            "field": "dpd",
            "code": "row.dpd_mismatch",
            "severity": "REJECT",
            "rule": RULES["row.dpd_mismatch"],
        }
    ] == desk.faults(claims["batch"])
    assert 9 == desk.records()


def test_too_many_faulty_rows_refuse_the_file_and_keep_its_faults(desk: RecordDesk) -> None:
    """A wrong column in every row is the export's fault, not the borrowers'."""
    batch_id = new_id("bat")
    rows = [desk.clean(1, "acc-1"), desk.late(2, "acc-2", dpd=29)]
    content = desk.file(rows, {"batch_id": batch_id})

    refused = desk.upload(content)

    assert (422, "batch.fault_share", "/2/dpd") == refusal(refused)
    assert (422, "batch.fault_share", "/2/dpd") == refusal(desk.upload(content))
    batch = shown(desk.send("GET", f"/v1/batches/{batch_id}"))
    assert ("REJECTED", 1, None) == (batch["state"], batch["faults"], batch["receipt"])
    assert 1 == len(desk.faults(batch_id))
    assert (0, 0) == (desk.records(), desk.leaves("batch"))


@pytest.mark.parametrize("dpd", [29, "29"], ids=["of a rule", "of the form"])
def test_all_or_nothing_means_it(desk: RecordDesk, dpd: object) -> None:
    """A lender that asks for all gets all or nothing."""
    rows = [desk.clean(n, f"acc-{n}") for n in range(1, 10)]
    whole = desk.file([*rows, desk.late(10, "acc-10", dpd=dpd)], {"mode": "ALL_OR_NOTHING"})

    refused = desk.upload(whole)

    assert (422, "batch.fault_share", "/10/dpd") == refusal(refused)
    assert 0 == desk.records()
    assert 9 == desk.uploaded(rows, mode="ALL_OR_NOTHING")["stored"]


def test_a_dry_run_checks_everything_and_changes_nothing(desk: RecordDesk) -> None:
    """A lender can try its export before it counts."""
    rows = [desk.clean(n, f"acc-{n}") for n in range(1, 10)]

    claims = desk.uploaded([*rows, desk.late(10, "acc-10", dpd=29)], dry_run=True)

    assert (9, 1, None) == (claims["stored"], claims["faulted"], claims["leaf"])
    assert 1 == len(desk.faults(claims["batch"]))
    assert (0, 0) == (desk.records(), desk.leaves("batch"))
    assert "DRY_RUN_DONE" == shown(desk.send("GET", f"/v1/batches/{claims['batch']}"))["state"]


def test_a_full_file_says_how_many_open_accounts_it_leaves_out(desk: RecordDesk) -> None:
    """An account that silently fell out of the export is found, and never closed for it."""
    desk.uploaded([desk.clean(n, f"acc-{n}") for n in range(1, 4)])
    rows = [desk.clean(1, "acc-1")]

    full, delta = (desk.uploaded(rows, kind=kind)["absent"] for kind in ("FULL", "DELTA"))

    assert (2, 0) == (full, delta)
    assert [(3,)] == desk.sql("SELECT count(*) FROM record WHERE current AND open")


def test_the_higher_sequence_wins_whatever_arrives_first(desk: RecordDesk) -> None:
    """A47: a file that was delayed must not undo a newer one."""
    desk.uploaded([desk.clean(balance_minor=2)], sequence=20)

    late = desk.uploaded([desk.clean(balance_minor=1)], sequence=19)

    assert (0, 0, 1) == (late["stored"], late["faulted"], late["warned"])
    assert ["row.superseded"] == [fault["code"] for fault in desk.faults(late["batch"])]
    assert 1 == desk.records()


def test_a_repeated_statement_is_the_latest_word_too(desk: RecordDesk) -> None:
    """What a newer file confirmed, an older one must not change."""
    row = desk.clean(balance_minor=2)
    desk.uploaded([row], sequence=20)
    desk.uploaded([row], sequence=22)

    assert 1 == desk.uploaded([desk.clean(balance_minor=1)], sequence=21)["warned"]
    assert 1 == desk.records()


def test_files_that_race_on_one_account_leave_one_current_version(desk: RecordDesk) -> None:
    """A47: whoever wins, there is one truth."""
    files = [desk.file([desk.clean(balance_minor=n)]) for n in range(1, 7)]

    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(desk.upload, files))

    assert {200} == {reply.status_code for reply in replies}
    rows = desk.sql("SELECT version, current FROM record ORDER BY version")
    assert [(n, n == len(rows)) for n in range(1, len(rows) + 1)] == rows
    sequences = desk.sql("SELECT sequence FROM account")
    assert [(desk.sequence,)] == sequences


def test_one_file_sent_by_many_at_once_is_taken_once(desk: RecordDesk) -> None:
    """A50: a retry that overtakes the first try must not double it."""
    content = desk.file([desk.late()])

    with ThreadPoolExecutor(6) as pool:
        replies = [shown(reply) for reply in pool.map(desk.upload, [content] * 6)]

    assert all(replies[0] == reply for reply in replies)
    assert (1, 1) == (desk.records(), desk.leaves("batch"))


def test_a_subject_is_found_under_each_of_its_identity_tokens_and_counts_once(
    desk: RecordDesk, other: RecordDesk
) -> None:
    """A borrower with a new passport is the same borrower."""
    tokens = [{"kind": "identity", "value": b64url(token(n))} for n in (1, 2)]
    desk.uploaded([desk.late(1, tokens=tokens)])

    asked = [answer_claims(other.ask(other.granted(n), n))["finding"] for n in (1, 2)]
    both = answer_claims(other.ask(other.granted(1), 1, changes={"tokens": tokens}))["finding"]

    assert asked[0] == asked[1]
    assert isinstance(both, dict)
    assert "1" == both["open_overdue_band"]


def test_a_later_version_replaces_the_record_under_every_token(
    desk: RecordDesk, other: RecordDesk
) -> None:
    """A cure must show wherever the arrear showed."""
    tokens = [{"kind": "identity", "value": b64url(token(n))} for n in (1, 2)]
    desk.uploaded([desk.late(1, tokens=tokens, as_of=desk.day(1), dpd=29)])
    desk.uploaded([desk.clean(1)])  # The second document is no longer reported.

    finding = answer_claims(other.ask(other.granted(1), 1))["finding"]
    assert isinstance(finding, dict)
    assert 0 == finding["current_bucket"]
    assert "NO_DATA" == other.answer(other.granted(2), 2)[0]


def test_a_renumbered_account_goes_on_as_the_same_record(desk: RecordDesk) -> None:
    """A lender's new numbering must not double its book."""
    desk.uploaded([desk.clean(1, "old-1")])
    renumbered = desk.clean(1, "new-1", reason="RENUMBER", previous_ref="old-1")

    claims = desk.uploaded([renumbered])

    assert 1 == claims["stored"]
    assert [("new-1", 2)] == desk.sql("SELECT account_ref, version FROM account")
    assert [(1,)] == desk.sql("SELECT count(DISTINCT record_id) FROM record")
    assert 1 == desk.uploaded([renumbered])["unchanged"]


def test_a_deleted_account_is_nowhere_and_may_come_back_as_another(
    desk: RecordDesk, other: RecordDesk
) -> None:
    """What was never true must be gone at the commit."""
    desk.uploaded([desk.late()])
    delete: dict[str, object] = {
        "op": "DELETE",
        "account_ref": "acc-1",
        "reason": "DELETE_ERROR",
        "as_of": desk.day(0),
    }

    assert 1 == desk.uploaded([delete])["deleted"]

    assert "NO_DATA" == other.answer(other.granted(1), 1)[0]
    assert 1 == desk.uploaded([desk.clean()])["stored"]
    assert [(2,)] == desk.sql("SELECT count(DISTINCT record_id) FROM record")
    assert "NO_ADVERSE" == other.answer(other.granted(1), 1)[0]


def test_rows_need_a_live_contribute_grant_of_this_subject(
    desk: RecordDesk, other: RecordDesk
) -> None:
    """No consent, no report: each way to have none is named."""
    ended = desk.granted(6, purpose="contribute")
    shown(desk.end(ended, "withdraw"))
    theirs = other.contribute(7)
    rows = [
        desk.clean(1, "acc-1", grant=desk.granted(1)),
        desk.clean(2, "acc-2", grant=desk.contribute(1)),
        desk.clean(3, "acc-3", grant="gnt_0000000000007000800000000000000f"),
        desk.clean(6, "acc-6", grant=ended),
        desk.clean(7, "acc-7", grant=theirs),
        desk.clean(8, "acc-8", grant=ABSENT),
        *[desk.clean(n, f"acc-{n}") for n in range(20, 50)],
    ]
    rows[5].pop("grant", None)

    claims = desk.uploaded(rows)

    assert 30 == claims["stored"]
    assert [
        (2, "row.grant_purpose"),
        (3, "row.grant_subject"),
        (4, "row.grant_missing"),
        (5, "row.grant_withdrawn"),
        (6, "row.grant_missing"),
        (7, "row.grant_missing"),
    ] == [(fault["line"], fault["code"]) for fault in desk.faults(claims["batch"])]


def test_whatever_becomes_of_a_row_its_grant_is_judged(desk: RecordDesk) -> None:
    """A row that stores nothing is refused for its grant all the same, beside its other faults."""
    ended = desk.granted(6, purpose="contribute")
    both = [{"kind": "identity", "value": b64url(token(n))} for n in (1, 2)]
    kept = [desk.clean(6, "same", grant=ended), desk.clean(6, "moved", grant=ended)]
    desk.uploaded([*kept, *[desk.clean(n, f"acc-{n}") for n in range(20, 30)]])
    shown(desk.end(ended, "withdraw"))

    rows = [
        kept[0],
        {**kept[1], "tokens": both, "balance_minor": 1},
        desk.clean(6, "twice", grant=ended),
        desk.clean(6, "twice", grant=ended),
        *[desk.clean(1, f"both-{n}", tokens=both) for n in range(30)],
    ]
    claims = desk.uploaded(rows)

    assert 30 == claims["stored"]
    assert [
        (2, "row.grant_withdrawn"),
        (3, "row.grant_subject"),
        (3, "row.subject_changed"),
        (4, "row.duplicate"),
        (4, "row.grant_withdrawn"),
        (5, "row.duplicate"),
        (5, "row.grant_withdrawn"),
    ] == [
        (fault["line"], fault["code"])
        for fault in desk.faults(claims["batch"])
        if fault["severity"] == "REJECT"
    ]


def test_a_withdrawn_consent_takes_its_records_out_at_once(
    desk: RecordDesk, other: RecordDesk
) -> None:
    """The borrower's no acts on the very next query, under every document."""
    tokens = [{"kind": "identity", "value": b64url(token(n))} for n in (1, 2)]
    desk.uploaded([desk.late(1, tokens=tokens)])

    shown(desk.end(desk.contribute(1), "withdraw"))

    assert ["NO_DATA", "NO_DATA"] == [other.answer(other.granted(n), n)[0] for n in (1, 2)]


@pytest.mark.parametrize(
    ("header", "code", "pointer"),
    [
        ({"member": "member-b"}, "batch.rule", "/member"),
        ({"profile": "us@1"}, "batch.rule", "/profile"),
        ({"epoch": "ep_9"}, "token.epoch", "/epoch"),
    ],
)
def test_a_header_that_speaks_of_something_else_is_refused(
    desk: RecordDesk, header: dict[str, object], code: str, pointer: str
) -> None:
    """A file for another consortium must not end up in this one."""
    refused = desk.upload(desk.file([desk.clean()], header))

    assert (code, pointer) == refusal(refused)[1:]
    assert 0 == desk.records()


def test_rows_outside_the_files_period_are_refused(desk: RecordDesk) -> None:
    """A file of March must not carry a row of February by mistake."""
    rows = [desk.clean(n, f"acc-{n}") for n in range(1, 10)]
    stray = desk.clean(10, "acc-10", as_of=desk.day(3))

    claims = desk.uploaded([*rows, stray], as_of_from=desk.day(1))

    assert [("as_of", "row.date_order")] == [
        (fault["field"], fault["code"]) for fault in desk.faults(claims["batch"])
    ]


def test_the_quota_of_uploads_counts_every_try(database_url: str, tmp_path: Path) -> None:
    """A52: uploads are bounded a day, refused ones included."""
    sandbox = make_sandbox(database_url, tmp_path, uploads_per_day=2)
    desk = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    desk.uploaded([desk.clean()])
    assert 422 == desk.upload(desk.file([desk.late(dpd=1)])).status_code

    file = desk.file([desk.clean(balance_minor=1)])

    third, first_part = desk.upload(file), part(desk, file, 0, len(file) - 1)

    assert [(429, "quota.spent", "")] * 2 == [refusal(third), refusal(first_part)]
    left = 86_400 - sandbox.ports.now() % 86_400
    assert 0 <= int(third.headers["Retry-After"]) - left <= 60
    sandbox.close()


def test_a_batch_of_another_member_looks_absent(desk: RecordDesk, other: RecordDesk) -> None:
    """A63: nobody learns of another's files, not even that they exist."""
    batch_id = desk.uploaded([desk.clean()])["batch"]
    absent = new_id("bat")

    for path in ("", "/faults"):
        replies = [
            other.send("GET", f"/v1/batches/{one}{path}").get_json() | {"request_id": ""}
            for one in (batch_id, absent)
        ]
        assert replies[0] == replies[1]
        assert 404 == replies[0]["status"]


def test_only_contributors_may_report(sandbox: Sandbox) -> None:
    """A66: a regulator, or a member that only asks, writes no records."""
    asker = RecordDesk(sandbox=sandbox, key=sandbox.enrol("member-q", Role.ASKER))

    replies = [
        asker.upload(asker.file([asker.clean(grant="gnt_0000000000007000800000000000000f")])),
        asker.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR"),
        asker.send("GET", f"/v1/batches/{new_id('bat')}"),
    ]

    assert [(403, "auth.role", "")] * 3 == [refusal(reply) for reply in replies]


def test_what_lies_in_the_database_says_nothing_of_the_row(desk: RecordDesk) -> None:
    """T5: a thief of the database learns neither whom nor what."""
    row = desk.late(1, "acc-1", balance_minor=123_456_789)
    desk.uploaded([row])

    stored = desk.sql("SELECT record::text FROM record")[0][0]

    assert token(1).hex() not in str(stored)
    assert b"CNY".hex() not in str(stored)
    assert b"OVERDUE".hex() not in str(stored)
