"""The short ways of plain rows, held equal to the long ones."""

from __future__ import annotations

import hmac
import os
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consent.profiles import load_profile
from exchange.crypto.keyring import Keyring, Use, create_keyring, load_keyring
from exchange.crypto.sealing import Sealer
from exchange.domain.batches.csv_cells import COLUMNS, json_cell_by_cell
from exchange.domain.batches.plain_csv import json_of_plain
from exchange.domain.ids import uuid7s
from exchange.domain.rows import (
    check_against_stored,
    check_opening,
    check_row,
    is_sound,
    next_payload,
)
from tests.support.rows import ABSENT, TODAY, clean_row, parsed, row_fields, row_of, submission

AT = submission()
DAYS = st.integers(-2, 3)


@st.composite
def fields(draw: st.DrawFn) -> dict[str, object]:
    """Draw the fields of a row of which little is wrong, or nothing."""
    dpd = draw(st.sampled_from((0, 0, 1, 30, 31, 90, 91, 360, 361)))
    as_of = TODAY + timedelta(days=draw(st.sampled_from((-1, 0, 0, 0, 1))))
    due = as_of - timedelta(days=dpd + draw(st.sampled_from((0, 0, 0, 0, 1))))
    first = due + timedelta(days=draw(DAYS))
    opened = min(first, due) - timedelta(days=draw(st.sampled_from((0, 1, 400))))
    late = bool(dpd) or draw(st.integers(0, 9)) == 0
    made: dict[str, object] = {
        "as_of": as_of.isoformat(),
        "opened_on": draw(st.sampled_from((opened.isoformat(), "1899-12-31", "2020-02-29"))),
        "oldest_unpaid_due_on": due.isoformat() if late else ABSENT,
        "first_overdue_on": first.isoformat() if late else ABSENT,
        "dpd": dpd,
        "overdue_minor": draw(st.sampled_from((0, 1, 50_000, 600_000, 600_001))) if late else 0,
        "principal_minor": draw(st.sampled_from((1_000_000, 10_000))),
        "status": draw(st.sampled_from(("OVERDUE", "OVERDUE", "LITIGATION")))
        if late
        else draw(st.sampled_from(("CURRENT", "CURRENT", "CURRENT", "PAUSED", "OVERDUE"))),
        "five_class": draw(st.sampled_from((None, 1, 2, 3, 5))),
        "bucket": draw(st.sampled_from((ABSENT, ABSENT, 0, 1, 2))),
        "currency": draw(st.sampled_from(("CNY", "CNY", "CNY", "USD"))),
        "basis": draw(st.sampled_from((ABSENT, ABSENT, ABSENT, "nothing_known"))),
        "status_on": draw(st.sampled_from((ABSENT, ABSENT, TODAY.isoformat()))),
        "history": draw(st.sampled_from((ABSENT, ABSENT, "N", "1"))),
    }
    return row_fields(**made)


@given(fields(), st.sampled_from(("CN", "US", "KE")))
def test_what_passes_at_once_has_no_flaw(row: dict[str, object], profile: str) -> None:
    """A rule that the short way forgets would be no rule any more."""
    read, at = parsed(row), submission(profile=load_profile(profile))

    sound = is_sound(read, at)

    assert not sound or [] == check_row(read, at)


@given(fields(), st.sampled_from(("CN", "US", "KE")), st.booleans())
def test_what_opens_an_account_is_judged_the_same_by_either_way(
    row: dict[str, object], profile: str, told: bool
) -> None:
    """A notice that the short way forgets would be owed by nobody."""
    read = parsed({name: value for name, value in row.items() if told or name != "notice"})
    at = submission(profile=load_profile(profile))
    sound = is_sound(read, at)

    flaws = check_opening(read, at)

    assert not sound or flaws == check_against_stored(read, b"", "ep_1", None, at)


def test_plain_rows_take_the_short_way() -> None:
    """Held equal to the long way, a short way that nobody takes would prove nothing."""
    assert is_sound(row_of(), AT)
    assert is_sound(clean_row(), AT)
    assert not is_sound(row_of(dpd=29), AT)


@given(st.sampled_from((1, 30, 61, 400)), st.sampled_from(("CN", "US", "UK")))
def test_a_first_payload_is_the_same_by_either_way(days: int, profile: str) -> None:
    """What is kept of a record must not depend on how plainly it was told."""
    due, at = TODAY - timedelta(days=days), submission(profile=load_profile(profile))
    late = row_of(
        dpd=days,
        oldest_unpaid_due_on=due.isoformat(),
        first_overdue_on=(due + timedelta(days=1)).isoformat(),
        opened_on=date(2020, 1, 1).isoformat(),
    )

    for row in (late, clean_row()):
        first = next_payload(row, None, at)

        told = next_payload(replace(row, history=first.history), None, at)
        assert replace(told, digest=first.digest) == first


PLAIN_CELLS = ("PUT", "acc-1", *("7", "") * 14)  # of 30 columns
ODD_CELLS = (
    *("", "é", "17", "-1", "007", "1e3", "null", "{}", "1}", " ", "é\\n", '"', 'a"b', '"a""'),
    *('""', '"a"', '"{""a"":1}"', '"{""a"":1},""b"":2"', '"a"",""b"', '"a,b"', "a,b", "\0"),
    *("²", "%s", "0", "00", "\ud800"),
)
ODD = st.dictionaries(st.integers(0, 29), st.sampled_from(ODD_CELLS), max_size=3)
LINES = st.lists(st.tuples(ODD, st.sampled_from((30, 30, 30, 29, 2))), min_size=1)


@given(LINES)
def test_csv_lines_say_the_same_by_either_way(drawn: list[tuple[dict[int, str], int]]) -> None:
    """A cell must not break out of its column, or its row, because the line looked plain."""
    lines = [
        ",".join([odd.get(n, cell) for n, cell in enumerate(PLAIN_CELLS)][:cells]).encode(
            errors="surrogatepass"
        )
        for odd, cells in drawn
    ]

    plain = json_of_plain(lines)

    assert len(lines) == len(plain)
    assert all(
        made is None or made == json_cell_by_cell(line)
        for made, line in zip(plain, lines, strict=True)
    )


def test_plain_csv_lines_take_the_short_way_whatever_stands_beside_them() -> None:
    """One cell of JSON in its quotes is what every overdue row has; one row may be odd."""
    noticed = [*PLAIN_CELLS[:26], '"{""sent_at"":1,""x"":""y,z""}"', *PLAIN_CELLS[27:]]
    plain = [",".join(cells).encode() for cells in (PLAIN_CELLS, noticed)]
    odd = [plain[0].replace(b"acc", old) for old in (b"\\", b"\xff", b",", b'"')]
    spoilt = [plain[0].replace(b"PUT", b""), plain[0].replace(b",7,", b",,", 1)]

    made = json_of_plain([*odd, *plain, *spoilt, ",".join(["PUT", *["07"] * 29]).encode()])

    assert len(COLUMNS) == len(PLAIN_CELLS)
    assert [False] * 4 + [True] * 2 + [False] * 3 == list(map(bool, made))


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    create_keyring(tmp_path / "k", environment="sandbox", epoch="ep_1", now=1)
    return load_keyring(tmp_path / "k")


def test_an_index_is_the_hmac_of_the_token(keyring: Keyring) -> None:
    """Whoever rebuilds the index from the key and RFC 2104 must find the same."""
    token = os.urandom(64)
    secret = next(key.secret for key in keyring._keys if key.use is Use.INDEX)

    index = keyring.index("ep_1", token)

    assert hmac.digest(secret, token, "sha256") == index


def test_what_is_sealed_together_opens_apart(keyring: Keyring) -> None:
    """Each record's key must die alone, so none may be another's."""
    sealer = Sealer(keyring)

    made = sealer.seal_each([(b"one", b"a"), (b"two", b"b")])

    opened = [
        sealer.open_key(sealer.kek_id, wrapped, aad).open(sealed, aad)
        for (wrapped, sealed), aad in zip(made, (b"a", b"b"), strict=True)
    ]
    assert [b"one", b"two"] == opened
    assert made[0][0] != made[1][0]


def test_ids_made_together_are_uuids_of_their_time() -> None:
    """They are shown, sorted and indexed as any other id is."""
    ids = [UUID(bytes=one) for one in uuid7s(1_700_000_000_123, 3, os.urandom)]

    assert [7] * 3 == [one.version for one in ids]
    assert ["specified in RFC 4122"] * 3 == [one.variant for one in ids]
    assert {1_700_000_000_123} == {one.int >> 80 for one in ids}
    assert 3 == len(set(ids))
