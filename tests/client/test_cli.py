"""`cx` as a member types it, against a whole exchange in this process."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from exchange_client.cli.main import app
from exchange_client.core.encoding import b64url
from exchange_client.keys import KeyFile
from exchange_client.pins import Pins
from tests.support.borrowers import borrower, consent
from tests.support.sandbox import BASE
from tests.support.terminal import MEMBER, PURPOSE, Dead, Terminal, open_terminal, read


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Iterator[Terminal]:
    """A member with its key and pins, in front of an exchange."""
    with open_terminal(database_url, tmp_path) as opened:
        yield opened


def test_init_makes_a_private_file_and_says_what_to_register(tmp_path: Path) -> None:
    """A key that others can read, or that nobody can register, is no key."""
    place = tmp_path / "new.key.json"

    done = CliRunner().invoke(app, ["init", MEMBER, "--key-file", str(place)])

    key = KeyFile.load(place)
    assert (0, 0o600) == (done.exit_code, place.stat().st_mode & 0o777)
    assert f"member key add {MEMBER} k1 --public-key={b64url(key.public_key)}\n" in done.stdout
    assert key.fingerprint in done.stdout


def test_init_never_overwrites_a_key(tmp_path: Path) -> None:
    """A key that is gone locks the member out until the operator registers another."""
    place = tmp_path / "new.key.json"
    CliRunner().invoke(app, ["init", MEMBER, "--key-file", str(place)])
    before = place.read_bytes()

    again = CliRunner().invoke(app, ["init", MEMBER, "--key-file", str(place)])

    assert (2, before) == (again.exit_code, place.read_bytes())


def test_a_sealed_p256_key_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    """Who steals the file must not have the key."""
    place = tmp_path / "new.key.json"
    words = ["init", MEMBER, "--key-file", str(place), "--p256", "--passphrase-prompt"]

    done = CliRunner().invoke(app, words, input="a long one\na long one\n")

    assert 0 == done.exit_code, done.output
    assert "--algorithm ecdsa-p256-sha256" in done.stdout
    assert "a long one" not in done.output + place.read_text()
    assert 65 == len(KeyFile.load(place, passphrase="a long one").public_key)


def test_pin_keeps_what_the_exchange_says_of_itself(terminal: Terminal) -> None:
    """Everything that is verified later is verified against this file."""
    pins = terminal.sandbox.pins()
    place = terminal.at("fresh")

    done = terminal.cx(
        "pin", BASE, "--pins", str(place), "--fingerprint", pins.fingerprint, "--json"
    )

    assert 0 == done.exit_code, done.output
    assert (pins.fingerprint, True) == (read(done)["fingerprint"], read(done)["compared"])
    kept = Pins.load(place)  # which the exchange may have signed a second later
    assert pins == replace(kept, description=pins.description)
    assert kept == Pins.trust(kept.description)


def test_pin_with_another_fingerprint_writes_nothing(terminal: Terminal) -> None:
    """Whoever sits between must not be able to pass for the exchange."""
    place = terminal.at("fresh")

    done = terminal.cx("pin", BASE, "--pins", str(place), "--fingerprint", "0000 0000")

    assert (4, False) == (done.exit_code, place.exists())


def test_pin_never_replaces_pins_by_what_their_key_did_not_sign(terminal: Terminal) -> None:
    """Pins that anybody may replace protect nobody."""
    before = terminal.at("pins").read_bytes()
    header, payload, _ = terminal.sandbox.pins().description.split(".")
    forged = {"description": f"{header}.{payload}.{'A' * 86}"}
    wire = httpx2.MockTransport(lambda request: httpx2.Response(200, json=forged))

    done = terminal.cx("pin", BASE, transport=wire)

    assert (4, before) == (done.exit_code, terminal.at("pins").read_bytes())


@pytest.mark.parametrize("url", ["http://exchange.example", "exchange.example", "http://["])
def test_pin_speaks_plain_http_to_nobody_else(terminal: Terminal, url: str) -> None:
    """What is fetched in the open can be replaced on its way."""
    assert 2 == terminal.cx("pin", url).exit_code


def test_a_question_is_answered_with_a_receipt_to_keep(terminal: Terminal) -> None:
    """The command must do the whole journey, and leave the evidence."""
    grant = terminal.granted(1)

    told = terminal.told("--grant", grant, "--receipt", str(terminal.at("receipt")))

    assert "NO_DATA" == told["outcome"]
    assert str(told["receipt"]) == terminal.at("receipt").read_text().strip()


def test_a_withheld_question_and_a_withdrawn_grant_leave_with_one(terminal: Terminal) -> None:
    """A script that reads only the exit code must not take a refusal for an answer."""
    grant = terminal.granted(1)
    assert 0 == terminal.cx("grant", "withdraw", grant).exit_code

    done = terminal.asked("--json", "--grant", grant)

    assert (1, "grant.withdrawn") == (done.exit_code, read(done)["reason"])


def test_the_same_query_id_gets_the_same_receipt(terminal: Terminal) -> None:
    """After an outage the same look is asked for again, and no second one is made."""
    first = terminal.told()

    again = terminal.told("--query-id", str(first["query_id"]))

    assert first["receipt"] == again["receipt"]


def test_an_outage_leaves_with_three(terminal: Terminal) -> None:
    """Nothing may be concluded when nobody answered."""
    assert 3 == terminal.cx("pin", BASE, transport=Dead()).exit_code


@pytest.mark.parametrize(
    ("typed", "code"),
    [("11010519491231002X\n", 2), ("ric CN 110105194912310021\n", 1), ("", 2), ("x" * 5000, 2)],
)
def test_a_faulty_identifier_is_refused_and_never_echoed(
    terminal: Terminal, typed: str, code: int
) -> None:
    """A number in an error ends up in a log."""
    done = terminal.cx("query", "--purpose", PURPOSE, "--id-file", "-", typed=typed)

    assert code == done.exit_code, done.output
    assert "1101051949" not in done.output


def test_a_wrong_use_leaves_with_two(terminal: Terminal) -> None:
    """A typing error must not look like an answer of the exchange."""
    assert 2 == terminal.cx("query", "--id-file", "-").exit_code
    assert 2 == terminal.cx("nonsense").exit_code
    assert 2 == terminal.cx("receipt", "verify", str(terminal.at("absent"))).exit_code


def test_rows_are_reported_and_faulty_ones_named(terminal: Terminal) -> None:
    """A member that believes everything was stored will not mend what was not."""
    rows = [row(terminal, number) for number in range(1, 7)]
    rows[5]["currency"] = "XXX"
    terminal.at("rows").write_text("".join(json.dumps(one) + "\n" for one in rows))

    done = terminal.cx("upload", str(terminal.at("rows")), "--json")

    told = read(done)
    assert (1, 5, 1) == (done.exit_code, told["stored"], told["faulted"])
    assert {7} == {fault["line"] for fault in listed(told["faults"])}
    assert "" == done.stderr


def test_a_refused_batch_names_its_rows_and_can_be_asked_for_again(terminal: Terminal) -> None:
    """Nothing was stored: a member must see at once which rows to mend, by their lines."""
    rows = [row(terminal, 1) | {"currency": "XXX"}, row(terminal, 2)]
    terminal.at("rows").write_text("".join(json.dumps(one) + "\n" for one in rows))
    expected = "  line 2 currency: row.currency (REJECT): the currency is not the profile's"

    refused = terminal.cx("upload", str(terminal.at("rows")))
    told = read(terminal.cx("upload", str(terminal.at("rows")), "--json"))
    batch_id = refused.stdout.partition(":")[0]
    again = terminal.cx("batch", "faults", batch_id)
    spelled = {
        form: terminal.cx("batch", "faults", batch_id, "--format", form)
        for form in ("csv", "ndjson")
    }
    both = terminal.cx("batch", "faults", batch_id, "--format", "csv", "--json")

    assert (1, "batch.fault_share") == (refused.exit_code, told["error"])
    assert [2] == [fault["line"] for fault in listed(told["faults"])]
    assert f"{batch_id}: batch.fault_share: nothing was stored" == refused.stdout.splitlines()[0]
    assert expected in refused.stdout
    assert refused.stdout.splitlines()[1:] == again.stdout.splitlines()[1:]
    faults = listed(told["faults"])
    assert faults == [json.loads(line) for line in spelled["ndjson"].stdout.splitlines()]
    cells = [{name: str(cell) for name, cell in one.items()} for one in faults]
    assert cells == list(csv.DictReader(io.StringIO(spelled["csv"].stdout)))
    assert (2, "--json, --format") == (both.exit_code, str(read(both)["message"])[:16])


def test_a_full_batch_names_what_it_leaves_out(terminal: Terminal) -> None:
    """A count alone sends a member through its whole book; a dry run must say what it is."""
    rows = [json.dumps(row(terminal, number)) + "\n" for number in (1, 2)]
    terminal.at("rows").write_text("".join(rows))
    terminal.at("one").write_text(rows[0])

    dry = terminal.cx("upload", str(terminal.at("rows")), "--dry-run")
    terminal.cx("upload", str(terminal.at("rows")))
    full = terminal.cx("upload", str(terminal.at("one")), "--full")
    again = terminal.cx("batch", "absent", full.stdout.partition(":")[0])

    assert "dry run, nothing was stored: 2 stored" in dry.stdout
    assert (0, [f"  absent {json.loads(rows[1])['account_ref']}"]) == (
        again.exit_code,
        full.stdout.splitlines()[1:],
    )
    assert full.stdout.splitlines()[1:] == again.stdout.splitlines()[1:]


@pytest.mark.parametrize("cell", ["1_000", "1000.0", " 7", "٣", "+5", "1,000", "x"])
def test_an_amount_in_csv_is_a_whole_number_as_the_exchange_writes_it(
    terminal: Terminal, cell: str
) -> None:
    """What a spreadsheet made of an amount must not be guessed at."""
    file = terminal.folder / "rows.csv"
    file.write_text(f'account_ref,balance_minor\nacc-1,"{cell}"\n')

    done = terminal.cx("batch", "validate", str(file))

    assert (2, "usage: line 2: balance_minor: no whole number\n") == (done.exit_code, done.stderr)


def test_a_batch_is_sent_packed_and_kept_so(terminal: Terminal) -> None:
    """What was kept is what was sent: to send it again goes on where the line broke."""
    terminal.at("rows").write_text(json.dumps(row(terminal, 1)) + "\n")
    words = ["upload", str(terminal.at("rows")), "--json", "--keep", str(terminal.at("kept"))]

    both = terminal.cx(*words, "--gzip", "--zstd")
    first = terminal.cx(*words, "--zstd")
    again = terminal.cx("upload", str(terminal.at("kept")), "--json")

    assert (2, 0, 0) == (both.exit_code, first.exit_code, again.exit_code), first.output
    assert read(first)["receipt"] == read(again)["receipt"]
    assert terminal.at("kept").read_bytes().startswith(b"\x28\xb5\x2f\xfd")


def listed(faults: object) -> list[dict[str, object]]:
    """Return the faults that were told."""
    assert isinstance(faults, list)
    return faults


def row(terminal: Terminal, number: int) -> dict[str, object]:
    """Return a row about an account that is on time, under a grant to report it."""
    subject, pins = borrower(number), terminal.sandbox.pins()
    grant = consent(subject, "contribute", key=terminal.key, pins=pins)
    with terminal.sandbox.exchange(terminal.key) as exchange:
        exchange.register_grant(grant, subject)
    today = datetime.now(UTC).date()
    return {
        "account_ref": f"acc-{number}",
        "identifiers": [{"id_type": "ric", "country": "CN", "number": subject.number}],
        "role": "borrower",
        "product": "cash_loan",
        "as_of": (today - timedelta(days=1)).isoformat(),
        "opened_on": (today - timedelta(days=400)).isoformat(),
        "currency": "CNY",
        "principal_minor": 1_000_000,
        "balance_minor": 600_000,
        "overdue_minor": 0,
        "dpd": 0,
        "status": "CURRENT",
        "grant": grant.grant_id,
    }
