"""The index: a line leads to the root, in parts as in one piece; statements as vectors say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exchange.domain.log.index import (
    SubjectLine,
    cut_index,
    index_root,
    prove_line,
    root_of_parts,
    subject_line,
)
from exchange.domain.merkle import TreeHead, verify_inclusion
from exchange_client.merkle import root_of_leaves
from tests.unit.log.looks_vectors import PLACE, text

SUBJECTS = st.integers(min_value=0, max_value=16**4 - 1).map(lambda n: f"p:{n:032x}")
LINES = st.dictionaries(SUBJECTS, st.integers(min_value=1, max_value=99), min_size=1, max_size=700)


@given(LINES, st.data())
def test_a_line_is_proven_from_its_part_and_the_roots_of_the_others(
    counted: dict[str, int], data: st.DataObject
) -> None:
    """A borrower would be shown a line that leads nowhere, or none of theirs."""
    lines = [SubjectLine(subject, count, count + 3) for subject, count in counted.items()]
    parts = cut_index(lines)
    roots = [part.root for part in parts]
    wanted = data.draw(st.sampled_from(sorted(counted)))
    number = max(n for n, part in enumerate(parts) if part.first <= wanted)

    proven = prove_line(wanted, number, parts[number].lines, roots)

    assert proven is not None
    assert (wanted, counted[wanted]) == proven.line[:2]
    head = TreeHead(size=len(lines), root=root_of_leaves(sorted(map(subject_line, lines))))
    assert head.root == root_of_parts(roots) == index_root(lines)
    verify_inclusion(proven.leaf_hash, proven.position, proven.path, head)


def test_who_has_no_line_is_given_none() -> None:
    """A stranger's line would be taken for the own one."""
    (part,) = cut_index([SubjectLine("p:1", 1, 1), SubjectLine("p:11", 2, 2)])

    found = [prove_line(one, 0, part.lines, [part.root]) for one in ("p:0", "p:10", "p:2")]

    assert [None, None, None] == found


def test_the_vectors_are_what_is_written() -> None:
    """Programs in other languages would verify statements that nobody makes any more."""
    assert PLACE.read_text() == text()
