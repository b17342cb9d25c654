"""Leaves that are no honest history, in an export whose every signature holds."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.domain.leaves import JsonValue, Slot, commitment, new_leaf
from exchange.services.log.write_leaves import (
    LeafDraft,
    opening_key,
    seal_leaf,
    standard_base64,
    subject_ask,
)
from exchange.services.ports import Ports
from exchange_client.audit.export import verify_export
from exchange_client.errors import LogInvalid
from tests.support.regulator import Regulator, look, resign


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
