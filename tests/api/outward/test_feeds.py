"""What a member is told of its grants, and of everything else, over HTTP."""

from __future__ import annotations

import json

import pytest

from consent.purposes import Purpose
from tests.support.grant_desk import GrantDesk, refusal, shown
from tests.support.sandbox import Sandbox


def changes(desk: GrantDesk, query: str = "") -> list[dict[str, object]]:
    """Read one page of what became of a lender's grants."""
    found = shown(desk.send("GET", f"/v1/grants/changes{query}"))["changes"]
    assert isinstance(found, list)
    return found


def test_the_changes_tell_every_end_and_pause_of_a_grant_in_order(desk: GrantDesk) -> None:
    """A lender that caches a consent must learn of its end, or it acts on a dead one."""
    first, second = desk.granted(1), desk.granted(2)
    desk.end(first, "pause")
    desk.end(second, "revoke", {"reason": "not_needed"})
    desk.end(first, "resume")
    desk.end(first, "withdraw", {"channel": "app"})

    told = changes(desk)

    assert [
        ("paused", first, "PAUSED"),
        ("revoked", second, "REVOKED"),
        ("resumed", first, "ACTIVE"),
        ("withdrawn", first, "WITHDRAWN"),
    ] == [(one["change"], one["grant_id"], one["state"]) for one in told]
    assert "relay.app" == told[-1]["reason"]
    assert "withdraw" == desk.opened(str(told[-1]["leaf"]))["subject"]["event"]


def test_the_feed_of_events_holds_the_same_under_the_same_ids(desk: GrantDesk) -> None:
    """A place in one feed is a place in the other, so a lender keeps one bookmark."""
    grant = desk.granted()
    desk.end(grant, "withdraw")

    events = shown(desk.send("GET", "/v1/events"))["events"]

    assert isinstance(events, list)
    assert [one["event_id"] for one in changes(desk)] == [one["event_id"] for one in events]
    assert [("GRANT_WITHDRAWN", grant)] == [
        (one["kind"], one["facts"]["grant_id"]) for one in events
    ]


def test_ending_a_grant_twice_is_told_once(desk: GrantDesk) -> None:
    """A retry of the lender's is no second event."""
    grant = desk.granted()

    for _ in range(2):
        desk.end(grant, "withdraw")

    assert 1 == len(changes(desk))


def test_a_refused_change_tells_nobody(desk: GrantDesk) -> None:
    """An event about something that did not happen would be a lie."""
    grant = desk.granted()

    refused = desk.end(grant, "resume")

    assert 409 == refused.status_code
    assert [] == changes(desk)


def test_a74_the_feed_is_read_on_from_the_last_event_held(desk: GrantDesk) -> None:
    """A lender that was down for a week goes on where it stopped, while new events come in."""
    grants = [desk.granted(subject) for subject in range(1, 8)]
    seen: list[object] = []
    for grant in grants[:5]:
        desk.end(grant, "withdraw")
    after = ""
    while True:
        page = shown(desk.send("GET", f"/v1/grants/changes?limit=2{after}"))
        rows = page["changes"]
        assert isinstance(rows, list)
        seen += [row["grant_id"] for row in rows]
        if len(seen) == 4:
            for grant in grants[5:]:
                desk.end(grant, "withdraw")
        after = f"&after={page['last']}"
        if not page["has_more"]:
            break

    assert grants == seen
    nothing = shown(desk.send("GET", f"/v1/grants/changes?limit=2{after}"))
    assert ([], False, page["last"]) == (nothing["changes"], nothing["has_more"], nothing["last"])


def test_a_member_is_told_of_its_own_grants_alone(sandbox: Sandbox, desk: GrantDesk) -> None:
    """What becomes of one lender's grants is nothing that another may know."""
    other = GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))
    desk.end(desk.granted(), "withdraw")
    own = str(changes(desk)[0]["event_id"])

    seen = changes(other)
    borrowed = other.send("GET", f"/v1/grants/changes?after={own}")

    assert [] == seen
    assert (400, "request.cursor", "/after") == refusal(borrowed)


@pytest.mark.parametrize(
    "after", ["evt_0192f3", "", "0", "evt_00000000000070008000000000000000", "gnt_x"]
)
def test_a_place_that_nobody_was_told_is_refused(desk: GrantDesk, after: str) -> None:
    """A reader with a broken bookmark must not believe that there is no news."""
    refused = desk.send("GET", f"/v1/grants/changes?after={after}")

    assert (400, "request.cursor", "/after") == refusal(refused)


@pytest.mark.parametrize("size", ["0", "-1", "501", "1000000000"])
def test_a74_the_feeds_refuse_an_unlawful_page_size(desk: GrantDesk, size: str) -> None:
    """The limit of pages holds for feeds as for every list."""
    refused = [
        desk.send("GET", f"{path}?limit={size}") for path in ("/v1/events", "/v1/grants/changes")
    ]

    assert [(422, "request.field", "/limit")] * 2 == [refusal(one) for one in refused]


def test_an_event_names_nothing_of_a_borrower(desk: GrantDesk) -> None:
    """Events lie in queues and logs; a token in one would follow its borrower everywhere."""
    grant = desk.granted(purpose=Purpose.CONTRIBUTE)
    desk.end(grant, "withdraw")

    text = json.dumps(changes(desk)) + desk.send("GET", "/v1/events").text

    allowed = {"grant_id", "state", "actor", "reason", "acted_at", "effective_at", "leaf"}
    assert allowed | {"event_id", "change", "made_at"} == set(changes(desk)[0])
    rows = desk.sql("SELECT encode(token_index, 'hex') FROM grant_artefact")
    assert all(str(row[0]) not in text for row in rows)
