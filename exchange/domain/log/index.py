"""The index of a log: one line a subject, so that a borrower is shown that nobody else looked.

In:  how often each subject was looked at, and where last.
Out: the root over the sorted lines, as the `index_root` leaf of a day names it; the lines cut into
     parts, from which one line is proven without reading those of everybody.
A path shows hashes of neighbours' lines, and a pseudonym in them is 128 bits that nobody guesses.
That a subject has no line is not proven: the two lines around the gap are other people's.
Source: log.md, 12; RFC 6962 for the tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from exchange.domain.merkle import inclusion_ranges, leaf_hash, line_hashes, root

INDEX_ROOT_RULE = "index_root/1"
PART_LINES = 256  # a power of two: each full part is a full subtree


class SubjectLine(NamedTuple):
    """How often a subject was looked at, and where last."""

    subject: str  # pseudonym
    leaves: int
    last_index: int


class IndexPart(NamedTuple):
    """Neighbouring lines of the index, sorted."""

    first: str  # pseudonym of the first line
    lines: bytes  # PART_LINES of them, fewer in the last part
    root: bytes  # over these lines, 32 bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProof:
    """That a line stands in the index."""

    line: SubjectLine
    position: int  # among the sorted lines, from 0
    path: tuple[bytes, ...]  # to the index's root

    @property
    def leaf_hash(self) -> bytes:
        """Return the hash that the path starts from."""
        return leaf_hash(subject_line(self.line))


def subject_line(line: SubjectLine) -> bytes:
    """Write a subject's line in the index: pseudonym, how many looks, index of the last."""
    return f"{line.subject} {line.leaves} {line.last_index}\n".encode()


def cut_index(lines: Iterable[SubjectLine]) -> list[IndexPart]:
    """Sort the lines of all subjects and cut them into parts."""
    written = sorted(map(subject_line, lines))
    parts = []
    for at in range(0, len(written), PART_LINES):
        cut = written[at : at + PART_LINES]
        first = cut[0].partition(b" ")[0].decode()
        parts.append(IndexPart(first, b"".join(cut), root(line_hashes(cut))))
    return parts


def root_of_parts(roots: Sequence[bytes]) -> bytes:
    """Return the index's root from those of its parts: all but the last are full subtrees."""
    return root(roots)


def index_root(lines: Iterable[SubjectLine]) -> bytes:
    """Return the root over the lines of all subjects, sorted."""
    return root_of_parts([part.root for part in cut_index(lines)])


def prove_line(subject: str, number: int, lines: bytes, roots: Sequence[bytes]) -> LineProof | None:
    """Prove a subject's line, from its part and the roots of all parts.

    Args:
        subject: its pseudonym.
        number: of the part that the line would stand in, from 0.
        lines: of that part.
        roots: of every part, in order.

    Returns:
        None: the subject has no line.
    """
    cut = lines.splitlines(keepends=True)
    head = f"{subject} ".encode()
    at = next((n for n, line in enumerate(cut) if line.startswith(head)), None)
    if at is None:
        return None
    _, leaves, last = cut[at].split()
    hashes = line_hashes(cut)
    within = [root(hashes[first:end]) for first, end in inclusion_ranges(at, len(hashes))]
    above = [root(roots[first:end]) for first, end in inclusion_ranges(number, len(roots))]
    return LineProof(
        line=SubjectLine(subject, int(leaves), int(last)),
        position=number * PART_LINES + at,
        path=(*within, *above),
    )
