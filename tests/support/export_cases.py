"""Every purpose and state a grant can be exported in, and the golden files that hold them.

    .venv/bin/python -m tests.support.export_cases     writes tests/vectors/exports anew

A changed line is a changed export: whoever reads ours must be told before it lands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from consent.artefact import Artefact, parse_artefact
from consent.exports.facts import GrantFacts, HistoryStep, Organisation
from consent.exports.iso27560 import consent_record
from consent.exports.rebit import rebit_artefact
from consent.grants import Actor, GrantEvent, GrantState
from consent.purposes import GRANT_PURPOSES, Purpose
from tests.support.artefacts import artefact_claims

FOLDER = Path(__file__).parent.parent / "vectors" / "exports"
NOW = 1_764_000_000  # 2025-11-24, unix seconds
DAY_SECONDS = 86_400
TXNID = "0192f3a0-0000-7000-8000-000000000001"
_JTI = "gnt_019ab000000070008000000000000001"
_OLDER = "gnt_019aa000000070008000000000000001"

# State -> the steps that lead there, by (event, actor); derived states follow from ACTIVE.
_PATHS: dict[GrantState, tuple[tuple[GrantEvent, Actor, GrantState], ...]] = {
    GrantState.REQUESTED: ((GrantEvent.REQUEST, Actor.GRANTEE, GrantState.REQUESTED),),
    GrantState.REJECTED: (
        (GrantEvent.REQUEST, Actor.GRANTEE, GrantState.REQUESTED),
        (GrantEvent.REFUSE, Actor.SUBJECT, GrantState.REJECTED),
    ),
    **{
        state: ((GrantEvent.REGISTER, Actor.GRANTEE, GrantState.ACTIVE),)
        for state in (GrantState.ACTIVE, GrantState.EXPIRED, GrantState.CONSUMED)
    },
    **{
        state: (
            (GrantEvent.REGISTER, Actor.GRANTEE, GrantState.ACTIVE),
            (event, actor, state),
        )
        for state, event, actor in (
            (GrantState.PAUSED, GrantEvent.PAUSE, Actor.SUBJECT),
            (GrantState.WITHDRAWN, GrantEvent.WITHDRAW, Actor.SUBJECT),
            (GrantState.REVOKED, GrantEvent.REVOKE, Actor.GRANTEE),
            (GrantState.SUPERSEDED, GrantEvent.SUPERSEDE, Actor.GRANTEE),
            (GrantState.INVALIDATED, GrantEvent.INVALIDATE, Actor.EXCHANGE),
        )
    },
}


def cases() -> Iterator[tuple[str, GrantFacts]]:
    """Yield every purpose in every state by name, and one renewal."""
    for purpose in sorted(GRANT_PURPOSES):
        for state in GrantState:
            yield f"{purpose}/{state}", facts_of(purpose, state)
    yield (
        "credit_application/RENEWED",
        facts_of(Purpose.CREDIT_APPLICATION, GrantState.ACTIVE, supersedes=_OLDER),
    )


def facts_of(purpose: Purpose, state: GrantState, *, supersedes: str | None = None) -> GrantFacts:
    """Return the facts of one synthetic grant."""
    history = tuple(
        HistoryStep(event=event.value, actor=actor.value, state=after, at=NOW + n * DAY_SECONDS)
        for n, (event, actor, after) in enumerate(_PATHS[state])
    )
    return GrantFacts(
        artefact=_artefact(purpose, supersedes),
        signed="eyJhbGciOiJFZERTQSJ9.e30.c2lnbmVk",  # what it says is its member's affair
        state=state,
        level=1,
        uses=1 if state is GrantState.CONSUMED else 0,
        history=history,
        exchange=Organisation(id="cx-1", name="Consortium", contact="https://cx.example"),
        grantee=Organisation(id="member-a", name="Lender A", contact="help@member-a.example"),
        public_base="https://cx.example",
        last_used_at=NOW + DAY_SECONDS if state is GrantState.CONSUMED else None,
    )


def _artefact(purpose: Purpose, supersedes: str | None) -> Artefact:
    # Prevention of fraud does not rest on consent: it is shown under a profile that has a basis.
    consenting = purpose is not Purpose.FRAUD_PREVENTION
    changes: dict[str, object] = {} if supersedes is None else {"supersedes": supersedes}
    claims = artefact_claims(
        member="member-a",
        exchange="cx-1",
        now=NOW,
        purpose=purpose,
        profile="CN" if consenting else "UK",
        jti=_JTI,
        changes=changes,
    )
    return parse_artefact(claims)


def iso27560() -> list[str]:
    """Return the lines of the golden file of consent records."""
    return [_line(name, consent_record(facts)) for name, facts in cases()]


def rebit() -> list[str]:
    """Return the lines of the golden file in ReBIT's shape."""
    return [_line(name, rebit_artefact(facts, TXNID)) for name, facts in cases()]


def _line(name: str, document: dict[str, object]) -> str:
    return json.dumps({"case": name, "document": document}, ensure_ascii=False, sort_keys=True)


if __name__ == "__main__":
    for name, lines in (("iso27560", iso27560()), ("rebit", rebit())):
        (FOLDER / f"{name}.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
