"""Kill jobs, and PostgreSQL under them, at random points: what they do is whole or absent.

Here a few rounds of small files; `python -m tests.faults --only files --full` kills 50 times over
files of 200,000 rows, and `--only purges --full` 50 times while records are removed.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.faults.__main__ import CI_FILES, CI_PURGES
from tests.faults.killing.files import kill_files
from tests.faults.killing.purges import kill_purges


def test_a_file_killed_at_any_point_is_whole_or_absent(tmp_path: Path) -> None:
    """A crash at three in the morning must not half replace a lender's book."""
    judged = kill_files(*CI_FILES, seed=random.SystemRandom().randrange(1 << 31), folder=tmp_path)

    assert judged.holds, judged
    assert CI_FILES[0] == sum(judged.kills.values()) == sum(judged.found.values())


def test_a_purge_killed_at_any_point_certifies_what_went_and_leaves_the_rest(
    tmp_path: Path,
) -> None:
    """What is gone without a certificate cannot be told from what was lost."""
    judged = kill_purges(CI_PURGES, seed=random.SystemRandom().randrange(1 << 31), folder=tmp_path)

    assert judged.holds, judged
    assert judged.certificates > 0
