"""Policy files: what they say, what they refuse, and when a quorum is met."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.domain.log.policies import NO_QUORUM, Quorum, parse_policy
from exchange.domain.notes import KeyType, NoteKey
from exchange.errors import FormError


def vkey(name: str, kind: int = KeyType.ED25519_COSIGNATURE) -> str:
    return NoteKey(name=name, kind=kind, public_key=name.encode().ljust(32, b".")).vkey()


LOG = f"log {vkey('exchange.example/access/2026', KeyType.ED25519)}\n"
WITNESSES = "".join(f"witness {name} {vkey(name)} http://{name}.example/\n" for name in "abcdr")
WHOLE = f"# ours\n\n{LOG}{WITNESSES}group members 2 a b c d\n\tgroup q all r members\nquorum q\n"


def test_a_policy_of_two_levels_is_met_by_each_of_its_quorums() -> None:
    """A receipt would be called final on the word of too few."""
    policy = parse_policy(WHOLE)

    assert policy.quorum.met_by({"r", "a", "d"})
    assert not policy.quorum.met_by({"a", "b", "c", "d"})
    assert not policy.quorum.met_by({"r", "a"})
    assert ["http://a.example", "http://b.example"] == [one.url for one in policy.witnesses[:2]]
    assert not policy.quorum.splits()


def test_a_quorum_stands_since_its_last_needed_witness_and_is_as_fresh_as_its_slowest() -> None:
    """A look after the loan would count as one before it."""
    policy = parse_policy(WHOLE)
    times = {"r": 50, "a": 10, "b": 30, "c": 40}

    assert 50 == policy.first_met_at(times)
    assert 30 == policy.fresh_at(times)
    assert policy.first_met_at({"r": 50}) is None
    assert policy.fresh_at({"r": 50, "d": 9}) is None


def test_a_policy_without_witnesses_says_so() -> None:
    """A consortium that starts alone must be able to, and must have written it down."""
    policy = parse_policy(f"{LOG}quorum none\n")

    assert NO_QUORUM == policy.quorum
    assert policy.quorum.met_by(())


REFUSED = {
    "no quorum": LOG,
    "two quorums": "quorum none\nquorum none\n",
    "last line without LF": "quorum none",
    "CR": "quorum none\r\n",
    "unknown word": "quorum none\nfriend a\n",
    "quorum of an unknown name": "quorum q\n",
    "name used later": f"group q any a\nwitness a {vkey('a')}\nquorum q\n",
    "name twice": f"witness a {vkey('a')}\nwitness a {vkey('b')}\nquorum a\n",
    "key twice": f"witness a {vkey('a')}\nwitness b {vkey('a')}\nquorum a\n",
    "member of two groups": f"{WITNESSES}group p any a b\ngroup q any a c\nquorum q\n",
    "member twice": f"{WITNESSES}group q 2 a a\nquorum q\n",
    "none as a member": f"{WITNESSES}group q any none a\nquorum q\n",
    "more than there are": f"{WITNESSES}group q 3 a b\nquorum q\n",
    "none of them": f"{WITNESSES}group q 0 a b\nquorum q\n",
    "not a number": f"{WITNESSES}group q most a b\nquorum q\n",
    "group of nobody": "group q any\nquorum q\n",
    "witness with a log's key": f"witness a {vkey('a', KeyType.ED25519)}\nquorum a\n",
    "log with a witness's key": f"log {vkey('a')}\nquorum none\n",
    "no vkey": "witness a b+c\nquorum a\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_policy_that_can_be_read_in_two_ways_is_refused(text: str) -> None:
    """Two parties would go by two rules and believe that they agree."""
    with pytest.raises(FormError):
        parse_policy(text)


def quorums(names: list[str]) -> st.SearchStrategy[Quorum]:
    """Draw trees over these names, each name once."""
    if len(names) <= 2:
        return st.integers(1, len(names)).map(lambda k: Quorum(k, tuple(names)))
    middle = len(names) // 2
    return st.tuples(quorums(names[:middle]), quorums(names[middle:]), st.integers(1, 2)).map(
        lambda drawn: Quorum(drawn[2], (drawn[0], drawn[1]))
    )


@given(st.integers(1, 7).flatmap(lambda size: quorums([f"w{n}" for n in range(size)])))
def test_two_disjoint_quorums_are_found_wherever_they_exist(quorum: Quorum) -> None:
    """One half of the witnesses could make one history final, the other half another."""
    names = sorted(_names(quorum))
    sets = [set(one) for size in range(len(names) + 1) for one in combinations(names, size)]

    exist = any(quorum.met_by(one) and quorum.met_by(set(names) - one) for one in sets)

    assert exist == quorum.splits()


def _names(quorum: Quorum) -> set[str]:
    return set().union(
        *(_names(one) if isinstance(one, Quorum) else {one} for one in quorum.members)
    )
