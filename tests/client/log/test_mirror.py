"""`cx log`: a mirror keeps what is true, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from exchange.domain.merkle import leaf_hash, root
from exchange.domain.tiles import bundle
from exchange_client.cli.main import app
from exchange_client.cli.options import Outside
from exchange_client.errors import InclusionInvalid, LogForked, LogInvalid
from exchange_client.log.mirroring import mirror_log
from exchange_client.log.policy import Policy, parse_policy
from exchange_client.log.sources import Folder
from exchange_client.log.tiles import Growing, entries_of, leaf_hashes
from exchange_client.log.verifying import verify_log
from tests.support.signed_log import (
    COSIGNED_AT,
    WITNESSES,
    SignedLog,
    entries,
    policy_text,
)

NONE = parse_policy(policy_text().encode())
TWO = parse_policy(policy_text(quorum="two").encode())


def ignore(count: int) -> None:
    """Show no progress."""


def pull(source: Path, mirror: Path, policy: Policy = NONE) -> tuple[int, int]:
    """Pull a log into a mirror; return how many entries it held before and holds now."""
    pulled = mirror_log(Folder(source), mirror, policy, ignore)
    return pulled.before, pulled.after


def files(folder: Path) -> dict[str, bytes]:
    """Return everything that stands in a folder."""
    return {
        str(place.relative_to(folder)): place.read_bytes()
        for place in folder.rglob("*")
        if place.is_file()
    }


@given(sizes=st.lists(st.integers(0, 700), min_size=1, max_size=4).map(sorted))
def test_a_tree_grown_tile_by_tile_has_the_root_of_the_whole(sizes: list[int]) -> None:
    """A mirror that pulls often sees the same log as one that pulls once."""
    leaves = leaf_hashes(entries(sizes[-1]))
    tree = Growing()

    for size in sizes:
        while tree.size < size:
            tree.add(leaves[tree.size : min(size, (tree.size // 256 + 1) * 256)])
        assert root([leaf_hash(one) for one in entries(size)]) == tree.root()


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1_000])
def test_a_mirror_is_a_log_that_verifies(size: int, tmp_path: Path) -> None:
    """Whoever keeps a mirror can prove the log without the exchange."""
    source = SignedLog(entries=entries(size)).write(tmp_path / "source")

    pulled = pull(source, tmp_path / "mirror")

    assert (0, size) == pulled
    assert (
        size == verify_log(Folder(tmp_path / "mirror"), NONE, ignore).witnessed.checkpoint.head.size
    )
    assert files(source).items() <= files(tmp_path / "mirror").items()


def test_a_mirror_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A nightly pull costs what is new, and every checkpoint ever taken is kept."""
    log = SignedLog(entries=entries(900))

    pulls = [
        pull(log.write(tmp_path / f"source-{size}", size), tmp_path / "mirror")
        for size in (3, 256, 300, 300, 900)
    ]

    assert [(0, 3), (3, 256), (256, 300), (300, 300), (300, 900)] == pulls
    kept = sorted(one.name for one in (tmp_path / "mirror" / "checkpoints").iterdir())
    assert [f"{size:012}" for size in (3, 256, 300, 900)] == kept


def test_a_mirror_that_was_killed_fetches_no_full_bundle_twice(tmp_path: Path) -> None:
    """A pull of hours survives a restart."""
    source = SignedLog(entries=entries(900)).write(tmp_path / "source")
    stopped = RuntimeError("killed")

    def kill(count: int) -> None:
        if count == 512:
            raise stopped

    with pytest.raises(RuntimeError):
        mirror_log(Folder(source), tmp_path / "mirror", NONE, kill)
    for n in range(2):
        (source / f"tile/entries/00{n}").unlink()

    pulled = pull(source, tmp_path / "mirror")

    assert (0, 900) == pulled


@pytest.mark.parametrize(("held", "offered"), [(300, 300), (300, 200), (300, 301), (256, 900)])
def test_a_fork_is_refused_with_both_notes(held: int, offered: int, tmp_path: Path) -> None:
    """A log that shows two members two histories is caught by whoever kept the first."""
    truth, lie = entries(900), entries(900)
    lie[100] = entries(1, label="lie")[0]
    pull(SignedLog(entries=truth).write(tmp_path / "a", held), tmp_path / "mirror")
    before = files(tmp_path / "mirror")
    forked = SignedLog(entries=lie)

    with pytest.raises(LogForked) as caught:
        pull(forked.write(tmp_path / "b", offered), tmp_path / "mirror")

    assert before["checkpoint"] == caught.value.held
    assert forked.checkpoint(offered) == caught.value.offered
    assert before["checkpoint"] == files(tmp_path / "mirror")["checkpoint"]


def test_an_older_checkpoint_of_the_same_history_changes_nothing(tmp_path: Path) -> None:
    """A cache that lags is no fork."""
    log = SignedLog(entries=entries(300))
    pull(log.write(tmp_path / "new", 300), tmp_path / "mirror")

    pulled = pull(log.write(tmp_path / "old", 257), tmp_path / "mirror")

    assert (300, 300) == pulled


@pytest.mark.parametrize("path", ["tile/entries/000", "tile/entries/001.p/44", "tile/0/000"])
def test_one_flipped_bit_at_the_source_is_refused(path: str, tmp_path: Path) -> None:
    """What the witnesses did not sign is not kept, whoever damaged it."""
    source = SignedLog(entries=entries(300)).write(tmp_path / "source")
    flip(source / path)

    with pytest.raises(LogInvalid):
        pull(source, tmp_path / "mirror")

    assert not (tmp_path / "mirror" / "checkpoint").exists()


def test_damaged_bundles_are_told_from_a_fork(tmp_path: Path) -> None:
    """Nobody is accused of a fork because a disk failed."""
    log = SignedLog(entries=entries(300))
    pull(log.write(tmp_path / "old", 200), tmp_path / "mirror")
    source = log.write(tmp_path / "new", 300)
    flip(source / "tile/entries/001.p/44")

    with pytest.raises(LogInvalid):
        pull(source, tmp_path / "mirror")


@pytest.mark.parametrize(
    "path", ["tile/entries/000", "tile/entries/001.p/44", "tile/0/000", "tile/1/000.p/1"]
)
def test_one_flipped_bit_in_the_mirror_is_found(path: str, tmp_path: Path) -> None:
    """A mirror is evidence only as long as it is whole."""
    source = SignedLog(entries=entries(300)).write(tmp_path / "source")
    pull(source, tmp_path / "mirror")
    flip(tmp_path / "mirror" / path)

    with pytest.raises(LogInvalid):
        verify_log(Folder(tmp_path / "mirror"), NONE, ignore)


def test_entries_without_hash_tiles_are_held_against_the_signed_root(tmp_path: Path) -> None:
    """Tiles are a convenience: whoever leaves them out must not get a changed entry past."""
    source = SignedLog(entries=entries(300)).write(tmp_path / "source")
    for level in ("0", "1"):
        rmtree(source / "tile" / level)
    verify_log(Folder(source), NONE, ignore)
    flip(source / "tile/entries/000", at=50)  # within the first entry

    with pytest.raises(LogInvalid, match="root"):
        verify_log(Folder(source), NONE, ignore)


def test_a_damaged_mirror_accuses_nobody_of_a_fork(tmp_path: Path) -> None:
    """The fault is on the mirror's own disk, and must be told as such."""
    log = SignedLog(entries=entries(300))
    pull(log.write(tmp_path / "old", 200), tmp_path / "mirror")
    flip(tmp_path / "mirror/tile/0/000.p/200")

    with pytest.raises(LogInvalid, match="mirror"):
        pull(log.write(tmp_path / "new", 300), tmp_path / "mirror")


@pytest.mark.parametrize("cosigners", [0, 1])
def test_a_checkpoint_without_a_quorum_is_not_kept(cosigners: int, tmp_path: Path) -> None:
    """A log that shows its witnesses nothing shows us nothing either."""
    log = SignedLog(entries=entries(3), cosigners=WITNESSES[:cosigners])

    with pytest.raises(InclusionInvalid, match="quorum"):
        pull(log.write(tmp_path / "source"), tmp_path / "mirror", TWO)


def test_the_commands_need_nothing_but_the_policy(tmp_path: Path) -> None:
    """A stranger's machine verifies the log: no account, no key, no pins."""
    log = SignedLog(entries=entries(600), cosigners=WITNESSES[:2])
    log.write(tmp_path / "served")

    mirrored = cx(tmp_path, "mirror", "https://log.test/capability/2026", str(tmp_path / "mirror"))
    verified = cx(tmp_path, "verify", str(tmp_path / "mirror"))
    over_the_wire = cx(tmp_path, "verify", "https://log.test/capability/2026")

    assert (0, 0, 0) == (mirrored.exit_code, verified.exit_code, over_the_wire.exit_code)
    assert "600 entries" in verified.output


@pytest.mark.parametrize("late_seconds", [3_601, -60])
def test_an_old_quorum_is_not_shown_as_now(late_seconds: int, tmp_path: Path) -> None:
    """A log kept from its witnesses is noticed within the hour; a witness ahead, at once."""
    SignedLog(entries=entries(3), cosigners=WITNESSES).write(tmp_path / "served")

    done = cx(tmp_path, "verify", "https://log.test/x", clock=lambda: COSIGNED_AT + late_seconds)

    assert 4 == done.exit_code
    assert "too old" in done.output


def test_a_fork_leaves_with_four_and_shows_both_notes(tmp_path: Path) -> None:
    """Both signed notes are what a court is shown."""
    SignedLog(entries=entries(3), cosigners=WITNESSES).write(tmp_path / "served")
    cx(tmp_path, "mirror", "https://log.test/x", str(tmp_path / "mirror"))
    lie = SignedLog(entries=entries(3, label="lie"), cosigners=WITNESSES)
    lie.write(tmp_path / "served")

    done = cx(tmp_path, "mirror", "https://log.test/x", str(tmp_path / "mirror"))

    assert 4 == done.exit_code
    for note in (lie.checkpoint(), (tmp_path / "mirror" / "checkpoint").read_bytes()):
        assert note.decode().splitlines()[2] in done.output


def flip(place: Path, at: int | None = None) -> None:
    """Flip one bit of a file, in its middle if no place is named."""
    content = bytearray(place.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 1
    place.write_bytes(bytes(content))


def cx(folder: Path, *words: str, clock: Callable[[], int] = lambda: COSIGNED_AT + 60) -> Result:
    """Run `cx log` in front of a server that serves one folder."""
    policy = folder / "policy"
    policy.write_text(policy_text(quorum="two"))

    def serve(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/capability/2026").removeprefix("/x").lstrip("/")
        place = folder / "served" / path
        found = place.is_file()
        return httpx2.Response(200, content=place.read_bytes()) if found else httpx2.Response(404)

    outside = Outside(transport=httpx2.MockTransport(serve), clock=clock)
    environment = {"CX_POLICY": str(policy)}
    return CliRunner().invoke(app, ["log", *words], env=environment, obj=outside)


@given(lengths=st.lists(st.sampled_from([0, 1, 116, 300]), min_size=1, max_size=6))
def test_a_bundle_is_cut_into_the_entries_it_was_made_of(lengths: list[int]) -> None:
    """Entries of other lengths, which other logs have, are cut as well as ours."""
    made = [bytes([number]) * length for number, length in enumerate(lengths)]

    assert made == entries_of(bundle(made), len(made))
