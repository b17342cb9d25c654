"""Policy files: both sides read the same quorum out of them, and refuse the same ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.domain.log.policies import parse_policy as exchange_reads
from exchange.errors import ExchangeError
from exchange_client.errors import PinError
from exchange_client.log.policy import first_met, fresh_at, met, parse_policy
from tests.support.signed_log import LOG, STATEMENTS, WITNESSES, policy_text

NAMES = [one.name for one in WITNESSES]
RULES = ["any", "all", "1", "2", "3"]


@given(
    inner=st.sampled_from(["any", "all", "1", "2"]),
    outer=st.sampled_from(["any", "all", "1", "2"]),
    times=st.dictionaries(st.sampled_from(NAMES), st.integers(1, 4)),
)
def test_both_sides_find_the_same_quorum(inner: str, outer: str, times: dict[str, int]) -> None:
    """A checkpoint that is final for the exchange is final for its members."""
    text = policy_text().replace(
        "group two 2 w0 w1 w2\nquorum none",
        f"group a {inner} w0 w1\ngroup b {outer} a w2\nquorum b",
    )
    ours, theirs = parse_policy(text.encode()), exchange_reads(text)

    assert theirs.quorum.met_by(times) == met(ours.quorum, times)
    assert theirs.first_met_at(times) == first_met(ours.quorum, times)
    assert theirs.fresh_at(times) == fresh_at(ours.quorum, times)


def test_a_quorum_is_as_old_as_its_slowest_witness() -> None:
    """The time that counts is the one at which enough of them had seen the checkpoint."""
    policy = parse_policy(policy_text(quorum="two").encode())

    assert 7 == first_met(policy.quorum, dict(zip(NAMES, (9, 5, 7), strict=True)))
    assert first_met(policy.quorum, {NAMES[0]: 5}) is None


def test_the_statement_key_is_no_log() -> None:
    """A checkpoint under the statement key would be of nobody's log."""
    policy = parse_policy(policy_text().encode())

    assert {LOG.name} == policy.origins
    assert [STATEMENTS.name] == [key.name for key in policy.statement_keys]


@pytest.mark.parametrize(
    "line",
    [
        "quorum none",  # a second one
        "group g 4 w0 w1 w2",
        "group g 0 w0",
        "group g 1",
        "group g 1 nobody",
        "group g 2 w0 w0",
        "group two 1 w0",
        "group none 1 w0",
        "witness again " + WITNESSES[0].key.vkey(),
        "witness log " + LOG.key.vkey(),
        "log " + WITNESSES[0].key.vkey(),
        "log " + LOG.key.vkey(),
        "log nonsense",
        "anything",
    ],
)
def test_a_policy_that_is_not_to_the_letter_is_refused_by_both_sides(line: str) -> None:
    """A rule that two readers read differently is no rule."""
    text = policy_text().replace("group two", f"{line}\ngroup two")

    with pytest.raises(PinError):
        parse_policy(text.encode())
    with pytest.raises(ExchangeError):
        exchange_reads(text)


@pytest.mark.parametrize("text", ["", "quorum none", "quorum none\r\n", "# only words\n"])
def test_a_text_that_is_no_policy_is_refused_by_both_sides(text: str) -> None:
    """Half a file never passes for a rule that asks for nobody."""
    with pytest.raises(PinError):
        parse_policy(text.encode())
    with pytest.raises(ExchangeError):
        exchange_reads(text)
