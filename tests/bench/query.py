"""The query's figures: beside a bare echo and pgbench, at the tail, at half load, in batches."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from exchange.crypto.ed25519 import signing_key
from tests.bench.fixtures import Stage, echo_server
from tests.bench.load import Load, drive
from tests.bench.pg_bench import PgBench
from tests.bench.processes import cpu_seconds
from tests.bench.report import Measure, measure, percentile

ROUNDS = 5
CONNECTIONS = 8
BATCH = 500
BATCH_CONNECTIONS = 4  # two a process, if they fall so: one computes while the other waits
_SIGNED_BYTES = 2_822  # of a receipt: its header, a point, 2,048 bytes in base64url
_SIGNATURES = 2_000
_WARM = 300
_SIGNED_SECONDS_MAX = 40  # requests are signed before the clock runs; a signature lives 60 s


@dataclass(slots=True)
class _Rounds:
    """What the rounds measured, in their order."""

    echo: list[Load] = field(default_factory=list)
    single: list[Load] = field(default_factory=list)
    half: list[Load] = field(default_factory=list)
    batch: list[Load] = field(default_factory=list)
    pgbench: list[float] = field(default_factory=list)  # transactions a second
    web_cpu: list[float] = field(default_factory=list)  # seconds a query
    postgres_cpu: list[float] = field(default_factory=list)


def measure_queries(stage: Stage, seconds: int) -> dict[str, Measure]:
    """Measure single queries, interleaved with what they are compared with."""
    rounds = _Rounds()
    pgbench = PgBench(stage.scene.database_url())
    with echo_server() as echo_port:
        warm = drive(stage.scene.port, stage.wishes.singles(_WARM), connections=CONNECTIONS)
        echo_warm = drive(echo_port, stage.wishes.echoes(_WARM), connections=CONNECTIONS)
        for number in range(ROUNDS):
            print(f"query: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
            echoes = stage.wishes.echoes(_count(echo_warm, seconds))
            rounds.echo.append(drive(echo_port, echoes, connections=CONNECTIONS))
            _single(stage, rounds, _count(warm, seconds))
            rounds.pgbench.append(pgbench.rate(seconds, CONNECTIONS))
            _half(stage, rounds, seconds)
    return _compared(rounds) | _tail(rounds) | _cost(rounds)


def measure_batches(stage: Stage, seconds: int) -> dict[str, Measure]:
    """Measure batches of queries beside single ones: subjects a second."""
    rounds, subjects, signatures = _Rounds(), _Rounds(), list[float]()
    warm = drive(stage.scene.port, stage.wishes.singles(_WARM), connections=CONNECTIONS)
    batch_warm = drive(
        stage.scene.port, stage.wishes.batches(8, BATCH), connections=BATCH_CONNECTIONS
    )
    for number in range(ROUNDS):
        print(f"batch-query: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
        _single(stage, rounds, _count(warm, seconds))
        _batches(stage, subjects, max(8, _count(batch_warm, seconds)))
        signatures.append(_signature_seconds())
    rates = [one.rate * BATCH for one in subjects.batch]
    ratios = [rate / one.rate for rate, one in zip(rates, rounds.single, strict=True)]
    generator = [one.generator_cpu_seconds / len(one.latencies) / BATCH for one in subjects.batch]
    return {
        "batch_query_per_single": measure(ratios, "ratio"),
        "subjects_per_s": measure(rates, "1/s"),
        "singles_per_s": measure([one.rate for one in rounds.single], "1/s"),
        "single_cpu_us": _microseconds(_both(rounds)),
        "subject_cpu_us": _microseconds(_both(subjects)),
        "signature_cpu_us": _microseconds(signatures),
        "subject_per_signature": measure(
            [each / one for each, one in zip(_both(subjects), signatures, strict=True)], "ratio"
        ),
        "subject_server_cpu_us": _microseconds(subjects.web_cpu),
        "subject_postgres_cpu_us": _microseconds(subjects.postgres_cpu),
        "subject_generator_cpu_us": _microseconds(generator),
    }


def _signature_seconds() -> float:
    """Return what one signature of a receipt costs: each subject's own, whatever else is saved."""
    key, signed = signing_key(os.urandom(32)), bytes(_SIGNED_BYTES)
    began = time.process_time()
    for _ in range(_SIGNATURES):
        key.sign(signed)
    return (time.process_time() - began) / _SIGNATURES


def _both(rounds: _Rounds) -> list[float]:
    return [sum(each) for each in zip(rounds.web_cpu, rounds.postgres_cpu, strict=True)]


def _count(warm: Load, seconds: int) -> int:
    return max(1, int(warm.rate * min(seconds, _SIGNED_SECONDS_MAX)))


def _single(stage: Stage, rounds: _Rounds, count: int) -> None:
    requests = stage.wishes.singles(count)
    before = cpu_seconds(stage.web()), cpu_seconds(stage.postgres())
    rounds.single.append(drive(stage.scene.port, requests, connections=CONNECTIONS))
    rounds.web_cpu.append((cpu_seconds(stage.web()) - before[0]) / count)
    rounds.postgres_cpu.append((cpu_seconds(stage.postgres()) - before[1]) / count)


def _batches(stage: Stage, subjects: _Rounds, count: int) -> None:
    requests = stage.wishes.batches(count, BATCH)
    before = cpu_seconds(stage.web()), cpu_seconds(stage.postgres())
    subjects.batch.append(drive(stage.scene.port, requests, connections=BATCH_CONNECTIONS))
    asked = count * BATCH
    subjects.web_cpu.append((cpu_seconds(stage.web()) - before[0]) / asked)
    subjects.postgres_cpu.append((cpu_seconds(stage.postgres()) - before[1]) / asked)


def _half(stage: Stage, rounds: _Rounds, seconds: int) -> None:
    """Ask at half the pace that the round before reached, due by the clock."""
    pace = rounds.single[-1].rate / 2
    requests = stage.wishes.singles(max(1, int(pace * seconds)))
    load = drive(stage.scene.port, requests, connections=CONNECTIONS, per_second=pace)
    rounds.half.append(load)


def _compared(rounds: _Rounds) -> dict[str, Measure]:
    single, echo = rounds.single, rounds.echo
    return {
        "query_per_echo": measure(
            [one.rate / bare.rate for one, bare in zip(single, echo, strict=True)], "ratio"
        ),
        "query_per_pgbench": measure(
            [one.rate / bare for one, bare in zip(single, rounds.pgbench, strict=True)], "ratio"
        ),
        "queries_per_s": measure([one.rate for one in single], "1/s"),
        "echoes_per_s": measure([one.rate for one in echo], "1/s"),
        "pgbench_per_s": measure(rounds.pgbench, "1/s"),
    }


def _tail(rounds: _Rounds) -> dict[str, Measure]:
    return {
        "query_p50_ms": _milliseconds(rounds.single, 0.5),
        "p99_per_p50": measure(
            [
                percentile(one.latencies, 0.99) / percentile(one.latencies, 0.5)
                for one in rounds.single
            ],
            "ratio",
        ),
        "p50_half_load_ms": _milliseconds(rounds.half, 0.5),
        "p99_half_load_ms": _milliseconds(rounds.half, 0.99),
    }


def _cost(rounds: _Rounds) -> dict[str, Measure]:
    cpu = [one.generator_cpu_seconds / len(one.latencies) for one in rounds.single]
    return {
        "server_cpu_us": _microseconds(rounds.web_cpu),
        "postgres_cpu_us": _microseconds(rounds.postgres_cpu),
        "generator_cpu_us": _microseconds(cpu),
    }


def _microseconds(values: Sequence[float]) -> Measure:
    return measure([1e6 * value for value in values], "us")


def _milliseconds(loads: Sequence[Load], share: float) -> Measure:
    return measure([1e3 * percentile(one.latencies, share) for one in loads], "ms")
