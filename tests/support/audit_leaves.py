"""A log as rules read it: entries made by hand, given to both implementations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from exchange.domain.flags.engine import find_flags
from exchange.domain.flags.parameters import DEFAULTS, Parameters
from exchange.services.audit.raise_flags import events_of
from exchange.services.audit.read_events import Opened
from exchange_client.audit.flags.finding import find
from exchange_client.audit.flags.looks import looks_of
from exchange_client.audit.leaves import AuditLeaf
from exchange_client.core.encoding import JSON

START = 1_790_000_000 // 86_400 * 86_400  # midnight, UTC
Found = list[tuple[str, str, int, int, tuple[int, ...]]]


@dataclass(slots=True)
class Log:
    """Entries, in order."""

    leaves: list[tuple[Mapping[str, JSON], Mapping[str, JSON]]] = field(default_factory=list)
    checkpoints: list[tuple[int, int]] = field(default_factory=list)  # (size, signed_at)

    def look(self, t: int, subject: str = "p:1", **said: str) -> int:
        """Add a look; return its index."""
        given = {
            "member": "member-a",
            "purpose": "credit_application",
            "outcome": "NO_ADVERSE",
            **said,
        }
        audit: dict[str, JSON] = {
            name: given.pop(name) for name in ("operator", "application") if name in given
        }
        shown: dict[str, JSON] = {"subject": subject, **given}
        return self.add("query", t, shown, audit)

    def add(self, kind: str, t: int, subject: Mapping[str, JSON], audit: Mapping[str, JSON]) -> int:
        """Add an entry; return its index."""
        self.leaves.append(({"kind": kind, "t": t, **subject}, audit))
        return len(self.leaves) - 1

    def exported(self) -> list[AuditLeaf]:
        """Return the entries as an export has them."""
        return [
            AuditLeaf(index=index, subject=subject, audit=audit)
            for index, (subject, audit) in enumerate(self.leaves)
        ]


def flags_of(log: Log, parameters: Parameters = DEFAULTS, *, rule: str = "") -> Found:
    """Find the flags of a log by both implementations, which must agree."""
    opened = [Opened(index, *leaf) for index, leaf in enumerate(log.leaves)]
    ours: Found = [
        (one.rule, one.member, one.start, one.end, one.hits)
        for one in find_flags(events_of(opened), log.checkpoints, parameters)
    ]
    theirs: Found = [
        (one.rule, one.member, one.start, one.end, one.hits)
        for one in find(looks_of(log.exported()), log.checkpoints, parameters)
    ]
    assert sorted(ours) == sorted(theirs), "the two implementations differ"
    return [flag for flag in ours if rule in ("", flag[0])]


def numbers(rule: str, **changed: int) -> Parameters:
    """Return the default parameters with some numbers of one rule changed."""
    return {**DEFAULTS, rule: {**DEFAULTS[rule], **changed}}


def hits(found: Iterable[tuple[str, str, int, int, tuple[int, ...]]]) -> Sequence[int]:
    """Return the hits of the one flag that was found."""
    [flag] = found
    return flag[4]
