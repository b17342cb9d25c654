"""What a log says of itself each day is recounted from its leaves."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from exchange.domain.log.index import SubjectLine, index_root
from exchange_client.audit.daily import Recounted, recount
from exchange_client.audit.leaves import AuditLeaf
from exchange_client.core.encoding import JSON
from exchange_client.errors import LogInvalid
from tests.support.audit_leaves import START, Log

TODAY = datetime.fromtimestamp(START, UTC).date().isoformat()
DAY = 86_400


def day_of(log: Log, **said: JSON) -> Log:
    """Add a member's usage of the day, as the exchange writes it; `said` differs."""
    told: dict[str, JSON] = {"member": "member-a", "day": TODAY, "queries": 3, "rows": 40, **said}
    log.add("usage", START + DAY + 90, {"evaluations": 50, "proofs": 3, **told}, {})
    return log


def index_of(log: Log, *lines: SubjectLine, size: int, **said: JSON) -> Log:
    """Add an index root over these lines."""
    root = b64encode(index_root(lines)).decode()
    told: dict[str, JSON] = {"day": TODAY, "size": size, "subjects": len(lines), "root": root}
    log.add("index_root", START + DAY + 90, {**told, **said}, {"rule": "index_root/1"})
    return log


def asked() -> Log:
    """A day: a log opens, three looks at two subjects, a batch; and a look of the day after."""
    log = Log()
    log.add("log_open", START, {}, {"previous": {}})
    for subject in ("p:1", "p:2", "p:1"):
        log.look(START + 60, subject)
    log.add("batch", START + 70, {"member": "member-a", "rows": 40}, {})
    log.look(START + DAY, "p:2")
    return log


LINES = (SubjectLine("p:1", 2, 3), SubjectLine("p:2", 1, 2))


def test_what_is_true_is_recounted() -> None:
    """Honest logs would be called false."""
    log = index_of(day_of(asked()), *LINES, size=5)

    assert Recounted(usages=1, index_roots=1) == recount(log.exported())


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a question less", lambda: day_of(asked(), queries=2)),
        ("a question more", lambda: day_of(asked(), queries=4)),
        ("rows of nobody", lambda: day_of(asked(), rows=41)),
        ("of no day", lambda: day_of(asked(), day="yesterday")),
        ("a hidden look", lambda: index_of(asked(), SubjectLine("p:1", 1, 1), LINES[1], size=5)),
        ("a hidden subject", lambda: index_of(asked(), LINES[0], size=5)),
        ("an invented look", lambda: index_of(asked(), SubjectLine("p:1", 3, 4), size=5)),
        ("another number", lambda: index_of(asked(), *LINES, size=5, subjects=3)),
        ("a size of the future", lambda: index_of(asked(), *LINES, size=70)),
    ],
)
def test_what_is_false_is_shown(name: str, make: Callable[[], Log]) -> None:
    """A borrower would be told that nobody else looked, and a regulator that nothing is amiss."""
    with pytest.raises(LogInvalid, match=r"\(7\)"):
        recount(make().exported())


def test_what_nobody_can_recount_is_counted_and_not_called_false() -> None:
    """After an erasure every honest log would be called false; and silence would hide the limit."""
    log = index_of(day_of(asked(), queries=3), *LINES, size=5)
    erased = [
        AuditLeaf(index=one.index, subject=None, audit=None, erased_by=9) if one.index == 2 else one
        for one in log.exported()
    ]

    assert Recounted(usages=1, not_recounted=1) == recount(erased)
    assert Recounted(not_recounted=2) == recount(log.exported()[3:])
    with pytest.raises(LogInvalid):
        recount([*erased[:6], *day_of(Log(), queries=1).exported()])
