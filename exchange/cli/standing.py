"""`exchange quality`: measure how well members contribute. Run it daily."""

from __future__ import annotations


def quality() -> None:
    """Measure members that have no measure of this month, announce changes: `exchange quality`."""
    from exchange.cli.opening import open_ports
    from exchange.services.standing.measure_quality import measure_quality

    with open_ports() as ports:
        for one in measure_quality(ports):
            print(f"{one.member}  {one.dqi}  {one.quality}  {one.contribution}")
