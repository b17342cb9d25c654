"""Judge what an exchange has stored, after a fault, a restore, a release or an incident.

In:  one snapshot of the database, the checkpoint outside it, the keyring, and clients' ledgers.
Out: what was looked at, and every break, each naming the invariant and the row.
Not looked at: I8 (plaintext in files), I9 and I10 (what happened during a fault), and processes
that leak; those are watched from outside while it happens. Source: security.md, 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from exchange.services.verify_run.check_consents import check_consents
from exchange.services.verify_run.check_ledger import LedgerCheck
from exchange.services.verify_run.check_looks import Uses, check_looks, check_uses
from exchange.services.verify_run.check_records import check_records
from exchange.services.verify_run.check_tree import Held, check_tree
from exchange.services.verify_run.ledgers import LedgerLine
from exchange.services.verify_run.ports import Break, RunPorts, RunStatements

INVARIANTS = {
    "I1": "no answer was delivered without a leaf of exactly its question",
    "I2": "no acknowledged row of a batch is lost",
    "I3": "one effect for each query id, batch id and grant",
    "I4": "the leaves make every root that was ever signed",
    "I5": "every receipt verifies, and stands in the log in time",
    "I6": "what was not acknowledged is absent or whole",
    "I7": "counters and grants' uses equal the leaves",
    "I11": "no session idles in a transaction, none waits for a lock",
    "I12": "records open under their keys",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was found."""

    breaks: tuple[Break, ...]
    ledger_lines: int

    @property
    def holds(self) -> bool:
        """Whether every invariant held."""
        return not self.breaks

    def of(self, invariant: str) -> list[Break]:
        """Return the breaks of one invariant."""
        return [one for one in self.breaks if one.invariant == invariant]


def verify_run(ledgers: Iterable[LedgerLine], ports: RunPorts) -> Judgement:
    """Check everything, and go on after a break: all of them are told."""
    lines = list(ledgers)
    # Read before the snapshot: a running sequencer moves it on, and never ahead of the database.
    with ports.snapshot() as run:
        outside = {log.origin: ports.outside(log.origin) for log in run.logs()}
    with ports.snapshot() as run:
        breaks = tuple(_breaks(lines, outside, run, ports))
    return Judgement(breaks=breaks, ledger_lines=len(lines))


def _breaks(
    lines: list[LedgerLine], outside: Mapping[str, bytes], run: RunStatements, ports: RunPorts
) -> Iterator[Break]:
    for claim in run.row_claims(ports.now()):
        yield from (Break(claim.invariant, row, f"not so: {claim.claim}") for row in claim.rows)
    ledger = LedgerCheck(run, ports)
    for line in lines:
        yield from ledger.breaks(line)
    yield from check_tree(run, ports, Held(outside=outside, heads=ledger.heads))
    uses: Uses = Counter()
    yield from check_looks(run, ports, uses)
    yield from check_uses(run, uses)
    yield from check_consents(run)
    yield from check_records(run, ports)
