"""Signed status lists: a holder sees from a file alone whether its grant still stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exchange.domain.outward.statuses import ENTRIES, LIFE_SECONDS, TTL_SECONDS
from exchange.services.statuses.publish_lists import publish_lists
from exchange_client.errors import ReceiptInvalid
from exchange_client.pins import Pins
from exchange_client.statuses import Status, StatusList, verify_list
from tests.support.grant_desk import GrantDesk, refusal, shown
from tests.support.sandbox import BASE


def place(desk: GrantDesk, grant: str) -> int:
    """Return the index of a grant in the first list."""
    where = shown(desk.send("GET", f"/v1/grants/{grant}"))["status_list"]
    assert isinstance(where, dict)
    assert 1 == where["list"]
    return int(where["idx"])


def publish(desk: GrantDesk, later_seconds: int = 0) -> int:
    """Publish what is due, now or later."""
    ports = desk.sandbox.ports
    return publish_lists(replace(ports, now=lambda: desk.now + later_seconds))


def fetched(desk: GrantDesk, later_seconds: int = 0) -> StatusList:
    """Fetch and verify the first list."""
    response = desk.send("GET", "/v1/status-lists/1")
    assert 200 == response.status_code, response.text
    assert "application/statuslist+jwt" == response.content_type
    uri = f"{BASE}/v1/status-lists/1"
    return verify_list(response.text, desk.sandbox.pins(), now=desk.now + later_seconds, uri=uri)


def test_a_list_says_which_grants_stand_rest_and_are_over(desk: GrantDesk) -> None:
    """A branch without a connection must not act on a consent that was withdrawn."""
    stands, rests, withdrawn, used = (desk.granted(subject) for subject in (1, 2, 3, 4))
    desk.end(rests, "pause")
    desk.end(withdrawn, "withdraw")
    desk.ask(used, 4)
    publish(desk)

    listed = fetched(desk)

    assert [Status.VALID, Status.SUSPENDED, Status.INVALID, Status.INVALID] == [
        listed.status(place(desk, grant)) for grant in (stands, rests, withdrawn, used)
    ]


def test_what_time_has_ended_is_ended_in_the_next_list(desk: GrantDesk) -> None:
    """A grant ends by its date, whether or not anybody touches it."""
    grant = desk.granted()
    later = 31 * 86_400
    publish(desk)
    before = fetched(desk).status(place(desk, grant))

    publish(desk, later)

    assert Status.VALID is before
    assert Status.INVALID is fetched(desk, later).status(place(desk, grant))


def test_a_list_is_published_when_it_is_due_and_not_before(desk: GrantDesk) -> None:
    """Ten minutes is what a withdrawal may take to reach who is offline."""
    published = [publish(desk, after) for after in (0, 1, TTL_SECONDS - 1, TTL_SECONDS)]

    assert [1, 0, 0, 1] == published


def test_a_list_that_is_too_old_is_no_list(desk: GrantDesk) -> None:
    """Whoever keeps an old list alive keeps a withdrawn consent alive."""
    publish(desk)
    token = desk.send("GET", "/v1/status-lists/1").text
    pins = desk.sandbox.pins()

    verify_list(token, pins, now=desk.now + LIFE_SECONDS - 1)

    with pytest.raises(ReceiptInvalid):
        verify_list(token, pins, now=desk.now + LIFE_SECONDS)


def test_an_edited_or_foreign_list_is_refused(desk: GrantDesk) -> None:
    """The list is carried by hand; whoever carries it must not be able to write in it."""
    publish(desk)
    token = desk.send("GET", "/v1/status-lists/1").text
    pins = desk.sandbox.pins()
    header, payload, signature = token.split(".")
    other = Pins.trust(pins.description)
    edited = [
        f"{header}.{payload[:-5]}AAAAA.{signature}",
        f"{header}.{payload}.{signature[1:]}{signature[0]}",  # "AA" ends one in sixteen.
        desk.artefact(),
        "",
    ]

    for text in edited:
        with pytest.raises(ReceiptInvalid):
            verify_list(text, other, now=desk.now)
    with pytest.raises(ReceiptInvalid):
        verify_list(token, other, now=desk.now, uri=f"{BASE}/v1/status-lists/2")


def test_places_are_drawn_at_random_and_never_shared(desk: GrantDesk) -> None:
    """Places in a row would tell who registered when, and next to whom."""
    places = [place(desk, desk.granted(subject)) for subject in range(1, 13)]

    assert 12 == len(set(places))
    assert sorted(places) != places
    assert all(0 <= one < ENTRIES for one in places)


def test_a_grant_registered_twice_keeps_its_place(desk: GrantDesk) -> None:
    """A retry gets the first answer, the place in the list with it."""
    artefact = desk.artefact()

    first, again = (shown(desk.register(artefact)) for _ in range(2))

    assert first["status_list"] == again["status_list"]


@pytest.mark.parametrize("number", ["0", "2", "-1", "x", "1e1", "9" * 30])
def test_a_list_that_is_none_is_absent(desk: GrantDesk, number: str) -> None:
    """Whoever counts through lists learns nothing but their number."""
    publish(desk)

    assert (404, "absent", "") == refusal(desk.send("GET", f"/v1/status-lists/{number}"))


def test_an_index_beyond_the_list_has_no_status(desk: GrantDesk) -> None:
    """A typing error must not read as a valid grant."""
    publish(desk)
    listed = fetched(desk)

    for idx in (-1, ENTRIES):
        with pytest.raises(ReceiptInvalid):
            listed.status(idx)
