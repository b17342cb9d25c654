"""Exports with another history put into them, by whoever holds the folder or even a key."""

from __future__ import annotations

import json
import secrets
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from exchange.crypto.keyring import Use
from exchange.domain.leaves import JsonValue, Slot, commitment, new_leaf
from exchange.domain.notes import Note, SignatureLine
from exchange.services.audit.export_range import statement_key
from exchange.services.log.write_leaves import (
    LeafDraft,
    opening_key,
    seal_leaf,
    standard_base64,
    subject_ask,
)
from exchange.services.ports import Ports
from exchange_client.audit import export
from exchange_client.audit.export import verify_export
from exchange_client.errors import CxError, LogInvalid, UsageError
from exchange_client.log.policy import parse_policy
from tests.support.access_log import run_sql
from tests.support.regulator import Regulator, look
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


def test_an_erasure_accounts_for_what_it_names_and_for_nothing_else(
    regulator: Regulator, tmp_path: Path
) -> None:
    """Else any look could be closed, and another entry called its erasure."""
    regulator.looks(look(), look())
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")
    place = folder / "openings.ndjson"
    lines = [json.loads(line) for line in place.read_text().splitlines()]
    closed: dict[str, object] = {"index": 1, "erased_by": 0}
    for slot in Slot:
        opened = lines[1][slot.value]
        committed = commitment(slot, b64decode(opened["salt"]), opened["payload"].encode())
        closed[slot.value] = {"c": standard_base64(committed)}
    lines[1] = closed
    place.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    resign(regulator, folder)

    with pytest.raises(LogInvalid, match=r"\(5\) index 1: entry 0 does not erase it"):
        verify_export(folder, regulator.policy())


@pytest.mark.parametrize(
    ("numbers", "why"),
    [
        ([1, 3], "is missing"),
        ([2], "is missing"),
        ([1, 1], "is missing"),
        ([1, None], "has no number"),
    ],
)
def test_looks_that_are_not_numbered_one_by_one_are_refused(
    regulator: Regulator, tmp_path: Path, numbers: list[int | None], why: str
) -> None:
    """A number that is left out is a look that somebody else was shown, or nobody."""
    ports = regulator.sandbox.ports
    for number in numbers:
        write_numbered(look(), number, ports)
    regulator.sandbox.sequence()
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")

    with pytest.raises(LogInvalid, match=rf"\(6\) index \d+: .*{why}"):
        verify_export(folder, regulator.policy())


def test_a_salt_is_cut_at_its_32_bytes(regulator: Regulator, tmp_path: Path) -> None:
    """Salt and payload are hashed as one; cut elsewhere they would be another payload."""
    ports = regulator.sandbox.ports
    blank = replace(ports, random_bytes=lambda count: b"\7" * (count - 1) + b" ")
    write_numbered(look(), 1, blank)
    regulator.sandbox.sequence()
    folder = regulator.export(tmp_path / "export", f"from_index=0&to_index={regulator.size()}")
    place = folder / "openings.ndjson"
    lines = [json.loads(line) for line in place.read_text().splitlines()]
    [own] = [one for one in lines if '"query"' in one["subject"]["payload"]]
    salt = b64decode(own["subject"]["salt"])
    cut = {"payload": " " + own["subject"]["payload"], "salt": standard_base64(salt[:-1])}
    own["subject"] = cut
    place.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
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


def write_numbered(draft: LeafDraft, number: int | None, ports: Ports) -> None:
    """Write a leaf whose number is not the subject's next, as a forger with the keys could."""
    now = ports.now()
    said: dict[str, JsonValue] = {"kind": draft.kind, "t": now, "member": draft.member}
    said |= {**draft.subject_slot, "subject": draft.subject}
    if number is not None:
        said["subject_seq"] = number
    leaf = new_leaf(said, draft.audit_slot, ports.random_bytes)
    with ports.begin() as work:
        log_id = work.log.find_log(ports.origin(now))
        assert log_id is not None
        ask = subject_ask(draft.subject, ports, now)
        [turn] = work.log.open_subjects([ask], log_id=log_id)
        key = opening_key(ask.key_id, turn.kek_id, turn.wrapped, ports)
        work.log.append([seal_leaf(draft, leaf, key, ports, now)], log_id=log_id, now=now)
        work.commit()


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


def resign(regulator: Regulator, folder: Path) -> None:
    """Sign the folder as it is now, as whoever holds the statement key could."""
    head, _, _ = (folder / "manifest").read_text().partition("file ")
    files = [one for one in folder.rglob("*") if one.is_file() and one.name != "manifest"]
    lines = [
        f"file {sha256(one.read_bytes()).hexdigest()} {one.relative_to(folder)}\n" for one in files
    ]
    sign(regulator, folder, head + "".join(lines))


def sign(regulator: Regulator, folder: Path, text: str) -> None:
    """Sign a manifest of these words."""
    ports = regulator.sandbox.ports
    key = statement_key(ports)
    signature = ports.keyring.signer(Use.STATEMENT)(text.encode())
    line = SignatureLine(name=key.name, key_id=key.key_id, signature=signature)
    (folder / "manifest").write_bytes(Note(text=text, signatures=(line,)).print())
