"""Say how much memory and log the private PostgreSQL may use, as lines of its configuration.

With PostgreSQL's own defaults (128 MiB of pages) a file beside ten million stored rows reads a page
of an index for nearly every row, and writes another one out to make room for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_MIB = 1 << 20
PAGES_MIB_MIN, PAGES_MIB_MAX = 128, 2_048
_PART = 8  # an eighth of the memory: the machine is somebody's, and has other work
_LIMITS = (  # of a container
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
# A page is written whole into the log when it first changes after a checkpoint: the fewer
# checkpoints, the less log. What a crash leaves to replay stays well under START_SECONDS_MAX.
_CHECKPOINTS = """\
max_wal_size = 2GB
checkpoint_timeout = 15min
"""
# A commit waits for whatever log lies before it. A file's merge leaves some 1.7 kB of it a row, and
# with PostgreSQL's defaults queries beside it stood for 100 ms: flush it as it comes, every 10 ms
# and not 200; write over segments, all that there ever were, and fill no new one with zeros first,
# which is done under the lock that every commit takes.
_FLUSHES = """\
min_wal_size = 2GB
wal_init_zero = off
wal_writer_delay = 10ms
"""


def memory_bytes(limits: Iterable[Path] = _LIMITS) -> int:
    """Return the memory of the machine, or of the container that we are in."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in limits:
        told = limit.read_text().strip() if limit.exists() else "max"
        if told.isdecimal():
            sizes.append(int(told))
    return min(sizes)


def memory_settings(memory: int) -> str:
    """Return the settings for a machine of so many bytes."""
    pages = min(max(memory // _PART // _MIB, PAGES_MIB_MIN), PAGES_MIB_MAX)
    buffers = f"shared_buffers = {pages}MB\nwal_buffers = {min(pages // 16, 64)}MB\n"
    return buffers + _CHECKPOINTS + _FLUSHES
