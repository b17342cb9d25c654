"""What an export is made of: one grant, where it stands, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ..artefact import Artefact
from ..grants import GrantState


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Who asks, or who answers."""

    id: str
    name: str
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStep:
    """One step of a grant's history."""

    event: str  # a word of GrantEvent
    actor: str  # a word of Actor
    state: GrantState  # after it
    at: int  # unix seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantFacts:
    """One grant as the registry knows it at one time."""

    artefact: Artefact
    signed: str  # the artefact, byte for byte
    state: GrantState  # derived
    level: int
    uses: int
    history: tuple[HistoryStep, ...]  # oldest first
    exchange: Organisation
    grantee: Organisation
    public_base: str  # URL of this exchange
    last_used_at: int | None = None  # unix seconds


def moment(when: int) -> str:
    """Write unix seconds as RFC 3339, in UTC."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
