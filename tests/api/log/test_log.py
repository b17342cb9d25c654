"""The log's read side, as any C2SP tool meets it: paths, widths, types, caches, and who may ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from werkzeug.test import TestResponse

from exchange.app.ports import make_log_ports
from exchange.domain.merkle import leaf_hash, root
from exchange.domain.tiles import bundle
from exchange.services.log.grant_access import grant_access, revoke_access
from exchange.services.log.write_leaves import write_leaves
from exchange.store.log import LogDatabase
from exchange_client.notes import open_checkpoint, parse_vkey
from tests.support.access_log import query_draft, run_sql
from tests.support.sandbox import Sandbox, make_sandbox

LEAVES = 600


@pytest.fixture(scope="module")
def sandbox(
    shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """An exchange whose log has more than two tiles."""
    made = make_sandbox(shared_database_url, tmp_path_factory.mktemp("log"))
    made.enrol("member-a")
    with made.ports.begin() as work:
        drafts = [query_draft("member-a") for _ in range(LEAVES)]
        write_leaves(work, drafts, made.ports, made.ports.now())
        work.commit()
    made.sequence()
    yield made
    made.close()


@pytest.fixture(scope="module")
def capability(sandbox: Sandbox) -> str:
    """A path of member-a's own."""
    with closing(LogDatabase(sandbox.settings.libpq_url)) as database:
        return grant_access(
            "member-a", make_log_ports(sandbox.settings, sandbox.ports, database)[0]
        )


@pytest.fixture(scope="module")
def entries(sandbox: Sandbox) -> list[bytes]:
    """Every entry of the log, in order."""
    rows = run_sql(
        sandbox.settings.libpq_url,
        "SELECT entry FROM leaf JOIN leaf_place USING (ord) ORDER BY leaf_index",
    )
    return [row[0] for row in rows if isinstance(row[0], bytes)]


def fetch(sandbox: Sandbox, path: str) -> TestResponse:
    return sandbox.app.test_client().get(
        f"/log/{path}", environ_overrides={"REQUEST_URI": f"/log/{path}"}
    )


def year(sandbox: Sandbox) -> str:
    return sandbox.ports.origin(sandbox.ports.now()).rpartition("/")[2]


def test_the_checkpoint_is_the_signed_one_and_cached_for_a_second(
    sandbox: Sandbox, capability: str, entries: list[bytes]
) -> None:
    """Monitors that see an old checkpoint miss what was done since."""
    response = fetch(sandbox, f"{capability}/{year(sandbox)}/checkpoint")

    assert 200 == response.status_code
    assert "text/plain; charset=utf-8" == response.headers["Content-Type"]
    assert "max-age=1" == response.headers["Cache-Control"]
    vkey = sandbox.pins().log_vkey
    checkpoint = open_checkpoint(response.data, parse_vkey(vkey))
    assert len(entries) == checkpoint.head.size
    assert root([leaf_hash(one) for one in entries]) == checkpoint.head.root


def test_without_a_year_the_current_log_is_shown(sandbox: Sandbox, capability: str) -> None:
    """A monitor must not stop at New Year because its configuration names the old one."""
    with_year = fetch(sandbox, f"{capability}/{year(sandbox)}/checkpoint")

    without = fetch(sandbox, f"{capability}/checkpoint")

    assert with_year.data == without.data


def test_tiles_hold_the_hashes_that_their_path_names(
    sandbox: Sandbox, capability: str, entries: list[bytes]
) -> None:
    """A tool that is not ours would find another tree, or none."""
    hashes = [leaf_hash(one) for one in entries]
    last = len(entries) - 512
    expected = {
        "tile/0/000": b"".join(hashes[:256]),
        "tile/0/001": b"".join(hashes[256:512]),
        f"tile/0/002.p/{last}": b"".join(hashes[512:]),
        "tile/0/002.p/1": hashes[512],
        "tile/1/000.p/2": root(hashes[:256]) + root(hashes[256:512]),
        "tile/1/000.p/1": root(hashes[:256]),
        "tile/entries/000": bundle(entries[:256]),
        f"tile/entries/002.p/{last}": bundle(entries[512:]),
    }

    for path, content in expected.items():
        response = fetch(sandbox, f"{capability}/{path}")
        assert (200, content) == (response.status_code, response.data), path
        assert "application/octet-stream" == response.headers["Content-Type"]
        assert "immutable" in response.headers["Cache-Control"]
    assert 30_208 == len(expected["tile/entries/000"])


ABSENT = [
    "tile/0/002",
    "tile/0/002.p/0",
    "tile/0/002.p/255",
    "tile/0/002.p/256",
    "tile/0/000.p/256",
    "tile/0/003.p/1",
    "tile/1/000",
    "tile/1/000.p/3",
    "tile/2/000.p/1",
    "tile/8/000",
    "tile/00/000",
    "tile/0/0",
    "tile/0/0000",
    "tile/0/x000/000",
    "tile/0/x999/999",
    "tile/0/000.p/01",
    "tile/0/000/",
    "tile/entries/003",
    "tile/data/000",
    "tile",
    "checkpoint/",
    "Checkpoint",
    "1999/checkpoint",
    "2026-r1/checkpoint",
    "",
]


@pytest.mark.parametrize("path", ABSENT)
def test_what_no_checkpoint_needs_is_absent_and_never_redirected(
    sandbox: Sandbox, capability: str, path: str
) -> None:
    """A second spelling of a tile would be a second truth for a cache to keep."""
    response = fetch(sandbox, f"{capability}/{path}")

    assert 404 == response.status_code
    assert "Location" not in response.headers


@pytest.mark.parametrize("path", ["checkpoint", "2026/checkpoint", "x/checkpoint", "x/tile/0/000"])
def test_nobody_fetches_without_a_capability(sandbox: Sandbox, path: str) -> None:
    """How many looks there are, and when, is the consortium's own business."""
    assert 404 == fetch(sandbox, path).status_code


def test_a_revoked_capability_opens_nothing_from_the_next_request_on(sandbox: Sandbox) -> None:
    """A member that left would go on mirroring."""
    sandbox.enrol("member-left")
    with closing(LogDatabase(sandbox.settings.libpq_url)) as database:
        ports = make_log_ports(sandbox.settings, sandbox.ports, database)[0]
        mine = grant_access("member-left", ports)
        before = fetch(sandbox, f"{mine}/checkpoint").status_code

        ended = revoke_access("member-left", ports)

    assert (200, 1, 404) == (before, ended, fetch(sandbox, f"{mine}/checkpoint").status_code)


def test_an_open_log_needs_no_capability(
    sandbox: Sandbox, shared_database_url: str, capability: str
) -> None:
    """A public authority that shows its log to everyone must not hand out paths."""
    opened = make_sandbox(shared_database_url, sandbox.settings.data_dir, log_access="open")
    with_capability = fetch(sandbox, f"{capability}/checkpoint").data

    response = fetch(opened, f"{year(sandbox)}/checkpoint")

    assert with_capability == response.data
    assert 200 == fetch(opened, "tile/0/000").status_code
    opened.close()


def test_tiles_and_bundles_tell_nothing_of_whom_or_by_whom(
    sandbox: Sandbox, capability: str
) -> None:
    """Anyone may mirror them: a member's name in one would be seen by all others."""
    shown = b"".join(
        fetch(sandbox, f"{capability}/{path}").data
        for path in ("tile/0/000", "tile/0/001", "tile/entries/000", "tile/entries/001")
    )

    searches = run_sql(sandbox.settings.libpq_url, "SELECT member_id, subject FROM log_search")
    for member, subject in searches:
        assert isinstance(member, str)
        assert isinstance(subject, str)
        assert not member or member.encode() not in shown
        assert not subject or subject[2:].encode() not in shown
