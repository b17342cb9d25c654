"""The sample of evidence: asked for, shown in time, or the grant was never valid."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from consent.purposes import Purpose
from exchange.domain.base64url import b64url
from exchange.services.evidence.sample_evidence import (
    DAY_SECONDS,
    Draw,
    end_unshown,
    sample_evidence,
)
from exchange.services.log.ports import LogPorts
from tests.support.grant_desk import GrantDesk, refusal, shown, state

ALL = 1_000  # of a thousand
FORM = b"%PDF a synthetic form"


@pytest.fixture
def sample(desk: GrantDesk) -> Callable[..., list[str]]:
    """Draw among today's grants; return the ids that were asked for."""

    def drawn(permille: int = ALL, *, days_back: int = 0) -> list[str]:
        sandbox = desk.sandbox
        ports = LogPorts(ports=sandbox.ports, begin=sandbox.database.begin)
        first = desk.now - desk.now % DAY_SECONDS - days_back * DAY_SECONDS
        asked = sample_evidence(first, permille, ports)
        return [f"gnt_{one.grant.grant_id.hex}" for one in asked]

    return drawn


def granted(desk: GrantDesk, subject: int, content: bytes, purpose: str | None = None) -> str:
    """Register a grant that stands on this evidence."""
    digest = b64url(hashlib.sha256(content).digest())
    return desk.granted(
        subject,
        purpose=purpose or Purpose.CREDIT_APPLICATION,
        changes={"evidence/sha256": digest},
    )


def show(desk: GrantDesk, grant: str, content: bytes = FORM) -> object:
    """Send evidence; return where the grant stands, or the refusal."""
    response = desk.send("POST", f"/v1/grants/{grant}/evidence", content)
    return shown(response)["state"] if response.status_code == 200 else refusal(response)


def told(desk: GrantDesk) -> list[tuple[object, ...]]:
    """Return what the member was told."""
    return desk.sql("SELECT kind FROM event WHERE member_id = %s ORDER BY event_id", desk.member)


def test_evidence_is_asked_for_once_and_shown(
    desk: GrantDesk, sample: Callable[..., list[str]]
) -> None:
    """A lender that only claims to hold a borrower's agreement must be found out."""
    grant = granted(desk, 1, FORM)
    assert (409, "grant.transition", "") == show(desk, grant)
    assert [] == sample(days_back=1)
    assert [] == sample(permille=0)

    assert [grant] == sample()
    assert [] == sample()  # A day is drawn once.
    assert [("GRANT_EVIDENCE_ASKED",)] == told(desk)

    assert (422, "grant.evidence", "/body") == show(desk, grant, FORM + b" edited")
    before = desk.leaves()
    assert "ACTIVE" == show(desk, grant)
    assert before + 1 == desk.leaves()
    assert "ACTIVE" == show(desk, grant)  # Again: nothing more happens.
    assert before + 1 == desk.leaves()
    assert "NO_DATA" == desk.answer(grant, 1)[0]

    events = shown(desk.send("GET", f"/v1/grants/{grant}/events"))["events"]
    assert isinstance(events, list)
    assert [
        ("register", "grantee"),
        ("ask_evidence", "exchange"),
        ("show_evidence", "grantee"),
    ] == [(one["event"], one["actor"]) for one in events]
    opened = desk.opened(events[1]["leaf"])
    assert ("ask_evidence", "sample/1") == (opened["subject"]["event"], opened["audit"]["reason"])
    assert [] == [
        column
        for (column,) in desk.sql(
            "SELECT table_name || '.' || column_name FROM information_schema.columns"
            " WHERE data_type = 'bytea' AND table_schema = 'public'"
        )
        if desk.sql(
            "SELECT 1 FROM {} WHERE position(%s::bytea IN {}) > 0 LIMIT 1".format(
                *str(column).split(".")
            ),
            FORM,
        )
    ]


def test_what_is_not_shown_in_time_was_never_valid(
    desk: GrantDesk, sample: Callable[..., list[str]]
) -> None:
    """Answers that were had without a borrower's agreement must come to light."""
    shown_in_time, never = granted(desk, 1, FORM), granted(desk, 2, b"never shown")
    assert "NO_DATA" == desk.answer(never, 2)[0]
    sample()
    show(desk, shown_in_time)
    ports = desk.sandbox.ports
    term = ports.terms.profile.evidence_days * DAY_SECONDS
    asked_at = int(
        str(
            desk.sql("SELECT max(effective_at) FROM grant_event WHERE event = 'ask_evidence'")[0][0]
        )
    )

    assert [] == end_unshown(replace(ports, now=lambda: asked_at + term - 1))
    (ended,) = end_unshown(replace(ports, now=lambda: asked_at + term))

    assert (f"gnt_{ended.grant.grant_id.hex}", 1) == (never, len(ended.answers))
    assert [] == end_unshown(replace(ports, now=lambda: asked_at + term))
    assert ("INVALIDATED", "ACTIVE") == (state(desk, never), state(desk, shown_in_time))
    assert ("WITHHELD", "grant.invalidated") == desk.answer(never, 2)
    assert (409, "grant.transition", "") == show(desk, never, b"never shown")
    assert ("GRANT_INVALIDATED",) == told(desk)[-1]


def test_a_grant_that_rests_or_is_spent_is_asked_for_as_well(
    desk: GrantDesk, sample: Callable[..., list[str]]
) -> None:
    """A once-grant is spent within the minute: a sample without them would see nothing."""
    resting, spent = granted(desk, 1, FORM), granted(desk, 2, b"another form")
    desk.end(resting, "pause")
    desk.answer(spent, 2)
    strange = GrantDesk(sandbox=desk.sandbox, key=desk.sandbox.enrol("member-b"))

    assert {resting, spent} == set(sample())

    assert (404, "absent", "") == show(strange, resting)
    assert ("PAUSED", "CONSUMED") == (show(desk, resting), show(desk, spent, b"another form"))
    assert "ACTIVE" == shown(desk.end(resting, "resume"))["state"]


def test_a_draw_can_be_repeated_and_not_foreseen() -> None:
    """Nobody may choose whose papers are looked at."""
    ids = [uuid4() for _ in range(400)]
    draw = Draw(size=9, root=bytes(32))

    chosen = draw.choose(ids, 10)

    assert chosen == draw.choose(list(reversed(ids)), 10)
    assert (4, 1, 0) == tuple(
        len(draw.choose(some, rate)) for some, rate in ((ids, 10), (ids[:1], 1), (ids, 0))
    )
    assert chosen != Draw(size=9, root=bytes([1]) * 32).choose(ids, 10)
    rule = b"credit-exchange/evidence-sample/1\n" + bytes(32)
    naive = sorted((hashlib.sha256(rule + one.bytes).hexdigest(), one) for one in ids)
    assert [UUID(int=one.int) for _, one in naive[:4]] == chosen
