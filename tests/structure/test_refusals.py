"""What the operator's command says when it cannot do what it was told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from exchange.cli.main import main

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("verify-run --ledger absent.jsonl", 2, "refused: absent.jsonl: No such file"),
        ("keys create", 2, "refused: absent/keyring.json: No such file"),
        ("keys list", 2, "keyring_path: no whole keyring"),
        ("migrate", 1, "refused: the database is not available"),
        ("sequence --unwitnessed", 2, "two people"),
        ("member approve prp_1 --key-file nope", 2, "nope: No such file or directory"),
        ("operator retire cleo", 2, "must name your key file"),
        ("recover --accept-loss --key-file a --key-file b", 2, "a: No such file or directory"),
        ("borrower confirm a gnt_1 --by a --by b", 2, "two people's key files"),
        ("grant revoke lender-a gnt_1 --reason whim", 2, "is not one of 'not_needed', 'error'"),
        ("grant invalidate lender-a gnt_1 --cause whim", 2, "is not one of 'evidence_missing'"),
    ],
)
def test_a_refusal_is_one_clear_line(
    words: str,
    code: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An operator at night reads what to mend, and no stack of our functions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["exchange", *words.split()])
    for name, value in (("SANDBOX", "true"), ("DATABASE_URL", NOWHERE), ("DATA_DIR", "absent")):
        monkeypatch.setenv(f"EXCHANGE_{name}", value)
    monkeypatch.setenv("COLUMNS", "200")

    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr().err
    assert code == ended.value.code, said
    assert told in said
    assert "Traceback" not in said
