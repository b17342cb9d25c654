"""The purge: what is past its time is gone with its keys, and the certificate says so."""

from __future__ import annotations

import json

import pytest

from exchange.domain import merkle
from exchange.domain.base64url import b64url
from exchange.domain.life.purging import version_entry
from exchange.domain.records import later
from exchange.errors import IntegrityError, PurgeRunning
from exchange.services.retention.purge_records import Purged
from exchange_client.core.encoding import unb64url
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import refusal, shown
from tests.support.life.purging import due, purged, settle


def claims_of(done: Purged) -> dict[str, object]:
    """Return the certificate's claims."""
    claims: dict[str, object] = json.loads(unb64url(done.run.certificate.split(".")[1]))
    return claims


def test_a_record_goes_when_its_last_episode_is_past_and_not_before(desk: DisputeDesk) -> None:
    """Five years after the end of an arrear it must not haunt the borrower (CRR art. 16)."""
    desk.reported()
    settle(desk)

    last = later(desk.today, 12 * 5)

    assert [(last,)] == desk.sql("SELECT purge_on FROM record WHERE current")
    due(desk, 1)
    assert 0 == purged(desk).run.records
    due(desk, 0)
    done = purged(desk)

    assert (1, 2) == (done.run.records, done.run.versions)
    assert [(0, 0)] == desk.sql(
        "SELECT (SELECT count(*) FROM record), (SELECT count(*) FROM account)"
    )


def test_a_running_arrear_never_goes(desk: DisputeDesk) -> None:
    """No clock runs while the debt does (CRR art. 16)."""
    desk.reported()

    done = purged(desk)

    assert (0, 1) == (done.run.records, desk.records())
    assert [(None,)] == desk.sql("SELECT purge_on FROM record")


@pytest.mark.parametrize(("reason", "again"), [("DELETE_ERROR", 200), ("DELETE_FRAUD", 422)])
def test_a_deleted_record_leaves_a_tombstone_and_fraud_is_never_reported_again(
    desk: DisputeDesk, reason: str, again: int
) -> None:
    """A victim of identity theft stays free of the account after everything is forgotten."""
    record = desk.reported()
    shown(desk.send("DELETE", f"/v1/records/acc-1?reason={reason}"))

    done = purged(desk)

    assert {reason: 1} == {n: c for n, c in dict(claims_of(done)["records"]).items() if c}  # type: ignore[call-overload]  # an object
    assert [(record, reason)] == desk.sql("SELECT record_id, reason FROM tombstone")
    answered = desk.put(desk.late())
    assert again == answered.status_code
    if again == 200:
        assert [(True,)] == desk.sql("SELECT record_id <> %s FROM account", record)
    else:
        assert "row.after_fraud_delete" == answered.get_json()["errors"][0]["code"]


def test_withdrawn_records_lose_their_keys(desk: DisputeDesk) -> None:
    """A consent that was taken back must leave nothing to open."""
    desk.reported()
    shown(desk.end(desk.contribute(), "withdraw"))

    done = purged(desk)

    assert 1 == dict(claims_of(done)["records"])["WITHDRAWN"]  # type: ignore[call-overload]  # an object
    assert 0 == desk.records()


def test_the_certificate_names_what_went_by_a_root_that_anyone_can_compute(
    desk: DisputeDesk,
) -> None:
    """A regulator holds the ids that went against the signed root."""
    desk.reported()
    shown(desk.put(desk.late(days=35, balance_minor=700_000)))
    shown(desk.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR"))
    rows = desk.sql("SELECT record_id, version FROM record ORDER BY record_id, version")

    done = purged(desk)

    entries = [version_entry(record, version) for record, version in rows]  # type: ignore[arg-type]  # rows of SQL
    root = merkle.root([merkle.leaf_hash(entry) for entry in entries])
    claims = claims_of(done)
    assert (b64url(root), 3, "cn@1") == (claims["root"], claims["keys"], claims["profile"])
    assert 1 == desk.leaves("erasure")


def test_a_second_run_of_a_day_removes_nothing_and_gives_the_first_certificate(
    desk: DisputeDesk,
) -> None:
    """A job that a scheduler starts twice must not tell two stories."""
    desk.reported()
    shown(desk.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR"))
    first = purged(desk)

    again = purged(desk)

    assert first.run.certificate == again.run.certificate
    assert (1, 1) == (len(desk.sql("SELECT 1 FROM purge_run")), desk.leaves("erasure"))


def test_a_turn_takes_so_many_and_says_that_there_are_more(desk: DisputeDesk) -> None:
    """A backlog must not become one transaction of hours."""
    for n in range(3):
        desk.reported(n + 1, f"acc-{n}")
        shown(desk.send("DELETE", f"/v1/records/acc-{n}?reason=DELETE_ERROR"))

    turns = [purged(desk, records_max=2) for _ in range(2)]

    assert [(2, True), (1, False)] == [(turn.run.records, turn.full) for turn in turns]
    assert 0 == desk.records()


def test_a_record_that_does_not_open_stops_the_turn_and_nothing_is_lost(desk: DisputeDesk) -> None:
    """Damage must alarm, not be swept away."""
    desk.reported()
    shown(desk.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR"))
    desk.sql("UPDATE record SET sealed = %s WHERE current RETURNING 1", b"x" * 300)

    with pytest.raises(IntegrityError):
        purged(desk)

    assert (2, 0) == (desk.records(), desk.leaves("erasure"))


def test_what_is_due_is_out_of_every_answer_whether_or_not_the_purge_ran(
    desk: DisputeDesk, other: DisputeDesk
) -> None:
    """A job that failed for a week must cost no borrower a loan."""
    desk.reported()
    shown(desk.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR"))
    before = other.answer(other.granted(1), 1)

    purged(desk)

    assert ("NO_DATA", "permitted") == before == other.answer(other.granted(1), 1)


def test_a_purge_that_is_under_way_keeps_a_second_one_out(desk: DisputeDesk) -> None:
    """Two jobs at once would certify the same thing twice."""
    with desk.sandbox.ports.begin() as work:
        assert work.retention.begin_purge()

        with pytest.raises(PurgeRunning):
            purged(desk)


def test_a_refused_deletion_is_no_purge(desk: DisputeDesk) -> None:
    """Only what was deleted may be forgotten."""
    desk.reported()

    refused = desk.send("DELETE", "/v1/records/acc-9?reason=DELETE_ERROR")

    assert (404, "absent", "/account_ref") == refusal(refused)
    assert (0, 1) == (purged(desk).run.records, desk.records())
