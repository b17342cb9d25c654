"""`python -m tests.bench NAME [PATH] [--seconds N] [--out FILE]`: figures as one JSON object.

NAME is query, grant-check, batch-query, ingest-query, lookup, log, final, log-verify, tokens,
demo, start, races, mutation, console, ingest, growth, uci or all. `uci` takes the path of the
public UCI credit-card default file (UCI Machine Learning Repository, data set 350, as CSV with
the columns ID, X1 to X23, Y);
`all` runs it only where a path is given, and says so otherwise.
Progress goes to standard error. Run it on a quiet machine: figures are ratios of one run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from tests.bench.console import measure_console
from tests.bench.files.beside import measure_beside
from tests.bench.files.growth import measure_growth
from tests.bench.files.ingest import measure_ingest
from tests.bench.fixtures import Stage, stage
from tests.bench.grants.checking import measure_grant_check
from tests.bench.grants.mutants import measure_mutation
from tests.bench.grants.races import measure_races
from tests.bench.log.figures import measure_log, measure_receipts, measure_rhythm
from tests.bench.log.finality import measure_finality
from tests.bench.log.verifying import measure_log_verify
from tests.bench.lookup import measure_lookups
from tests.bench.query import BATCH, CONNECTIONS, measure_batches, measure_queries
from tests.bench.report import Measure, report
from tests.bench.starting import measure_demo, measure_starts
from tests.bench.tokens import measure_tokens
from tests.bench.uci.run import bench_uci

# They share one loaded sandbox.
STAGED = ("query", "grant-check", "batch-query", "lookup", "log", "ingest-query")
SMALL = ("tokens", "demo", "start", "races", "mutation", "final", "log-verify", "console")
INGESTS = ("ingest", "growth")  # each has an exchange of its own
NAMES = (*STAGED, *SMALL, *INGESTS, "uci")


def main() -> None:
    """Run the benchmarks named, and print their results."""
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("name", choices=(*NAMES, "all"))
    parser.add_argument("path", nargs="?", type=Path, help="the UCI file")
    parser.add_argument("--seconds", type=int, default=3, help="of one round")
    parser.add_argument("--records", type=int, default=1_000_000, help="loaded before queries")
    parser.add_argument("--leaves", type=int, default=500_000, help="of the log that is sequenced")
    parser.add_argument("--proof-leaves", type=int, default=10_000_000, help="of the proven tree")
    parser.add_argument("--console-leaves", type=int, default=1_000_000, help="behind its pages")
    parser.add_argument(
        "--receipts", type=int, default=0, help="`log`: only a mixed run, every receipt verified"
    )
    parser.add_argument(
        "--rows",
        type=int,
        default=20_000,
        help="of a file of `ingest`, `growth`; beyond 200,000 `ingest` measures but one file",
    )
    parser.add_argument(
        "--stored",
        type=int,
        nargs=2,
        default=(100_000, 1_000_000),
        help="rows that lie there already when `growth` measures; up to 10,000,000 is the goal",
    )
    parser.add_argument("--clients", type=int, help="of the UCI file; all by default")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.name == "uci" and not options.path:
        parser.error("uci needs the path of the file")
    text = json.dumps(_run(options), indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


def _run(options: argparse.Namespace) -> dict[str, object]:
    if options.name == "uci":
        return bench_uci(options.path, options.clients)
    if options.name in SMALL:
        return report(options.name, _small(options.name, options))
    if options.name in INGESTS:
        return _ingest(options.name, options)
    if options.name in STAGED:
        return _staged((options.name,), options)[options.name]
    done: dict[str, object] = {name: report(name, _small(name, options)) for name in SMALL}
    done |= _staged(STAGED, options)
    done |= {name: _ingest(name, options) for name in INGESTS}
    if options.path:
        done["uci"] = bench_uci(options.path, options.clients)
    skipped = [name for name in NAMES if name not in done]
    return {"bench": "all", "SKIPPED_FOR_WANT_OF_THE_UCI_FILE": skipped, "results": done}


def _ingest(name: str, options: argparse.Namespace) -> dict[str, object]:
    if name == "ingest":
        return report(name, measure_ingest(options.rows), rows=options.rows, durable=True)
    small, large = options.stored
    measures = measure_growth(options.rows, small, large)
    return report(name, measures, rows=options.rows, stored=[small, large], durable=True)


def _small(name: str, options: argparse.Namespace) -> dict[str, Measure]:
    made: dict[str, Callable[[], dict[str, Measure]]] = {
        "tokens": lambda: measure_tokens(options.seconds),
        "demo": measure_demo,
        "start": measure_starts,
        "races": measure_races,
        "mutation": measure_mutation,
        "final": measure_finality,
        "log-verify": measure_log_verify,
        "console": lambda: measure_console(options.console_leaves),
    }
    return made[name]()


def _staged(names: tuple[str, ...], options: argparse.Namespace) -> dict[str, dict[str, object]]:
    with stage(options.records) as loaded:
        made: dict[str, Callable[[], dict[str, Measure]]] = {
            "query": lambda: measure_queries(loaded, options.seconds),
            "grant-check": lambda: measure_grant_check(loaded, options.seconds),
            "batch-query": lambda: measure_batches(loaded, options.seconds),
            "lookup": lambda: measure_lookups(loaded),
            "ingest-query": lambda: measure_beside(loaded, options.seconds),
            "log": lambda: _log(loaded, options),
        }
        return {
            name: report(
                name,
                made[name](),
                records=loaded.records,
                connections=CONNECTIONS,
                batch=BATCH,
                seconds=options.seconds,
                durable=True,
            )
            for name in names
        }


def _log(loaded: Stage, options: argparse.Namespace) -> dict[str, Measure]:
    if options.receipts:
        return measure_receipts(loaded, options.receipts)
    return (
        measure_log(options.leaves, options.proof_leaves)
        | measure_rhythm(loaded, options.seconds)
        | measure_log_verify()
        | measure_finality()
    )


if __name__ == "__main__":
    main()
