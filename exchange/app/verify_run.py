"""What `exchange verify-run` may touch: it reads, and needs no pool."""

from __future__ import annotations

import time

from exchange.crypto.keyring import load_keyring
from exchange.crypto.sealing import Sealer
from exchange.services.verify_run.ports import RunPorts
from exchange.settings import Settings
from exchange.store.log.checkpoint_file import CheckpointFiles
from exchange.store.verify_run import snapshot


def run_ports(settings: Settings) -> RunPorts:
    """Gather them.

    Raises:
        SettingsError: the keyring is absent, readable by others, or not a whole keyring.
    """
    keyring = load_keyring(settings.keyring_file)
    files = CheckpointFiles(settings.checkpoint_file)
    return RunPorts(
        now=lambda: int(time.time()),
        snapshot=lambda: snapshot(settings.libpq_url),
        outside=files.read,
        signer=keyring,
        keyring=keyring,
        sealer=Sealer(keyring),
        issuer=settings.issuer,
    )
