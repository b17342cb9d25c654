"""Without counsel's word on every unconfirmed value nothing but a sandbox is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from consent.profiles import load_profile, unconfirmed
from exchange.app.counsel import check_counsel, confirmations
from exchange.errors import SettingsError
from exchange.settings import load

KEYS = [value.key for value in unconfirmed(load_profile("CN"))]
URL = "postgresql://exchange:secret@db.example/exchange"


def references(*keys: str) -> str:
    """Write a file of references to these keys."""
    lines = "\n".join(f'{key} = "opinion, section {key}"' for key in keys)
    return f'["cn@1"]\n{lines}\n'


def test_nothing_but_a_sandbox_is_served_unconfirmed(tmp_path: Path) -> None:
    """Real borrowers are not judged by rules that counsel has never seen."""
    path = tmp_path / "counsel.toml"
    real = load(database_url=URL, sandbox=False, counsel_path=path)

    check_counsel(load(sandbox=True))
    with pytest.raises(SettingsError, match="names no readable file"):
        check_counsel(real)
    path.write_text(references(*KEYS[1:]))
    with pytest.raises(SettingsError, match=f"cn@1: {KEYS[0]}$"):
        check_counsel(real)
    path.write_text("[")
    with pytest.raises(SettingsError, match="not TOML"):
        check_counsel(real)
    path.write_text(references(*KEYS))
    check_counsel(real)

    assert {f"opinion, section {key}" for key in KEYS} == {one for _, one in confirmations(real)}
