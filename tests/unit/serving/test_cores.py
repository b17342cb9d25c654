"""Which core a server process stays on."""

from __future__ import annotations

import pytest

from exchange.jobs.cores import least_taken


@pytest.mark.parametrize(
    ("cores", "taken", "chosen"),
    [
        ([0, 1], [], 0),
        ([0, 1], [0], 1),
        ([0, 1], [0, 1], 0),
        ([0, 1], [1, 1, 0], 0),
        ([4, 7], [7], 4),  # what a container was given
        ([4, 7], [-1, -1, 4], 7),  # -1: a process that stays nowhere
    ],
)
def test_a_process_comes_to_the_core_with_the_fewest(
    cores: list[int], taken: list[int], chosen: int
) -> None:
    """A process that takes the place of a dead one must not crowd out the one that lives."""
    assert chosen == least_taken(cores, taken)
