"""Renew a key of a keyring file."""

from __future__ import annotations

import json
from pathlib import Path

from exchange.crypto.keyring import Use, load_keyring
from exchange.crypto.new_keys import fresh_key, write_new


def renew_checkpoint_key(path: Path, *, now: int) -> str:
    """Add a fresh key that signs checkpoints from the next start on; return its key id.

    The one before stays in the file and signs no more.

    Raises:
        SettingsError: the file is no whole keyring.
        FileExistsError: a key was made in this very second.
    """
    environment = load_keyring(path).environment
    content = json.loads(path.read_text())
    key = fresh_key(Use.CHECKPOINT, environment, None, now)
    if any(one["kid"] == key["kid"] for one in content["keys"]):
        raise FileExistsError(f"{key['kid']} is in the keyring already")
    content["keys"].append(key)
    beside = path.with_name(f"{path.name}.new")
    write_new(beside, content)
    beside.replace(path)
    return str(key["kid"])
