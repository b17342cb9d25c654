"""An export stands alone: whoever has the folder and the keys needs nobody's word."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from exchange.crypto.keyring import Use
from exchange.domain.leaves import JsonValue, new_leaf
from exchange.domain.log.index import INDEX_ROOT_RULE, index_root
from exchange.domain.notes import Note, SignatureLine
from exchange.services.audit.export_range import statement_key
from exchange.services.log.ports import LogPorts
from exchange.services.log.write_leaves import LeafDraft, standard_base64
from exchange_client.audit import export
from exchange_client.audit.export import verify_export
from exchange_client.errors import CxError, LogInvalid, UsageError
from tests.support.access_log import run_sql
from tests.support.regulator import Regulator, look, open_regulator


@pytest.fixture
def regulator(database_url: str, tmp_path: Path) -> Iterator[Regulator]:
    """An authority in front of a log."""
    with open_regulator(database_url, tmp_path) as opened:
        yield opened


def size(regulator: Regulator) -> int:
    """Return the size of the log."""
    found = regulator.get("log")["size"]
    assert isinstance(found, int)
    return found


def test_an_export_verifies_from_its_folder_and_the_keys_alone(
    regulator: Regulator, tmp_path: Path
) -> None:
    """A court needs neither the exchange nor the regulator to believe the log."""
    regulator.looks(look(), look(), look("p:" + "0b" * 16, outcome="WITHHELD"))
    end = size(regulator)
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
    regulator.fill(701 - size(regulator) - 1)  # The look at the size is a leaf as well.
    folder = regulator.export(tmp_path / "export", f"from_index={first}&to_index={end}")

    verified = verify_export(folder, regulator.policy())

    assert (first, end) == (verified.first, verified.end)
    assert ports.origin(ports.now()) == verified.witnessed.checkpoint.origin


def test_parts_of_one_checkpoint_are_one_export(regulator: Regulator, tmp_path: Path) -> None:
    """A log too large for one answer is still complete."""
    regulator.looks(look(), look(), look())
    end = size(regulator)
    for first, last in ((0, 2), (2, end)):
        query = f"from_index={first}&to_index={last}&size={end}"
        regulator.export(tmp_path / "parts" / f"{first}-{last}", query)

    verified = verify_export(tmp_path / "parts", regulator.policy())

    assert (0, end) == (verified.first, verified.end)


def test_a_missing_part_is_missed(regulator: Regulator, tmp_path: Path) -> None:
    """Nobody leaves a week out of the middle."""
    regulator.looks(look(), look(), look())
    end = size(regulator)
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
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={size(regulator)}")

    verified = verify_export(folder, regulator.policy())

    shown = [leaf for leaf in verified.leaves if leaf.said("outcome") == "ADVERSE"]
    assert (0, 1) == (hidden, len(shown))


def test_an_index_root_over_an_index_that_hides_a_hit_is_refused(
    regulator: Regulator, tmp_path: Path
) -> None:
    """The borrower of a hidden look would be proven that nobody else looked."""
    regulator.looks(look(outcome="ADVERSE"), look("p:" + "0b" * 16))
    write_index(regulator)
    true = regulator.export(tmp_path / "true", f"from_index=0&to_index={size(regulator)}")
    url = regulator.sandbox.settings.libpq_url
    run_sql(url, "DELETE FROM log_search WHERE outcome = 'ADVERSE'")
    write_index(regulator)
    false = regulator.export(tmp_path / "false", f"from_index=0&to_index={size(regulator)}")

    recounted = verify_export(true, regulator.policy()).recounted
    with pytest.raises(LogInvalid, match="the index hides a leaf"):
        verify_export(false, regulator.policy())

    assert 1 == recounted.index_roots


def write_index(regulator: Regulator) -> None:
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
        "size": size_now,
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
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={size(regulator)}")

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
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={size(regulator)}")

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

    assert (503, "exchange.integrity") == (response.status_code, response.json["code"])  # type: ignore[index]


def drop_line(lines: list[str]) -> list[str]:
    """Leave an index out."""
    return lines[:1] + lines[2:]


def swap_lines(lines: list[str]) -> list[str]:
    """Show two indices in another order."""
    return [lines[1], lines[0], *lines[2:]]


def change_salt(lines: list[str]) -> list[str]:
    """Open a slot by another salt."""
    line = json.loads(lines[1])
    line["subject"]["salt"] = "A" * 43 + "="
    return [lines[0], json.dumps(line), *lines[2:]]


def close_slot(lines: list[str]) -> list[str]:
    """Close a slot with a commitment of one's own."""
    line = json.loads(lines[1])
    line["audit"] = {"c": "A" * 43 + "="}
    return [lines[0], json.dumps(line), *lines[2:]]


@pytest.mark.parametrize("change", [drop_line, swap_lines, change_salt, close_slot])
def test_changed_openings_are_found_even_under_a_new_digest(
    regulator: Regulator, tmp_path: Path, change: Callable[[list[str]], list[str]]
) -> None:
    """Not even whoever holds the statement key can show another history."""
    regulator.looks(look(), look())
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={size(regulator)}")
    place = folder / "openings.ndjson"
    changed = "".join(f"{line}\n" for line in change(place.read_text().splitlines()))
    place.write_text(changed)
    resign(regulator, folder)

    with pytest.raises(LogInvalid, match=r"\(4\)"):
        verify_export(folder, regulator.policy())


def another_entry(regulator: Regulator, folder: Path) -> None:
    """Show another entry, with the opening that fits it."""
    own = new_leaf({"kind": "heartbeat", "t": 1}, {}, secrets.token_bytes)
    bundle = next(one for one in (folder / "tile" / "entries").rglob("*") if one.is_file())
    content, lines = bundle.read_bytes(), (folder / "openings.ndjson").read_text().splitlines()
    at, length = 2, int.from_bytes(content[:2], "big")
    assert length == len(own.entry)
    bundle.write_bytes(content[:at] + own.entry + content[at + length :])
    shown = {
        slot: {"payload": one.payload.decode(), "salt": standard_base64(one.salt)}
        for slot, one in (("subject", own.subject), ("audit", own.audit))
    }
    lines[0] = json.dumps({"index": 0, **shown})
    (folder / "openings.ndjson").write_text("".join(f"{line}\n" for line in lines))


def older_checkpoint(regulator: Regulator, folder: Path) -> None:
    """Show a checkpoint of an earlier size, signed as well."""
    url = regulator.sandbox.settings.libpq_url
    [(note,)] = run_sql(url, "SELECT note FROM checkpoint ORDER BY size LIMIT 1")
    (folder / "checkpoint").write_text(str(note))


@pytest.mark.parametrize(
    ("change", "why"), [(another_entry, r"\(3\) the entries"), (older_checkpoint, r"\(2\)")]
)
def test_another_history_is_found_even_under_the_statement_key(
    regulator: Regulator,
    tmp_path: Path,
    change: Callable[[Regulator, Path], None],
    why: str,
) -> None:
    """What the log's own key signed is the root; no other signature stands in for it."""
    regulator.looks(look(), look())
    regulator.looks(look())
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={size(regulator)}")
    change(regulator, folder)
    resign(regulator, folder)

    with pytest.raises(LogInvalid, match=why):
        verify_export(folder, regulator.policy())


def test_parts_that_show_two_checkpoints_are_no_export(
    regulator: Regulator, tmp_path: Path
) -> None:
    """Two halves of two histories would look like one."""
    regulator.looks(look(), look(), look())
    end = size(regulator)
    regulator.export(tmp_path / "parts" / "0-2", f"from_index=0&to_index=2&size={end}")
    regulator.looks(look())
    later = size(regulator)
    regulator.export(tmp_path / "parts" / f"2-{end}", f"from_index=2&to_index={end}&size={later}")

    with pytest.raises(LogInvalid, match="two checkpoints"):
        verify_export(tmp_path / "parts", regulator.policy())


def test_a_folder_without_an_export_and_a_file_without_end_are_refused(
    regulator: Regulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an empty folder nor one that fills the memory is called verified."""
    with pytest.raises(UsageError, match="holds no export"):
        verify_export(tmp_path, regulator.policy())
    regulator.looks(look())
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={size(regulator)}")
    monkeypatch.setattr(export, "FILE_BYTES_MAX", 100)

    with pytest.raises(LogInvalid, match="too long"):
        verify_export(folder, regulator.policy())


@pytest.mark.parametrize("name", ["openings.ndjson", "checkpoint", "manifest", "tile"])
def test_one_flipped_bit_anywhere_is_found(regulator: Regulator, tmp_path: Path, name: str) -> None:
    """An export that was copied badly is not believed in part."""
    regulator.looks(look(), look())
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={size(regulator)}")
    places = [one for one in (folder / name).rglob("*") if one.is_file()] or [folder / name]
    content = bytearray(places[0].read_bytes())
    content[len(content) // 2] ^= 1
    places[0].write_bytes(bytes(content))

    with pytest.raises(CxError):
        verify_export(folder, regulator.policy())


def test_a_time_that_only_the_manifest_vouches_for_is_held_to_it(
    regulator: Regulator, tmp_path: Path
) -> None:
    """When a checkpoint was signed decides who was silent, and stands under no key but this one."""
    regulator.looks(look(), look())
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={size(regulator)}")
    place = folder / "checkpoints.ndjson"
    first, *rest = place.read_text().splitlines()
    later = {**json.loads(first), "signed_at": json.loads(first)["signed_at"] + 1}
    place.write_text("".join(f"{line}\n" for line in (json.dumps(later), *rest)))

    with pytest.raises(LogInvalid, match=r"\(1\) checkpoints.ndjson: not what"):
        verify_export(folder, regulator.policy())


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


def resign(regulator: Regulator, folder: Path) -> None:
    """Sign the folder as it is now, as whoever holds the statement key could."""
    ports = regulator.sandbox.ports
    key = statement_key(ports)
    head, _, _ = (folder / "manifest").read_text().partition("file ")
    files = [one for one in folder.rglob("*") if one.is_file() and one.name != "manifest"]
    lines = [
        f"file {sha256(one.read_bytes()).hexdigest()} {one.relative_to(folder)}\n" for one in files
    ]
    text = head + "".join(lines)
    signature = ports.keyring.signer(Use.STATEMENT)(text.encode())
    line = SignatureLine(name=key.name, key_id=key.key_id, signature=signature)
    (folder / "manifest").write_bytes(Note(text=text, signatures=(line,)).print())
