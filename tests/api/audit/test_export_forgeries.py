"""Exports with another history put into them, by whoever holds the folder or even a key."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.domain.leaves import new_leaf
from exchange.services.log.write_leaves import (
    standard_base64,
)
from exchange_client.audit import export
from exchange_client.audit.export import verify_export
from exchange_client.errors import CxError, LogInvalid, UsageError
from exchange_client.log.policy import parse_policy
from tests.support.access_log import run_sql
from tests.support.regulator import Regulator, look, resign, sign
from tests.support.signed_log import SignedLog, Signer, entries


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


def renumber(lines: list[str]) -> list[str]:
    """Say that a line is of another index."""
    return [lines[0], json.dumps(json.loads(lines[1]) | {"index": 7}), *lines[2:]]


@pytest.mark.parametrize("change", [drop_line, swap_lines, change_salt, close_slot, renumber])
def test_changed_openings_are_found_even_under_a_new_digest(
    regulator: Regulator, tmp_path: Path, change: Callable[[list[str]], list[str]]
) -> None:
    """Not even whoever holds the statement key can show another history."""
    regulator.looks(look(), look())
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")
    place = folder / "openings.ndjson"
    changed = "".join(f"{line}\n" for line in change(place.read_text().splitlines()))
    place.write_text(changed)
    resign(regulator, folder)

    with pytest.raises(LogInvalid, match=r"\(4\)"):
        verify_export(folder, regulator.policy())


def test_a_checkpoint_of_another_log_says_nothing_of_this_one(
    regulator: Regulator, tmp_path: Path
) -> None:
    """A quorum time borrowed from a log that witnesses saw would clear a loan of this one."""
    regulator.looks(look())
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")
    other = Signer(name="other.example/access/2026", label="other")
    note = SignedLog(entries=entries(3), signer=other).checkpoint().decode()
    with (folder / "checkpoints.ndjson").open("a") as lines:
        lines.write(json.dumps({"note": note, "signed_at": 1}) + "\n")
    resign(regulator, folder)
    both = f"log {other.key.vkey()}\n{regulator.policy_text()}"

    with pytest.raises(LogInvalid, match="a checkpoint of another log"):
        verify_export(folder, parse_policy(both.encode()))


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
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")
    change(regulator, folder)
    resign(regulator, folder)

    with pytest.raises(LogInvalid, match=why):
        verify_export(folder, regulator.policy())


def test_parts_that_show_two_checkpoints_are_no_export(
    regulator: Regulator, tmp_path: Path
) -> None:
    """Two halves of two histories would look like one."""
    regulator.looks(look(), look(), look())
    end = regulator.size()
    regulator.export(tmp_path / "parts" / "0-2", f"from_index=0&to_index=2&size={end}")
    regulator.looks(look())
    later = regulator.size()
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
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")
    openings = folder / "openings.ndjson"
    kept = openings.read_bytes()
    openings.unlink()
    resign(regulator, folder)
    with pytest.raises(LogInvalid, match="lists no openings"):
        verify_export(folder, regulator.policy())
    openings.write_bytes(kept)
    resign(regulator, folder)
    monkeypatch.setattr(export, "FILE_BYTES_MAX", 100)

    with pytest.raises(LogInvalid, match="too long"):
        verify_export(folder, regulator.policy())


@pytest.mark.parametrize("name", ["openings.ndjson", "checkpoint", "manifest", "tile"])
def test_one_flipped_bit_anywhere_is_found(regulator: Regulator, tmp_path: Path, name: str) -> None:
    """An export that was copied badly is not believed in part."""
    regulator.looks(look(), look())
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")
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
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")
    place = folder / "checkpoints.ndjson"
    first, *rest = place.read_text().splitlines()
    later = {**json.loads(first), "signed_at": json.loads(first)["signed_at"] + 1}
    place.write_text("".join(f"{line}\n" for line in (json.dumps(later), *rest)))

    with pytest.raises(LogInvalid, match=r"\(1\) checkpoints.ndjson: not what"):
        verify_export(folder, regulator.policy())


@pytest.mark.parametrize(
    "change",
    [
        ("origin ", "source "),
        ("range ", "reach "),
        ("credit-exchange/export/v1", "credit-exchange/export/v2"),
        ("checkpoint\n", "../checkpoint\n"),
        ("checkpoint\n", "/checkpoint\n"),
        ("openings.ndjson\n", "checkpoint\n"),
    ],
)
def test_a_statement_of_another_form_is_no_manifest(
    regulator: Regulator, tmp_path: Path, change: tuple[str, str]
) -> None:
    """A signed line that two readers read in two ways is a way out of the folder, or of a check."""
    regulator.looks(look())
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")
    text, _, _ = (folder / "manifest").read_text().partition("\n\n")
    assert change[0] in f"{text}\n"
    sign(regulator, folder, f"{text}\n".replace(*change, 1))

    with pytest.raises(LogInvalid, match=r"\(1\)"):
        verify_export(folder, regulator.policy())
