"""Webhooks over HTTP: who may register what, and what stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.grant_desk import GrantDesk, refusal, shown
from tests.support.outward.doorbell import Doorbell, doorbell
from tests.support.outward.ringing import (
    end_one,
    new_id,
    register,
    turn,
)
from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members, that may ring on this machine."""
    made = make_sandbox(database_url, tmp_path, webhook_loopback=True, webhook_try_ms_max=2_000)
    yield made
    made.close()


@pytest.fixture
def bell() -> Iterator[Doorbell]:
    """The lender's endpoint."""
    with doorbell() as made:
        yield made


def test_registering_twice_is_one_endpoint_with_one_secret(desk: GrantDesk) -> None:
    """A lost answer must not cost a lender the secret, nor leave a second endpoint."""
    webhook_id, url = new_id(desk), "http://127.0.0.1:9/x"
    first = desk.send("POST", "/v1/webhooks", {"webhook_id": webhook_id, "url": url})
    again = desk.send("POST", "/v1/webhooks", {"webhook_id": webhook_id, "url": url})
    other = desk.send("POST", "/v1/webhooks", {"webhook_id": webhook_id, "url": url + "y"})

    assert shown(first) == shown(again)
    assert "true" == again.headers["Cx-Replayed"]
    assert (409, "webhook.conflict", "/webhook_id") == refusal(other)
    listed = shown(desk.send("GET", "/v1/webhooks"))["webhooks"]
    assert isinstance(listed, list)
    assert [webhook_id] == [one["webhook_id"] for one in listed]
    assert "secrets" not in listed[0]


def test_the_eleventh_endpoint_is_refused(desk: GrantDesk) -> None:
    """Ten are enough; a thousand would make the exchange somebody's amplifier."""
    for n in range(10):
        register(desk, f"http://127.0.0.1:{1000 + n}/")

    refused = desk.send(
        "POST", "/v1/webhooks", {"webhook_id": new_id(desk), "url": "http://localhost:1/"}
    )

    assert (422, "webhook.too_many") == refusal(refused)[:2]


def test_an_odd_url_is_refused_and_nothing_stays(desk: GrantDesk) -> None:
    """The rules of endpoints hold at the door, with the field named and no value repeated."""
    refused = desk.send(
        "POST", "/v1/webhooks", {"webhook_id": new_id(desk), "url": "https://10.0.0.1/secret"}
    )

    assert (422, "webhook.url", "/url") == refusal(refused)
    assert "10.0.0.1" not in refused.text
    assert {"webhooks": []} == shown(desk.send("GET", "/v1/webhooks"))


def test_a63_a64_a65_an_endpoint_of_another_member_is_as_absent(
    sandbox: Sandbox, desk: GrantDesk, bell: Doorbell
) -> None:
    """Whoever could touch another's doorbell could silence it, or listen."""
    webhook_id = str(register(desk, bell.url)["webhook_id"])
    other = GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))
    event = "evt_" + "0" * 12 + "7000" + "8" + "0" * 15

    refused = [
        other.send("DELETE", f"/v1/webhooks/{webhook_id}"),
        other.send("GET", f"/v1/webhooks/{webhook_id}/deliveries"),
        other.send("POST", f"/v1/webhooks/{webhook_id}/enable", {}),
        other.send("POST", f"/v1/webhooks/{webhook_id}/secrets", {"secret_id": new_id(other)}),
        other.send("POST", f"/v1/webhooks/{webhook_id}/replay", {"first": event, "last": event}),
    ]

    assert [(404, "absent", "")] * 5 == [refusal(one) for one in refused]
    absent = other.send("DELETE", f"/v1/webhooks/{new_id(other)}")
    assert len(absent.data) == len(refused[0].data)


def test_a_secret_changes_without_a_gap(desk: GrantDesk, bell: Doorbell) -> None:
    """Both secrets sign while the receiver changes over; the third pushes the first out."""
    webhook = register(desk, bell.url)
    path = f"/v1/webhooks/{webhook['webhook_id']}/secrets"
    second_id = new_id(desk)

    second = shown(desk.send("POST", path, {"secret_id": second_id}))["secrets"]
    repeated = shown(desk.send("POST", path, {"secret_id": second_id}))["secrets"]
    end_one(desk)
    turn(desk)
    third = shown(desk.send("POST", path, {"secret_id": new_id(desk)}))["secrets"]

    assert isinstance(second, list)
    assert isinstance(third, list)
    assert isinstance(webhook["secrets"], list)
    assert second == repeated
    assert webhook["secrets"] == second[1:]
    assert 2 == len(bell.headers()["webhook-signature"].split(" "))
    assert (second[0], 2) == (third[1], len(third))
    assert 2 == len(desk.sql("SELECT 1 FROM webhook_secret"))


def test_the_deliveries_are_listed_by_pages(desk: GrantDesk, bell: Doorbell) -> None:
    """An operator at a lender sees which messages did not arrive, and why."""
    webhook = register(desk, bell.url)
    for subject in (1, 2, 3):
        end_one(desk, subject)
    turn(desk)
    path = f"/v1/webhooks/{webhook['webhook_id']}/deliveries"

    first = shown(desk.send("GET", f"{path}?limit=2"))
    second = shown(desk.send("GET", f"{path}?limit=2&cursor={first['next']}"))

    assert isinstance(first["deliveries"], list)
    assert isinstance(second["deliveries"], list)
    assert (2, 1, None) == (len(first["deliveries"]), len(second["deliveries"]), second["next"])
    assert {("DONE", 204)} == {
        (one["state"], one["last_status"]) for one in [*first["deliveries"], *second["deliveries"]]
    }


def test_a_removed_endpoint_leaves_nothing(desk: GrantDesk, bell: Doorbell) -> None:
    """What a member takes down is gone, secrets and all."""
    webhook = register(desk, bell.url)
    end_one(desk)
    turn(desk)

    removed = shown(desk.send("DELETE", f"/v1/webhooks/{webhook['webhook_id']}"))
    end_one(desk, 2)
    turn(desk)

    assert removed["removed"] is True
    assert 1 == len(bell.requests)
    counts = "SELECT (SELECT count(*) FROM webhook_secret), (SELECT count(*) FROM webhook_delivery)"
    assert [(0, 0)] == desk.sql(counts)
