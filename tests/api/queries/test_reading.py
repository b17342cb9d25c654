"""The quick reader of a batch's lines reads what the strict one reads, or leaves the line to it."""

from __future__ import annotations

import json
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.api.queries import read_query, read_query_line
from exchange.domain.base64url import b64url
from exchange.domain.ids import show, uuid7
from exchange.domain.queries import Query
from exchange.domain.strict_json import loads

PLAIN: dict[str, object] = {
    "query_id": show("qry", uuid7(1_764_000_000_000, secrets.token_bytes)),
    "epoch": "ep_1",
    "tokens": [
        {"kind": "identity", "value": b64url(bytes(range(64)))},
        {"kind": "contact", "value": b64url(bytes(range(64, 128)))},
    ],
    "purpose": "credit_application",
    "operator": "op-1",
    "application_ref": "app:1",
}
MORE: dict[str, object] = {
    "grant_id": show("gnt", uuid7(1_764_000_000_000, secrets.token_bytes)),
    "detail": "flag",
    "after": {"size": 12, "root": b64url(bytes(32))},
}


def strictly(raw: bytes) -> Query:
    """Read a line in the strict way."""
    return read_query(loads(raw))(raw)


@pytest.mark.parametrize("left_out", [(), ("after",), ("detail", "grant_id"), tuple(MORE)])
@pytest.mark.parametrize("spaced", [(",", ":"), (", ", " : ")])
def test_a_plain_line_is_read_at_once(left_out: tuple[str, ...], spaced: tuple[str, str]) -> None:
    """What the SDK sends goes the quick way, or a batch costs twice as much."""
    members = {k: v for k, v in (PLAIN | MORE).items() if k not in left_out}
    raw = json.dumps(members, separators=spaced).encode()

    quick = read_query_line(raw)

    assert strictly(raw) == (quick or strictly(raw))
    assert quick is not None or (spaced[1] == " : " and "after" not in left_out)


WHOLE = json.dumps(PLAIN | MORE, separators=(",", ":"))


@pytest.mark.parametrize(
    ("plain", "odd"),
    [
        ('"epoch":"ep_1"', '"epoch":"ep_1","epoch":"ep_1"'),
        ('"kind":"contact"', '"kind":"identity","kind":"contact"'),
        ('"size":12', '"size":12,"size":12'),
        ('"size":12', '"size":12.0'),
        ('"size":12', '"size":1.2e1'),
        ('"size":12', '"size":-0'),
        ('"op-1"', '"op-\\u0031"'),
        ('"op-1"', '"op-\u0661"'),
        ('"op-1"', '"op-1\t"'),
        ('"op-1"', "null"),
        ('"op-1"', '"op-1","more":1'),
        ('"credit_application"', '"credit"'),
        ("}}", "}}}"),
        ("}}", "}} x"),
        ('"identity"', '"contact"'),
    ],
)
def test_a_line_in_doubt_is_left_to_the_strict_reader(plain: str, odd: str) -> None:
    """A member that stands twice must not be read in one way here and in another elsewhere."""
    assert plain in WHOLE

    assert read_query_line(WHOLE.replace(plain, odd, 1).encode()) is None


@given(
    st.integers(0, len(WHOLE) - 1),
    st.integers(0, 6),
    st.sampled_from(["", '"', ":", ",", "\\", "{", "}", "1", ".0", "e1", "A", '"size":1,', " "]),
)
def test_no_damage_makes_the_two_readers_differ(at: int, gone: int, put: str) -> None:
    """Whatever the quick reader takes, the strict one takes for the same query."""
    raw = (WHOLE[:at] + put + WHOLE[at + gone :]).encode()

    quick = read_query_line(raw)

    assert quick is None or quick == strictly(raw)
