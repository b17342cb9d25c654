"""`cx events`, `cx webhook` and `cx grant status`, against a whole exchange in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.services.statuses.publish_lists import publish_lists
from exchange_client.core.ids import new_id
from tests.support.terminal import Dead, Terminal, open_terminal, read


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Iterator[Terminal]:
    """A member with its key and pins, in front of an exchange."""
    with open_terminal(database_url, tmp_path) as opened:
        yield opened


def test_the_news_since_a_bookmark_is_listed(terminal: Terminal) -> None:
    """A nightly script reads what became of its grants, and remembers where it stopped."""
    first, second = terminal.granted(1), terminal.granted(2)
    terminal.cx("grant", "withdraw", first)
    before = read(terminal.cx("events", "--json"))["events"]
    terminal.cx("grant", "withdraw", second)
    assert isinstance(before, list)

    after = read(terminal.cx("events", "--json", "--after", before[-1]["event_id"]))["events"]
    words = terminal.cx("events")

    assert isinstance(after, list)
    assert [[first], [second]] == [
        [one["facts"]["grant_id"] for one in found] for found in (before, after)
    ]
    assert 0 == words.exit_code
    assert "GRANT_WITHDRAWN" in words.stdout
    assert "no news\n" == terminal.cx("events", "--after", after[-1]["event_id"]).stdout


def test_a_bookmark_that_is_none_is_a_usage_error(terminal: Terminal) -> None:
    """A script with a broken bookmark must stop, not start over."""
    assert 2 == terminal.cx("events", "--after", "evt_1").exit_code
    assert 1 == terminal.cx("events", "--after", new_id("evt")).exit_code


def test_an_endpoint_is_added_listed_rotated_and_removed(terminal: Terminal) -> None:
    """A member sets its doorbell up without a person at the exchange."""
    made = read(terminal.cx("webhook", "add", "--json", "https://hooks.member-a.com/cx"))
    webhook_id = str(made["webhook_id"])
    listed = read(terminal.cx("webhook", "list", "--json"))["webhooks"]
    rotated = read(terminal.cx("webhook", "rotate", "--json", webhook_id))
    removed = terminal.cx("webhook", "remove", webhook_id)

    assert isinstance(listed, list)
    assert isinstance(made["secrets"], list)
    assert isinstance(rotated["secrets"], list)
    assert (1, 2, 0) == (len(made["secrets"]), len(rotated["secrets"]), removed.exit_code)
    assert [webhook_id] == [one["webhook_id"] for one in listed]
    assert {"webhooks": []} == read(terminal.cx("webhook", "list", "--json"))


def test_an_event_is_asked_to_ring_again(terminal: Terminal) -> None:
    """What a receiver lost, its operator asks for by id."""
    made = read(terminal.cx("webhook", "add", "--json", "https://hooks.member-a.com/cx"))
    terminal.cx("grant", "withdraw", terminal.granted(1))
    told = read(terminal.cx("events", "--json"))["events"]
    assert isinstance(told, list)

    done = terminal.cx("webhook", "replay", str(made["webhook_id"]), str(told[0]["event_id"]))

    assert (0, "1 will ring again\n") == (done.exit_code, done.stdout)


def test_an_odd_endpoint_is_refused_with_its_rule(terminal: Terminal) -> None:
    """The operator at a member reads what is wrong with the URL, and mends it."""
    refused = terminal.cx("webhook", "add", "http://10.0.0.1/")

    assert 1 == refused.exit_code
    assert "webhook.url" in refused.output


def test_the_status_of_a_grant_is_read_with_a_connection_and_without(terminal: Terminal) -> None:
    """A branch keeps the list on a stick and needs nothing else."""
    grant = terminal.granted(1)
    publish_lists(terminal.sandbox.ports)
    where = read(terminal.cx("grant", "show", "--json", grant))["status_list"]
    assert isinstance(where, dict)
    words = ("grant", "status", str(where["list"]), str(where["idx"]))
    with terminal.sandbox.ports.begin() as work:
        token = work.statuses.find(1)
    assert token
    terminal.at("list").write_text(token)

    asked = terminal.cx(*words)
    offline = terminal.cx(*words, "--file", str(terminal.at("list")), transport=Dead())
    nowhere = terminal.cx(*words, transport=Dead())

    assert [(0, "VALID\n"), (0, "VALID\n")] == [
        (one.exit_code, one.stdout) for one in (asked, offline)
    ]
    assert 3 == nowhere.exit_code
