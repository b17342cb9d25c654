"""An export stands alone: whoever has the folder and the keys needs nobody's word."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.domain.leaves import JsonValue
from exchange.domain.log.index import INDEX_ROOT_RULE, index_root
from exchange.services.log.ports import LogPorts
from exchange.services.log.write_leaves import LeafDraft, standard_base64
from exchange_client.audit.export import verify_export
from exchange_client.errors import LogInvalid
from tests.support.access_log import run_sql
from tests.support.regulator import Regulator, look


def test_an_export_verifies_from_its_folder_and_the_keys_alone(
    regulator: Regulator, tmp_path: Path
) -> None:
    """A court needs neither the exchange nor the regulator to believe the log."""
    regulator.looks(look(), look(), look("p:" + "0b" * 16, outcome="WITHHELD"))
    end = regulator.size()
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={end}")

    verified = verify_export(folder, regulator.policy())

    assert list(range(end)) == [leaf.index for leaf in verified.leaves]
    assert 3 == verified.counts()["query"]


@pytest.mark.parametrize(("first", "end"), [(0, 1), (3, 700), (255, 256), (256, 512), (511, 701)])
def test_any_range_leads_to_the_signed_root(
    regulator: Regulator, tmp_path: Path, first: int, end: int
) -> None:
    """A month of a large log is as provable as the whole of it."""
    ports = regulator.sandbox.ports
    regulator.looks()
    regulator.fill(701 - regulator.size() - 1)  # The look at the size is a leaf as well.
    folder = regulator.export(tmp_path / "export", f"from_index={first}&to_index={end}")

    verified = verify_export(folder, regulator.policy())

    assert (first, end) == (verified.first, verified.end)
    assert ports.origin(ports.now()) == verified.witnessed.checkpoint.origin


def test_parts_of_one_checkpoint_are_one_export(regulator: Regulator, tmp_path: Path) -> None:
    """A log too large for one answer is still complete."""
    regulator.looks(look(), look(), look())
    end = regulator.size()
    for first, last in ((0, 2), (2, end)):
        query = f"from_index={first}&to_index={last}&size={end}"
        regulator.export(tmp_path / "parts" / f"{first}-{last}", query)

    verified = verify_export(tmp_path / "parts", regulator.policy())

    assert (0, end) == (verified.first, verified.end)


def test_a_missing_part_is_missed(regulator: Regulator, tmp_path: Path) -> None:
    """Nobody leaves a week out of the middle."""
    regulator.looks(look(), look(), look())
    end = regulator.size()
    for first, last in ((0, 2), (3, end)):
        query = f"from_index={first}&to_index={last}&size={end}"
        regulator.export(tmp_path / "parts" / f"{first}-{last}", query)

    with pytest.raises(LogInvalid, match="is missing"):
        verify_export(tmp_path / "parts", regulator.policy())


def test_an_index_that_hides_a_hit_is_shown_by_the_export(
    regulator: Regulator, tmp_path: Path
) -> None:
    """Whoever takes a look out of the search index has not taken it out of the log."""
    regulator.looks(look(outcome="ADVERSE"), look())
    url = regulator.sandbox.settings.libpq_url
    run_sql(url, "DELETE FROM log_search WHERE outcome = 'ADVERSE'")
    hidden = regulator.get("entries?outcome=ADVERSE")["total"]
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")

    verified = verify_export(folder, regulator.policy())

    shown = [leaf for leaf in verified.leaves if leaf.said("outcome") == "ADVERSE"]
    assert (0, 1) == (hidden, len(shown))


def test_an_index_root_over_an_index_that_hides_a_hit_is_refused(
    regulator: Regulator, tmp_path: Path
) -> None:
    """The borrower of a hidden look would be proven that nobody else looked."""
    regulator.looks(look(outcome="ADVERSE"), look("p:" + "0b" * 16))
    write_index(regulator)
    true = regulator.export(tmp_path / "true", f"from_index=0&to_index={regulator.size()}")
    url = regulator.sandbox.settings.libpq_url
    run_sql(url, "DELETE FROM log_search WHERE outcome = 'ADVERSE'")
    write_index(regulator)
    false = regulator.export(tmp_path / "false", f"from_index=0&to_index={regulator.size()}")

    recounted = verify_export(true, regulator.policy()).recounted
    with pytest.raises(LogInvalid, match="the index hides a leaf"):
        verify_export(false, regulator.policy())

    assert 1 == recounted.index_roots


def test_an_index_of_a_size_that_cannot_be_is_refused(regulator: Regulator, tmp_path: Path) -> None:
    """An index over leaves of tomorrow could not be recounted by anyone."""
    regulator.looks(look())
    write_index(regulator, beyond=100)
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")

    with pytest.raises(LogInvalid, match="a size that cannot be"):
        verify_export(folder, regulator.policy())


def write_index(regulator: Regulator, *, beyond: int = 0) -> None:
    """Write the day's index root from the search index, as the exchange does once a day."""
    ports = regulator.sandbox.ports
    now = ports.now()
    with LogPorts(ports=ports, begin=regulator.sandbox.database.begin).begin() as work:
        log_id = work.log.find_log(ports.origin(now))
        assert log_id is not None
        size_now = work.tree.state(log_id).size
        lines = work.daily.subject_lines(log_id, size=size_now)
    said: dict[str, JsonValue] = {
        "day": "2026-01-01",
        "size": size_now + beyond,
        "subjects": len(lines),
        "root": standard_base64(index_root(lines)),
    }
    rule: dict[str, JsonValue] = {"rule": INDEX_ROOT_RULE}
    regulator.looks(LeafDraft(kind="index_root", member="", subject_slot=said, audit_slot=rule))


def test_a_closed_entry_without_an_erasure_is_reported(
    regulator: Regulator, tmp_path: Path
) -> None:
    """An operator who destroys a key without saying so is found out."""
    regulator.looks(look(), look())
    url = regulator.sandbox.settings.libpq_url
    run_sql(url, "DELETE FROM opening_key WHERE key_id LIKE 'p:%%'")
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")

    with pytest.raises(LogInvalid, match="no erasure accounts for it"):
        verify_export(folder, regulator.policy())


def test_what_an_erasure_names_is_accounted_for(regulator: Regulator, tmp_path: Path) -> None:
    """Erasing a person leaves a whole log, in which nobody can tell who it was."""
    regulator.looks(look(), look(), look("p:" + "0b" * 16))
    url = regulator.sandbox.settings.libpq_url
    found = regulator.get("entries?kind=query&member=member-a")["entries"]
    assert isinstance(found, list)
    named = [row["index"] for row in found[:2]]
    for table in ("opening", "opening_key"):  # As the erasure does, in one transaction with it.
        run_sql(url, f"DELETE FROM {table} WHERE key_id LIKE '{look().subject}%%'")
    audit: dict[str, JsonValue] = {"indices": named, "case": "2026-1"}
    basis: dict[str, JsonValue] = {"basis": "order"}
    regulator.looks(LeafDraft(kind="erasure", member="", subject_slot=basis, audit_slot=audit))
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")

    verified = verify_export(folder, regulator.policy())

    closed = {leaf.index: leaf.erased_by for leaf in verified.leaves if leaf.subject is None}
    assert named == sorted(closed)
    [erasure] = {verified.leaves[by or 0].kind for by in closed.values()}
    assert "erasure" == erasure


def test_a_flipped_bit_in_an_opening_is_an_alarm_and_no_export(regulator: Regulator) -> None:
    """What was stored otherwise than it was written never leaves as evidence."""
    regulator.looks(look())
    url = regulator.sandbox.settings.libpq_url
    run_sql(url, "UPDATE opening SET audit = set_byte(audit, 40, get_byte(audit, 40) # 1)")

    response = regulator.send("GET", "/audit/v1/export?from_index=0&to_index=1")

    assert (503, "exchange.integrity") == (response.status_code, response.json["code"])  # type: ignore[index]  # an object


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE leaf SET entry = set_byte(entry, 40, get_byte(entry, 40) # 1)",
        "DELETE FROM leaf_place WHERE leaf_index = 1",
    ],
)
def test_a_damaged_leaf_is_an_alarm_and_no_export(regulator: Regulator, damage: str) -> None:
    """Neither a flipped bit nor a hole in the log is handed on as the log."""
    regulator.looks(look(), look())
    run_sql(regulator.sandbox.settings.libpq_url, damage)

    response = regulator.send("GET", "/audit/v1/export?from_index=0&to_index=3")

    assert 503 == response.status_code, response.data


@pytest.mark.parametrize(
    "path",
    [
        "export?from_index=0&to_index=1&size=99999",
        "export?from_index=0&to_index=1&year=2025",
        *(f"{name}?year=2025" for name in ("entries", "flags", "lend-first", "compliance", "log")),
    ],
)
def test_what_there_is_no_log_or_checkpoint_of_is_absent(regulator: Regulator, path: str) -> None:
    """A year without a log is no empty log: an authority would take it for a quiet one."""
    regulator.looks(look())

    assert 404 == regulator.send("GET", f"/audit/v1/{path}").status_code


@pytest.mark.parametrize(
    "query",
    [
        "from_index=0",
        "from_index=5&to_index=3",
        "from_index=3&to_index=3",
        "from_index=0&to_index=99999999999",
        "from_index=0&to_index=10001",
        "from_index=0&to_index=" + "9" * 30,
        "from_index=-1&to_index=2",
    ],
)
def test_a84_a_range_that_cannot_be_is_refused_at_once(regulator: Regulator, query: str) -> None:
    """A number of thirty digits costs the exchange nothing."""
    response = regulator.send("GET", f"/audit/v1/export?{query}")

    assert 422 == response.status_code, response.data
