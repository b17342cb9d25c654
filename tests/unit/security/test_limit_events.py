"""How many security events one peer can leave, and that the others are counted."""

from __future__ import annotations

from exchange.domain.security.events import SecurityEvent
from exchange.services.security.limit_events import WINDOW_SECONDS, EventLimiter

NOW = 1_800_000_000


def event(peer: str, at: int = NOW) -> SecurityEvent:
    """Return what is kept of one refusal."""
    return SecurityEvent(
        at=at,
        code="auth.signature",
        route="/v1/queries",
        request_id="r",
        member="none",
        key="none",
        peer=peer,
        body_bytes=0,
    )


def test_a_peer_beyond_its_share_is_counted_and_told_at_the_minutes_end() -> None:
    """A flood must neither fill the disk nor leave the operator thinking it was three tries."""
    limiter = EventLimiter(events_max=3, peers_max=10)

    at_once = limiter.take([event("192.0.2.1") for _ in range(10)], NOW)
    later = limiter.take([], NOW + WINDOW_SECONDS)

    assert [0, 0, 0] == [one.dropped for one in at_once]
    assert [6] == [one.dropped for one in later]
    assert 10 == sum(1 + one.dropped for one in at_once + later)


def test_a_peer_is_heard_again_in_its_next_minute() -> None:
    """Whoever erred yesterday must still be seen today."""
    limiter = EventLimiter(events_max=1, peers_max=10)

    first = limiter.take([event("192.0.2.1")], NOW)
    same_minute = limiter.take([event("192.0.2.1")], NOW + WINDOW_SECONDS - 1)
    next_minute = limiter.take([event("192.0.2.1")], NOW + WINDOW_SECONDS)

    assert (1, 0, 2) == (len(first), len(same_minute), len(next_minute))


def test_one_peers_flood_does_not_silence_another() -> None:
    """An attacker's noise must not hide a second attacker."""
    limiter = EventLimiter(events_max=1, peers_max=10)

    taken = limiter.take([event("192.0.2.1"), event("192.0.2.1"), event("192.0.2.2")], NOW)

    assert ["192.0.2.1", "192.0.2.2"] == [one.peer for one in taken]


def test_peers_beyond_number_share_one_window() -> None:
    """A thousand forged addresses must not take a thousand times the memory."""
    limiter = EventLimiter(events_max=2, peers_max=3)
    peers = [f"192.0.2.{number}" for number in range(100)]

    taken = limiter.take([event(peer) for peer in peers], NOW)
    ended = limiter.take([], NOW + WINDOW_SECONDS)

    assert peers[:5] == [one.peer for one in taken]
    assert [94] == [one.dropped for one in ended]
