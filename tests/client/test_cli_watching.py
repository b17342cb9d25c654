"""`cx watch`, and what `cx events` tells of it, against the fake exchange."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from exchange_client import Exchange, Identifier
from exchange_client.cli.main import app
from exchange_client.cli.options import Outside
from exchange_client.testing import FakeExchange
from tests.client.sdk.samples import account_of, borrower, row

MONITORING = "portfolio_monitoring"


def report(fake: FakeExchange, exchange: Exchange, who: Identifier, days_late: int = 0) -> None:
    """Report one account of a borrower."""
    assert exchange.upload([row(who, fake.grant(exchange, who, "contribute"), days_late)]).whole


def test_a_watch_is_added_told_of_renewed_and_ended(tmp_path: Path) -> None:
    """A nightly script watches a book without a program of its own."""
    fake, who = FakeExchange(), borrower(1)
    own, elsewhere = fake.member("lender-a"), fake.member("lender-b")
    report(fake, own, who)
    fake.key("lender-a").save(tmp_path / "key")
    fake.pins.save(tmp_path / "pins")
    subject = tmp_path / "subject.txt"
    subject.write_text(f"ric CN {who.number}\n")

    def cx(*words: str) -> Result:
        environment = {"CX_KEY_FILE": str(tmp_path / "key"), "CX_PINS": str(tmp_path / "pins")}
        outside = Outside(transport=fake.transport, clock=fake.clock)
        done = CliRunner().invoke(app, list(words), env=environment, obj=outside)
        assert 0 == done.exit_code, done.output
        return done

    grant = fake.grant(own, who, MONITORING)
    options = ("--account", account_of(who), "--grant", grant, "--id-file", str(subject))
    made = json.loads(cx("watch", "add", "--json", "--kind", "ENTERED_ARREARS", *options).stdout)
    watch_id = made["watch_id"]
    report(fake, elsewhere, who, 45)
    told = cx("events").stdout
    fake.clock.advance(days=2)
    renewed = json.loads(cx("watch", "renew", watch_id, "--json").stdout)
    ended = cx("watch", "end", watch_id).stdout

    assert (["ENTERED_ARREARS"], MONITORING) == (made["kinds"], made["purpose"])
    assert all(word in told for word in ("ENTERED_ARREARS", watch_id, "current_bucket=2"))
    assert renewed["expires_at"] > made["expires_at"]
    assert "ended REMOVED" in ended
    assert watch_id in cx("watch", "list").stdout
