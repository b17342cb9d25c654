"""Gossip: the SDK names by itself what log it was shown, and a fork is found by it."""

from __future__ import annotations

import json
from copy import copy
from pathlib import Path

import pytest

from exchange_client import Exchange, Question
from exchange_client.core.encoding import JSON
from exchange_client.core.ids import new_id
from exchange_client.errors import InclusionInvalid, LogDisowned, LogForked, Refused, UsageError
from exchange_client.log.gossip import Gossip
from exchange_client.testing import FakeExchange
from exchange_client.testing.access_log import AccessLog
from tests.client.sdk.samples import PURPOSE
from tests.support.signed_log import LOG, SignedLog, entries

VKEY = LOG.key.vkey()
LOG_OF = SignedLog(entries=entries(9))
FORK_OF = SignedLog(entries=entries(9, label="fork"))


@pytest.fixture
def fake() -> FakeExchange:
    """An exchange with one log for all."""
    return FakeExchange()


def question(fake: FakeExchange, query_id: str | None = None) -> Question:
    """Make a question that is withheld, for it is the log that matters."""
    who = fake.personas[0].identifiers[:1]
    return Question(identifiers=who, purpose=PURPOSE, query_id=query_id or new_id("qry"))


def redeem(member: Exchange, fake: FakeExchange) -> bytes:
    """Ask, redeem the receipt, and return the newest checkpoint that the member was shown."""
    member.receipt_proof(member.ask(question(fake)).receipt)
    return member.gossip.note


def named(fake: FakeExchange) -> list[JSON]:
    """Return what each question named, in order; None: nothing."""
    asked = [one for one in fake.seen if one.path in ("/v1/queries", "/v1/query-batches")]
    return [json.loads(line).get("after") for one in asked for line in one.body.splitlines()]


def sizes(fake: FakeExchange) -> list[int]:
    """Return the size of the checkpoint that each question named; 0: none."""
    return [int(str(one["size"])) if isinstance(one, dict) else 0 for one in named(fake)]


def test_t17_the_newest_verified_checkpoint_is_named_in_the_next_question(
    fake: FakeExchange,
) -> None:
    """Only a member who thinks of it would ever hold the exchange to its log."""
    with fake.member("member-a") as member:
        redeem(member, fake)
        redeem(member, fake)
        member.query_batch([question(fake)])

    assert [0, 1, 2] == sizes(fake)
    last = fake.world.log.payloads("audit")[-1]["after"]
    assert isinstance(last, dict)
    assert last["root"] in member.gossip.note.decode().split("\n")


def test_t17_a_server_that_forks_its_log_per_member_is_found(fake: FakeExchange) -> None:
    """Each member would be shown a log of its own, and a look could be missing from all others."""
    key = fake.world.log._key  # The server's own: a fork is signed by it as well.
    logs = {one: AccessLog(fake.world.log.origin, key) for one in ("member-a", "member-b")}
    held = {}
    for name, log in logs.items():
        fake.world.log = log
        with fake.member(name) as member:
            held[name] = redeem(member, fake)

    with fake.member("member-b") as member:
        member.gossip.learn(held["member-b"])
        with pytest.raises(LogForked) as forked:
            member.gossip.learn(held["member-a"])
    assert (held["member-b"], held["member-a"]) == (forked.value.held, forked.value.offered)

    fake.world.log = logs["member-a"]
    with fake.member("member-a") as member:
        member.gossip.learn(held["member-a"])
        newer = redeem(member, fake)
    fake.world.log = logs["member-b"]
    with fake.member("member-b") as member:
        member.gossip.learn(newer)  # Of another size: only the server can tell, and must.
        for act in (
            lambda: member.ask(question(fake)),
            lambda: member.query_batch([question(fake)]),
        ):
            with pytest.raises(LogDisowned) as disowned:
                act()
            assert newer == disowned.value.held
            assert newer.decode() in str(disowned.value)
            assert newer == copy(disowned.value).held  # As a process pool rebuilds it.


def test_a_log_set_back_is_found_by_whoever_saw_it_larger(
    fake: FakeExchange, tmp_path: Path
) -> None:
    """A restored dump would answer on as if what followed it had never been asked."""
    file = tmp_path / "checkpoints"
    with fake.member("member-a", checkpoints=file) as member:
        held = redeem(member, fake)
    fake.world.log = AccessLog(fake.world.log.origin, fake.world.log._key)

    with fake.member("member-a", checkpoints=file) as member, pytest.raises(LogDisowned) as found:
        member.ask(question(fake))

    assert held == found.value.held


def test_the_same_question_names_the_same_checkpoint_for_good(
    fake: FakeExchange, tmp_path: Path
) -> None:
    """A question sent again after a crash would be another question under the same id."""
    file = tmp_path / "checkpoints"
    kept = question(fake)
    with fake.member("member-a", checkpoints=file) as member:
        redeem(member, fake)
        first = member.ask(kept)
        redeem(member, fake)
        assert first.receipt.text == member.ask(kept).receipt.text
        redeem(member, fake)

    with fake.member("member-a", checkpoints=file) as member:
        assert first.receipt.text == member.ask(kept).receipt.text
        other = Question(
            identifiers=kept.identifiers, purpose=PURPOSE, detail="flag", query_id=kept.query_id
        )
        with pytest.raises(Refused, match=r"query\.conflict"):
            member.ask(other)


def test_what_contradicts_is_never_learnt_and_what_is_older_changes_nothing() -> None:
    """One signed fork in memory would be named to the exchange as if it were the log."""
    gossip = Gossip(VKEY)
    for size in (3, 7, 5):
        gossip.learn(LOG_OF.checkpoint(size))
    assert LOG_OF.checkpoint(7) == gossip.note

    for size in (3, 7):
        with pytest.raises(LogForked) as forked:
            gossip.learn(FORK_OF.checkpoint(size))
        assert FORK_OF.checkpoint(size) == forked.value.offered
    other = SignedLog(entries=entries(9), signer=type(LOG)(name=LOG.name, label="stranger"))
    with pytest.raises(InclusionInvalid):
        gossip.learn(other.checkpoint(8))

    assert LOG_OF.checkpoint(7) == gossip.note


def test_the_log_of_an_earlier_year_is_not_named() -> None:
    """At New Year every honest exchange would be called a fork."""
    gossip = Gossip(VKEY)
    gossip.learn(LOG_OF.checkpoint())

    assert gossip.name("qry_1", 2026) is not None
    assert gossip.name("qry_2", 2027) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("cx-checkpoints/1", "cx-checkpoints/2"),
        lambda text: text[:-20],
        lambda text: text.replace('"heads": [', '"heads": [7,', 1),
    ],
)
def test_a_damaged_file_is_told(spoil: object, tmp_path: Path) -> None:
    """Silently starting anew would forget the very evidence that the file is kept for."""
    file = tmp_path / "checkpoints"
    Gossip(VKEY, file).learn(LOG_OF.checkpoint())
    assert LOG_OF.checkpoint() == Gossip(VKEY, file).note
    assert callable(spoil)

    file.write_text(spoil(file.read_text()))

    with pytest.raises(UsageError):
        Gossip(VKEY, file)


def test_a_changed_note_in_the_file_is_refused(tmp_path: Path) -> None:
    """Whoever can write the file could make the member accuse an honest exchange."""
    file = tmp_path / "checkpoints"
    Gossip(VKEY, file).learn(LOG_OF.checkpoint(7))

    file.write_text(file.read_text().replace("\\n7\\n", "\\n8\\n"))

    with pytest.raises(InclusionInvalid):
        Gossip(VKEY, file)
