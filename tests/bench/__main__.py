"""`python -m tests.bench NAME [--records N] [--requests N] [--out FILE]`: figures as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tests.bench.query import bench_query


def main() -> None:
    """Run the benchmarks named, and print their results."""
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("name", choices=("query", "all"))
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=1_500, help="single queries a round")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    text = json.dumps(bench_query(options.records, options.requests), indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
