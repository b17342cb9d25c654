"""`python -m tests.bench NAME [PATH] [--out FILE]`: figures as one JSON object.

NAME is query, uci or all. `uci` takes the path of the public UCI credit-card default file (UCI
Machine Learning Repository, data set 350, as CSV with columns ID, X1 to X23, Y); `all` runs it
only where a path is given, and says so otherwise.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tests.bench.query import bench_query
from tests.bench.uci import bench_uci

NAMES = ("query", "uci")


def main() -> None:
    """Run the benchmarks named, and print their results."""
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("name", choices=(*NAMES, "all"))
    parser.add_argument("path", nargs="?", type=Path, help="the UCI file")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=1_500, help="single queries a round")
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
    if options.name != "all":
        return _bench(options.name, options)
    done = {name: _bench(name, options) for name in NAMES if name != "uci" or options.path}
    skipped = sorted(set(NAMES) - set(done))
    return {"bench": "all", "SKIPPED_FOR_WANT_OF_A_PATH": skipped, "results": done}


def _bench(name: str, options: argparse.Namespace) -> dict[str, object]:
    if name == "uci":
        return bench_uci(options.path, options.clients)
    return bench_query(options.records, options.requests)


if __name__ == "__main__":
    main()
