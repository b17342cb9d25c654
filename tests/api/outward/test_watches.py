"""Watches: what others report of one's borrower is told once, under a live grant, and logged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from exchange.app.ports import make_erase_ports
from exchange.domain.members import Role
from exchange.services.disputes.change_dispute import close_dispute
from exchange.services.erasure.shred_openings import erase_subject
from exchange.services.watches.keep_watch import Watched
from exchange_client.audit.export import verify_export
from tests.support.grant_desk import refusal, shown, token
from tests.support.outward.watching import WatchDesk
from tests.support.regulator import Regulator
from tests.support.sandbox import make_sandbox

DAY = 86_400


class Desks(NamedTuple):
    """Who watches, and who reports about the same borrowers."""

    watcher: WatchDesk
    other: WatchDesk


@pytest.fixture
def desks(database_url: str, tmp_path: Path) -> Iterator[Desks]:
    """Two lenders of one exchange."""
    sandbox = make_sandbox(database_url, tmp_path, watches_per_member_max=3)
    yield Desks(
        *(WatchDesk(sandbox=sandbox, key=sandbox.enrol(f"member-{letter}")) for letter in "ab")
    )
    sandbox.close()


def test_an_arrear_at_another_lender_is_told_with_its_bands(desks: Desks) -> None:
    """A lender must learn that its borrower fell behind elsewhere, and prove it was told so."""
    watcher, other = desks
    watch = watcher.watching()
    other.uploaded([other.late(days=40)])

    watcher.turn()

    entered, *_ = watcher.told()
    assert ["ENTERED_ARREARS", "NEW_LENDER", "GRADE_CHANGED"] == watcher.kinds()
    assert watch["watch_id"] == entered.facts["watch_id"]
    assert "own-1" == entered.facts["account_ref"]
    assert entered.bands is not None
    assert (2, "ADVERSE") == (entered.bands["current_bucket"], entered.bands["outcome"])
    assert "statement" not in entered.bands
    leaf = watcher.opened(str(entered.facts["leaf"]))
    assert ("watch", "ENTERED_ARREARS") == (leaf["subject"]["kind"], leaf["subject"]["event"])
    assert (watch["watch_id"], watch["grant"], "permitted") == tuple(
        leaf["audit"][name] for name in ("watch", "grant", "reason")
    )
    assert [] == other.told()


def test_a_regulator_finds_and_verifies_what_a_watch_was_told(desks: Desks, tmp_path: Path) -> None:
    """A lender must not look at anybody unseen, not even by being told; and an order to forget
    reaches what its watch remembers."""
    watcher, other = desks
    watch = watcher.watching(kinds=["ENTERED_ARREARS"])
    other.uploaded([other.late(days=40)])
    watcher.turn()
    sandbox = watcher.sandbox
    person = sandbox.enrol("authority", Role.REGULATOR)
    regulator = Regulator(sandbox=sandbox, first=person, second=person, lender=watcher.key)
    sandbox.sequence()

    found = regulator.get("entries?kind=watch")
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")

    assert 2 == found["total"]
    rows = found["entries"]
    assert isinstance(rows, list)
    assert [("watch", "U", "account_review", watch["watch_id"])] * 2 == [
        (row["type"], row["action"], row["purposeOfEvent"], entity(row, "watch")) for row in rows
    ]
    assert verify_export(folder, regulator.policy())
    subject = sandbox.ports.keyring.pseudonym(sandbox.ports.keyring.index("ep_1", token(1)))
    erase_subject(
        subject,
        "PIPL art. 47",
        "case-1",
        make_erase_ports(sandbox.settings, sandbox.ports, sandbox.database),
    )
    assert [(None,)] == watcher.sql("SELECT sealed FROM watch")
    assert 0 == watcher.turn(later_seconds=DAY + 60).told


def test_a_change_is_told_once_a_day_and_none_is_lost(desks: Desks) -> None:
    """A borrower that moves to and fro must not ring all day, and the last word must arrive."""
    watcher, other = desks
    watcher.watching(kinds=["ENTERED_ARREARS", "CURED"])

    for row in (
        other.late(days=5),
        other.clean(reason="AMEND"),
        other.late(days=6, reason="AMEND"),
        other.late(days=40, reason="AMEND"),
    ):
        other.uploaded([row])
        watcher.turn()
    in_one_day = watcher.kinds()
    watcher.turn(later_seconds=DAY + 60)
    watcher.turn(later_seconds=2 * DAY + 120)

    assert ["ENTERED_ARREARS", "CURED"] == in_one_day
    assert [*in_one_day, "ENTERED_ARREARS"] == watcher.kinds()


def test_what_the_log_tells_of_a_subject_is_looked_at_as_well(desks: Desks) -> None:
    """Records sent alone, disputes, withdrawals and looks of others touch no file."""
    watcher, other = desks
    watcher.watching(kinds=["ENTERED_ARREARS", "CURED", "DISPUTE_CHANGED", "MANY_QUERIES"])

    view = other.borrower_disputes(other.reported(days=35))
    watcher.turn()
    close_dispute(view.dispute.dispute_id, other.borrower(), other.sandbox.ports, agreed=True)
    shown(other.end(other.contribute(), "withdraw"))
    askers = [
        WatchDesk(sandbox=other.sandbox, key=other.sandbox.enrol(f"member-{letter}"))
        for letter in "cde"
    ]
    grants = [asker.granted() for asker in askers]
    watcher.turn()  # What happened to grants is looked at by now: the looks alone are news.
    for asker, grant in zip(askers, grants, strict=True):
        asker.answer(grant)
    watcher.turn()

    assert ["ENTERED_ARREARS", "DISPUTE_CHANGED", "CURED", "MANY_QUERIES"] == watcher.kinds()
    assert "3-4" == (watcher.told()[-1].bands or {})["velocity"]["30"]  # type: ignore[index]  # JSON, or the test fails


def test_a_watch_lives_as_long_as_what_it_rests_on(desks: Desks) -> None:
    """Whom one has lent nothing any more, or who withdrew, is nobody's to watch."""
    watcher, other = desks
    withdrawn, closed, expired = (watcher.watching(n) for n in (1, 2, 3))
    renewed = watcher.artefact(
        purpose="account_review", changes={"supersedes": str(expired["grant"])}
    )
    assert 200 == watcher.register(renewed, 3).status_code
    shown(watcher.end(str(withdrawn["grant"]), "withdraw"))
    settled: dict[str, object] = {"status": "SETTLED", "balance_minor": 0}
    days = {"status_on": watcher.day(0), "closed_on": watcher.day(0)}
    watcher.uploaded([watcher.clean(2, "own-2", **settled, **days)])
    other.uploaded([other.late(n, f"acc-{n}") for n in (1, 2, 3)])

    watcher.turn()

    assert ["GRANT", "ACCOUNT", None] == [
        watcher.stands(one) for one in (withdrawn, closed, expired)
    ]
    ended = {one.facts["watch_id"]: one for one in watcher.told() if one.kind == "WATCH_ENDED"}
    assert {withdrawn["watch_id"], closed["watch_id"]} == set(ended)
    assert "grant.withdrawn" == ended[withdrawn["watch_id"]].facts["reason"]
    leaf = watcher.opened(str(ended[closed["watch_id"]].facts["leaf"]))
    assert ("WATCH_ENDED", "ACCOUNT") == (leaf["subject"]["event"], leaf["audit"]["reason"])
    assert [(0,)] == watcher.sql(
        "SELECT count(*) FROM watch WHERE (ended_at IS NULL) <> (sealed IS NOT NULL)"
    )
    watcher.sql("UPDATE watch SET look_at = 0, expires_at = made_at RETURNING 1")
    watcher.sql("UPDATE watch SET ended_at = ended_at - 31 * 86400 RETURNING 1")
    watcher.turn()
    assert "EXPIRED" == watcher.stands(expired)
    assert 404 == watcher.send("GET", f"/v1/watches/{closed['watch_id']}").status_code


def test_a_watch_is_refused_by_field_and_rule(desks: Desks) -> None:
    """A lender must see what to mend; and nobody may watch whom it has lent nothing."""
    watcher = desks.watcher
    body = watcher.new_watch(1)
    assert (422, "watch.rule", "/account_ref") == refusal(watcher.send("POST", "/v1/watches", body))
    watcher.uploaded([watcher.clean(1, "own-1"), watcher.clean(2, "own-2")])
    monitoring = {"purpose": "portfolio_monitoring"}

    refused = [
        watcher.add_watch(1, tokens=watcher.new_watch(2)["tokens"]),
        watcher.add_watch(1, grant=watcher.granted(2, purpose="account_review")),
        watcher.add_watch(1, grant=watcher.granted(1, purpose="portfolio_monitoring")),
        watcher.add_watch(1, **monitoring, kinds=["MANY_QUERIES"]),
        watcher.add_watch(1, **monitoring, kinds=["GRADE_CHANGED"]),
    ]

    found = [(*refusal(one), one.get_json()["errors"][0]["code"]) for one in refused]
    assert [
        (422, "watch.rule", "/tokens", "watch.tokens"),
        (422, "watch.rule", "/grant", "grant.unusable"),
        (422, "watch.rule", "/grant", "grant.purpose"),
        (422, "watch.rule", "/kinds", "watch.kinds"),
        (422, "watch.rule", "/kinds", "watch.kinds"),
    ] == found
    assert [(0,)] == watcher.sql("SELECT count(*) FROM watch")
    quiet = shown(watcher.add_watch(1, **monitoring))
    assert {"ENTERED_ARREARS", "BUCKET_UP", "BUCKET_DOWN", "CURED", "DISPUTE_CHANGED"} == set(
        quiet["kinds"]  # type: ignore[call-overload]  # JSON, or the test fails
    )


def test_a_watch_is_its_members_alone_and_one_however_often_it_is_sent(desks: Desks) -> None:
    """A retry must not watch twice; another lender must not learn that there is a watch."""
    watcher, other = desks
    watcher.uploaded([watcher.clean(n, f"own-{n}") for n in (1, 2, 3, 4)])
    body = watcher.new_watch(1)
    first, again = (watcher.send("POST", "/v1/watches", body) for _ in range(2))
    path = f"/v1/watches/{body['watch_id']}"

    strange = [
        other.send("GET", path),
        other.send("DELETE", path),
        other.send("POST", f"{path}/renew", {}),
        other.send("DELETE", f"/v1/watches/{other.new_watch()['watch_id']}"),
    ]

    assert [(404, "absent", "")] * 4 == [refusal(one) for one in strange]
    assert shown(first) == shown(again)
    assert (None, "true") == tuple(one.headers.get("Cx-Replayed") for one in (first, again))
    other_words = watcher.send("POST", "/v1/watches", body | {"kinds": ["CURED"]})
    assert (409, "watch.conflict", "/watch_id") == refusal(other_words)
    grant = watcher.granted(1, purpose="account_review")
    renewed = shown(watcher.send("POST", f"{path}/renew", {"grant": grant}))
    assert grant == renewed["grant"]
    assert "true" == watcher.send("POST", f"{path}/renew", {}).headers["Cx-Replayed"]
    for n in (2, 3):
        shown(watcher.add_watch(n))
    assert (422, "watch.too_many", "") == refusal(watcher.add_watch(4))
    assert "REMOVED" == shown(watcher.send("DELETE", path))["ended_cause"]
    assert (409, "watch.ended", "") == refusal(watcher.send("POST", f"{path}/renew", {}))
    shown(watcher.add_watch(4))
    page = shown(watcher.send("GET", "/v1/watches?limit=3"))
    rest = shown(watcher.send("GET", f"/v1/watches?limit=3&cursor={page['next']}"))
    assert (3, 1) == (len(page["watches"]), len(rest["watches"]))  # type: ignore[arg-type]  # JSON, or the test fails
    assert [] == watcher.told()


def test_a_turn_that_is_cut_short_loses_nothing(
    desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is killed while it tells of an arrear must tell of it when it is back."""
    watcher, other = desks
    watcher.watching(kinds=["ENTERED_ARREARS"])
    other.uploaded([other.late(days=40)])
    for place in ("keep_watch.look_again", "look_again.seal_seen"):
        monkeypatch.setattr(f"exchange.services.watches.{place}", _killed)
        with pytest.raises(KeyboardInterrupt):
            watcher.turn()
        monkeypatch.undo()
        assert [] == watcher.told()

    damaged = watcher.watching(2)  # Looked at first, as it was touched with the other.
    watcher.sql("UPDATE watch SET look_at = 0, sealed = '' WHERE account_ref = 'own-2' RETURNING 1")

    turns = watcher.turn(), watcher.turn()

    assert [(2, 1), (0, 0)] == [(turn.looked, turn.told) for turn in turns]
    assert ["ENTERED_ARREARS"] == watcher.kinds()
    assert watcher.stands(damaged) is None


def test_where_nobody_watches_nothing_is_noted_or_read(desks: Desks) -> None:
    """Files and queries must not pay for what nobody asked for."""
    watcher, other = desks
    other.uploaded([other.late(days=40)])
    other.answer(other.granted())

    turns = watcher.turn(), watcher.turn()

    assert [Watched(marked=0, looked=0, told=0)] * 2 == list(turns)
    assert [(0,)] == watcher.sql("SELECT count(*) FROM watch_touch")
    unread = "SELECT count(*) FROM log_state s JOIN watch_reader r USING (log_id)"
    assert [(0,)] == watcher.sql(f"{unread} WHERE r.next_index < s.size")


def entity(row: dict[str, list[dict[str, object]]], kind: str) -> object:
    """Return what a row of the search names under this type."""
    return next(one["what"] for one in row["entity"] if one["type"] == kind)


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
