"""Security events: what is kept of a request that was refused before any decision.

Kept out: everything that a stranger wrote. A code and a route are ours, a member and a key stand
here only once a signature held, and the request id is ours until then.
"""

from __future__ import annotations

from dataclasses import dataclass

NOBODY = "none"  # where no signature held


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEvent:
    """One refused request."""

    at: int  # unix seconds
    code: str  # of the error, such as auth.signature
    route: str  # the rule as the code writes it, or "none"
    request_id: str
    member: str  # or "none"
    key: str  # or "none"
    peer: str  # network address, or "unknown"
    body_bytes: int  # as announced
    dropped: int = 0  # events of this peer left out since the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which security events an operator asks for; empty text asks for all."""

    since: int  # unix seconds
    member: str = ""
    code: str = ""
    rows_max: int = 100  # the newest of them
