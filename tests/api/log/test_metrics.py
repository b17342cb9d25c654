"""The figures of log.md, 9, scraped from a server beside a sequencer, a publisher and a witness."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from socket import socket
from urllib.request import urlopen

import pytest

from exchange.jobs.sequence import EXIT_REFUSED
from exchange.services.witnesses.submit_checkpoint import submit_checkpoint
from exchange.store.embedded.server import Server
from tests.support.access_log import AccessLog, Clock, access_log, copy_database, run_sql
from tests.support.log.processes import running, until
from tests.support.log.submitting import submitting
from tests.support.log.witnesses import WitnessSet, witness_set

# Each with its kind and labels. The age of the canaries is the regulator's: `cx audit canary`.
FIGURES = {
    "cx_log_size": ("gauge", set[str]()),
    "cx_log_unsequenced": ("gauge", set[str]()),
    "cx_log_unsequenced_age_seconds": ("gauge", set[str]()),
    "cx_log_turn_seconds": ("summary", set[str]()),
    "cx_log_turn_leaves": ("summary", set[str]()),
    "cx_log_checkpoint_age_seconds": ("gauge", set[str]()),
    "cx_log_cosignature_age_seconds": ("gauge", {"witness"}),
    "cx_log_witness_status_total": ("counter", {"witness", "status"}),
    "cx_log_quorum_missing": ("gauge", set[str]()),
    "cx_log_tile_check_failures_total": ("counter", set[str]()),
    "cx_log_guard_refusals_total": ("counter", set[str]()),
    "cx_log_proofs_total": ("counter", set[str]()),
    "cx_log_receipts_unredeemed": ("gauge", set[str]()),
    "cx_log_shredded_keys_total": ("counter", set[str]()),
}
LABELS = {"witness", "status", "route", "method", "code", "le", "why"}


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[AccessLog]:
    """A log of three leaves, sequenced."""
    with access_log(database_url, tmp_path, clock=Clock(int(time.time()))) as made:
        made.open()
        made.write(2)
        made.turn()
        yield made


@pytest.fixture
def witnesses(log: AccessLog, tmp_path: Path) -> Iterator[WitnessSet]:
    """One witness, whose cosignature is the quorum."""
    (tmp_path / "witnesses").mkdir()
    with witness_set(tmp_path / "witnesses", 1) as made:
        made.know(log.vkey())
        made.start()
        yield made


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def scraped(port: int) -> str:
    """Return what the server tells; nothing while it does not answer."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def value(told: str, series: str) -> float:
    found = re.search(rf"(?m)^{re.escape(series)} (\S+)$", told)
    assert found, f"{series} is not told"
    return float(found[1])


def test_every_figure_of_the_log_is_scraped_under_its_name(
    log: AccessLog, witnesses: WitnessSet
) -> None:
    """An alarm on a figure that nobody serves is an alarm that never rings."""
    port, policy = free_port(), {"witness_policy_path": witnesses.policy}
    by = 'witness="w1.example/witness"'
    cosigned = f'cx_log_witness_status_total{{status="200",{by}}} '
    with ExitStack() as stack:
        for words in (("sequence",), ("publish",)):
            stack.enter_context(running(log.place(), *words, **policy))
        serving = {"listen": f"127.0.0.1:{port}", "workers": 1, **policy}
        stack.enter_context(running(log.place(), "serve", **serving))

        until(lambda: re.search(rf"(?m)^{re.escape(cosigned)}[1-9]", scraped(port)))
        # A checkpoint is cosigned within a second; the sequencer tells of its turns more seldom.
        until(lambda: re.search(r"(?m)^cx_log_turn_seconds_count [1-9]", scraped(port)))
        told = scraped(port)

    for name, (kind, labels) in FIGURES.items():
        assert 1 == told.count(f"# TYPE {name} {kind}\n"), name
        for part in ("_sum", "_count") if kind == "summary" else ("",):
            lines = re.findall(rf"(?m)^{name}{part}(?:\{{(.*)\}})? [\d.e+-]+$", told)
            assert lines, name
            for line in lines:
                assert labels == set(re.findall(r'(\w+)="', line)), name
    assert set(re.findall(r'[{,](\w+)="', told)) <= LABELS  # None names a subject or an operator.
    assert 3 == value(told, "cx_log_size")
    assert 0 == value(told, "cx_log_unsequenced") == value(told, "cx_log_quorum_missing")
    assert value(told, f"cx_log_cosignature_age_seconds{{{by}}}") < 30
    assert value(told, "cx_log_turn_seconds_count") >= 1
    assert value(told, "cx_log_turn_seconds_sum") > 0
    for zero in ("tile_check_failures", "guard_refusals", "shredded_keys"):
        assert 0 == value(told, f"cx_log_{zero}_total")


def meters(url: str) -> dict[str, float]:
    rows = run_sql(url, "SELECT name, value FROM meter WHERE name ~ 'failures|refusals'")
    return {str(name).removeprefix("cx_log_"): float(str(count)) for name, count in rows}


def test_a_tile_that_is_damaged_and_a_log_that_is_refused_are_counted_apart(
    log: AccessLog,
) -> None:
    """One is mended from a mirror; with the other somebody has put back an older database."""
    log.write(1)
    flip = "hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1)"
    run_sql(log.url, f"UPDATE tile SET {flip}")
    with running(log.place(), "sequence") as sequencer:
        assert EXIT_REFUSED == sequencer.code()
    assert {"tile_check_failures_total": 1} == meters(log.url)

    run_sql(log.url, f"UPDATE tile SET {flip}")
    run_sql(log.url, "UPDATE log_state SET size = size - 1")
    with running(log.place(), "sequence") as sequencer:
        assert EXIT_REFUSED == sequencer.code()

    assert {"tile_check_failures_total": 1, "guard_refusals_total": 1} == meters(log.url)


def test_a_publisher_that_a_witness_stops_is_a_refusal_of_the_guard(
    log: AccessLog, witnesses: WitnessSet, postgres_server: Server, tmp_path: Path
) -> None:
    """The sequencer of the other host may run on: this figure is what wakes somebody."""
    log.close()
    restored_url = copy_database(postgres_server, log.url)
    with (
        access_log(log.url, tmp_path, clock=log.clock) as true,
        submitting(true, witnesses.text()) as ports,
    ):
        true.write(2)
        true.turn()
        submit_checkpoint(true.open(), ports)
    with access_log(restored_url, tmp_path, clock=log.clock) as restored:
        with running(
            restored.place(), "publish", witness_policy_path=witnesses.policy
        ) as publisher:
            assert EXIT_REFUSED == publisher.code()

        assert {"guard_refusals_total": 1} == meters(restored_url)
