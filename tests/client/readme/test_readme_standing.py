"""The rest of the SDK's page, typed before the exchange in memory: disputes, deciding, watching."""

from __future__ import annotations

import json
from collections.abc import Callable
from glob import glob
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exchange_client import Exchange
from exchange_client.batches.rows import jsonable
from exchange_client.cli.main import app
from exchange_client.cli.options import Outside
from exchange_client.testing import FakeExchange
from tests.client.policy.samples import sample
from tests.client.policy.test_cli_policy import frames
from tests.client.readme.test_readme import block, typed
from tests.client.sdk.samples import row
from tests.support.borrowers import borrower
from tests.support.terminal import PURPOSE

MEMBER = "lender-a"
WHO = borrower(1)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeExchange:
    """An exchange in memory, and a folder with what the page names."""
    monkeypatch.chdir(tmp_path)
    made = FakeExchange()
    made.key(MEMBER).save("key")
    made.pins.save("pins")
    Path("subject.txt").write_text(f"ric CN {WHO.number}\n")
    Path("words.txt").write_text("The sum is wrong.\n")
    Path("found.txt").write_text("It was.\n")
    return made


def cx(fake: FakeExchange) -> Callable[..., Result]:
    """Return how a member types before it."""
    outside = Outside(transport=fake.transport, clock=fake.clock)
    environment = {"CX_KEY_FILE": "key", "CX_PINS": "pins"}
    return lambda *words: CliRunner().invoke(app, list(words), env=environment, obj=outside)


def kept(lender: Exchange, grant: str, balance_minor: int) -> None:
    """Keep what acc-1 should say in the file of the page, and report it where nothing is said."""
    told = row(WHO, grant, account_ref="acc-1", balance_minor=balance_minor)
    fields = jsonable({name: value for name, value in told.items() if name != "identifiers"})
    who = {"id_type": WHO.id_type, "country": WHO.country, "number": WHO.number}
    Path("row.ndjson").write_text(json.dumps({**fields, "identifiers": [who]}) + "\n")
    if balance_minor == 600_000:
        assert lender.upload([told]).whole


def test_an_account_is_put_right_disputed_and_answered(fake: FakeExchange) -> None:
    """A complaints desk types what the page shows, in its order."""
    lender = fake.member(MEMBER)
    grant, lines = fake.grant(lender, WHO, "contribute"), block("cx dispute answer").splitlines()
    kept(lender, grant, 600_000)
    kept(lender, grant, 590_000)
    *_, opened = typed(cx(fake), "\n".join(lines[:3]))
    kept(lender, grant, 580_000)

    told = typed(cx(fake), "\n".join(lines[3:]), dsp=opened.split()[0])

    assert "MODIFIED" in told[0]
    assert "sta_" in told[2]


def test_a_look_is_decided_and_the_notice_written(fake: FakeExchange) -> None:
    """A credit desk types what the page shows, in its order."""
    lender, who = fake.member(MEMBER), fake.persona("three_lenders").identifiers[0]
    Path("subject.txt").write_text(f"ric CN {who.number}\n")
    for name in ("policy.toml", "policy-before.toml"):
        Path(name).write_text(sample())
    Path("notice.json").write_bytes(next(one for one in frames() if b"adverse_credit" in one))
    Path("one.receipt.inputs.json").write_text('{"requested_minor": 500000}')
    *lines, compared = block("cx policy gate").splitlines()

    told = typed(cx(fake), "\n".join(lines), gnt=fake.grant(lender, who, PURPOSE))

    Path("receipts").mkdir()
    for name in glob("one.receipt*"):
        Path(name).rename(Path("receipts") / name)
    typed(cx(fake), compared.replace("receipts/*.receipt", "receipts/one.receipt"))
    assert told[3].startswith("STOP_NEW_CREDIT\n")
    assert told[4].startswith("cleared      app-1")


def test_a_watch_is_added_read_and_renewed(fake: FakeExchange) -> None:
    """A risk desk types what the page shows, in its order."""
    lender = fake.member(MEMBER)
    kept(lender, fake.grant(lender, WHO, "contribute"), 600_000)
    first, *lines = block("cx watch add").splitlines()
    grants = [fake.grant(lender, WHO, "portfolio_monitoring") for _ in range(2)]
    [added] = typed(cx(fake), first, gnt=grants[0])
    event = fake.tell(MEMBER, "GRANT_EXPIRING", {"grant_id": grants[0], "days": 30})

    told = typed(cx(fake), "\n".join(lines), evt=event, wch=added.split()[0], gnt=grants[1])

    [watch] = lender.watches()
    assert (watch.watch_id, watch.grant) == (told[1].split()[0], grants[1])
