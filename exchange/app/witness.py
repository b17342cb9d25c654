"""Compose a witness: its key, the logs it knows, and one file a log. No database, no settings file.

In:  three variables of the environment, which `exchange witness serve` sets for its workers.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from flask import Flask

from exchange.api.witness import witness_app
from exchange.crypto.note_keys import load_witness_key
from exchange.domain.log.policies import parse_policy
from exchange.domain.notes import NoteKey
from exchange.errors import SettingsError
from exchange.services.witnesses.cosign_checkpoint import CosignPorts
from exchange.store.log.checkpoint_file import WitnessFiles

KEY, STATE, LOGS = "CX_WITNESS_KEY", "CX_WITNESS_STATE", "CX_WITNESS_LOGS"


def create_witness() -> Flask:
    """Build the application of one worker of a witness.

    Raises:
        SettingsError: key or policy cannot be used.
    """
    key = load_witness_key(Path(os.environ[KEY]))
    state = Path(os.environ[STATE])
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    ports = CosignPorts(
        now=lambda: int(time.time()),
        logs=_logs(Path(os.environ[LOGS])),
        key=key.key,
        sign=key.sign,
        hold=WitnessFiles(state).hold,
    )
    return witness_app(ports)


def _logs(policy: Path) -> dict[str, tuple[NoteKey, ...]]:
    """Read the logs that a policy file names; several keys may sign one log during a rotation."""
    logs: dict[str, tuple[NoteKey, ...]] = {}
    for key in parse_policy(policy.read_text(encoding="utf-8")).logs:
        logs[key.name] = (*logs.get(key.name, ()), key)
    if not logs:
        raise SettingsError("the policy names no log to witness")
    return logs
