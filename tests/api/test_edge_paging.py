"""Pages over HTTP: sizes, cursors, and reading on while rows are added."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from tests.support.edge_client import EdgeClient, as_member, code_of, is_signed
from tests.support.outward.edge_lists import CURSOR_SECONDS, ROWS_DEFAULT, ROWS_MAX


@pytest.fixture
def client() -> EdgeClient:
    """The application, with a list of two hundred rows."""
    client = EdgeClient()
    client.world.numbers.update(range(0, 2_000, 10))
    return client


def read(client: EdgeClient, query: str = "", keyid: str = "member-a/k1") -> TestResponse:
    """Ask for a page."""
    path = f"/v1/numbers?{query}" if query else "/v1/numbers"
    return client.send(as_member(client.draft("GET", path), keyid))


def page(response: TestResponse) -> tuple[list[int], str | None]:
    """Return the rows of a page and the cursor of the next."""
    assert response.status_code == 200, response.text
    assert response.json
    assert response.json["has_more"] is (response.json["next"] is not None)
    return response.json["numbers"], response.json["next"]


@pytest.mark.parametrize("size", ["0", "-1", "51", "1000000000", "1e3", "5.0", "", "٣", " 5", "+5"])
def test_a74_a_page_of_an_unlawful_size_is_refused(client: EdgeClient, size: str) -> None:
    """A page of a thousand million rows, or of none, would be an attack or a loop."""
    refused = read(client, f"limit={quote(size)}")

    assert (422, "request.field") == (refused.status_code, code_of(refused))
    assert is_signed(refused)


def test_a74_pages_hold_what_was_asked_up_to_the_limit(client: EdgeClient) -> None:
    """A reader plans its calls by the size it asked for."""
    sizes = [len(page(read(client, query))[0]) for query in ("", "limit=1", f"limit={ROWS_MAX}")]

    assert [ROWS_DEFAULT, 1, ROWS_MAX] == sizes


def test_a74_no_row_comes_twice_and_none_is_missed_while_rows_are_added(
    client: EdgeClient,
) -> None:
    """A reader that counts or sums must not be wrong because somebody wrote meanwhile."""
    there, seen, query = sorted(client.world.numbers), [], "limit=7"
    while True:
        rows, following = page(read(client, query))
        seen += rows
        # One row behind the reader, one before it, one at the end.
        client.world.numbers.update({rows[0] - 1, rows[-1] + 5, max(client.world.numbers) + 1})
        if following is None or len(seen) > 400:
            break
        query = f"limit=7&cursor={following}"

    assert len(set(seen)) == len(seen)
    assert set(there) <= set(seen)
    assert sorted(seen) == seen


def test_a74_a_cursor_serves_its_member_and_filter_alone_and_for_its_life(
    client: EdgeClient,
) -> None:
    """A cursor that passes from hand to hand would open another member's list."""
    _, cursor = page(read(client, "limit=5"))

    refused = [
        read(client, f"cursor={cursor}", keyid="member-c/k1"),
        read(client, f"cursor={cursor}&odd=no"),
        read(client, f"cursor={cursor}x"),
        read(client, "cursor="),
    ]
    client.now += CURSOR_SECONDS
    refused.append(read(client, f"cursor={cursor}"))

    assert [(400, "request.cursor")] * 5 == [(one.status_code, code_of(one)) for one in refused]


def test_the_size_of_a_page_may_change_while_reading(client: EdgeClient) -> None:
    """A slow line asks for less; the place in the list is the same."""
    first, cursor = page(read(client, "limit=5"))
    second, _ = page(read(client, f"limit=3&cursor={cursor}"))

    assert list(range(0, 80, 10)) == first + second


@pytest.mark.parametrize("query", ["limit=5&limit=6", "page=2", "Limit=5", "odd=no&odd=no"])
def test_an_argument_that_is_unknown_or_stands_twice_is_refused(
    client: EdgeClient, query: str
) -> None:
    """An argument that is ignored is an answer to another question."""
    refused = read(client, query)

    assert (422, "request.field") == (refused.status_code, code_of(refused))
    assert "Limit" not in refused.text
