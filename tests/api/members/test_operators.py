"""The second person is a second key: whoever types two names, or replays a word, gets nothing."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from consent.sandbox.notices import sandbox_notices
from exchange.cli.main import app as command
from exchange.domain.base64url import b64url
from exchange.domain.ids import show, uuid7
from exchange.domain.operators import change_digest, read_word, word_text
from exchange.errors import (
    AbsentError,
    InvalidField,
    MemberConflict,
    OperatorUnknown,
    SecondPerson,
    UnprovenKey,
)
from exchange.services.members.change_members import approve_change, propose_change
from exchange.services.members.manage_members import list_members
from exchange.services.members.ports import Change, ChangeKind
from exchange.services.operators.manage_operators import enrol_first, list_operators
from exchange.services.operators.take_words import FRESH_SECONDS, take_words
from exchange_client.keys import Algorithm, KeyFile
from tests.support.leaves import opened_leaves
from tests.support.operators import ANNA, BEN, CLEO, OperatorKey, enrol, enrolled, made, proof, says
from tests.support.sandbox import Sandbox, make_sandbox

JOINING = Change(
    kind=ChangeKind.ENROL,
    member="lender-x",
    details={"name": "X", "contact": "x", "roles": ["asker"], "zone": "UTC", "profile": "CN"},
)
ACT = ("person_confirmed", "lender-x", {"grant": "gnt_1"})


def adding(sandbox: Sandbox, key: OperatorKey) -> Change:
    """Return the change that enrols a third operator."""
    new = enrolled(key)
    details = {
        "key": new.key,
        "public_key": b64url(new.public_key),
        "proof": b64url(proof(sandbox, key)),
    }
    return Change(kind=ChangeKind.OPERATOR_ADD, member=new.name, details=details)


def done(sandbox: Sandbox, change: Change, by: tuple[OperatorKey, OperatorKey], read: str) -> None:
    """Let two operators make a change."""
    proposal = propose_change(change, says(sandbox, by[0], change), sandbox.ports, days=14)
    approve_change(says(sandbox, by[1], change, of=proposal.proposal_id), read, sandbox.ports)


def fingerprint(key: OperatorKey) -> str:
    """Return what an operator reads out."""
    name, _, part = key.keyid.partition("/")
    kind = Algorithm.ED25519
    return KeyFile(member=name, key=part, algorithm=kind, private=key.private).fingerprint


def test_one_person_cannot_be_two(sandbox: Sandbox) -> None:
    """Whoever has the shell and one key file must not let a false member in by typing a name."""
    proposal = propose_change(JOINING, says(sandbox, ANNA, JOINING), sandbox.ports, days=14)
    of = proposal.proposal_id
    another = propose_change(JOINING, says(sandbox, ANNA, JOINING), sandbox.ports, days=14)
    altered = replace(JOINING, details={**JOINING.details, "roles": ["regulator"]})
    issuer = sandbox.settings.issuer
    as_ben = OperatorKey(keyid=BEN.keyid, private=ANNA.private)
    stranger, bens_second = made("zoe"), made("ben", "k2")
    refused: tuple[tuple[str, type[Exception], object], ...] = (
        ("the same key again", SecondPerson, says(sandbox, ANNA, JOINING, of=of)),
        (
            "another's name over one's own key",
            OperatorUnknown,
            says(sandbox, as_ben, JOINING, of=of),
        ),
        ("a key that nobody enrolled", OperatorUnknown, says(sandbox, stranger, JOINING, of=of)),
        ("a second key of one person", OperatorUnknown, says(sandbox, bens_second, JOINING, of=of)),
        ("yes to another change", OperatorUnknown, says(sandbox, BEN, altered, of=of)),
        (
            "yes to another proposal",
            OperatorUnknown,
            says(sandbox, BEN, JOINING, of=another.proposal_id)._replace(of=show("prp", of)),
        ),
        (
            "yes at another exchange",
            OperatorUnknown,
            BEN.say(f"{issuer}x", show("prp", of), JOINING.digest),
        ),
    )

    for name, error, word in refused:
        with pytest.raises(error):
            approve_change(word, "", sandbox.ports)  # type: ignore[arg-type]  # no word at all
        assert [] == list_members(sandbox.ports), name
    approve_change(says(sandbox, BEN, JOINING, of=of), "", sandbox.ports)

    assert ["lender-x"] == [one.member for one, _ in list_members(sandbox.ports)]


@pytest.mark.parametrize(
    "alter",
    [
        "UPDATE member_proposal SET details = replace(details, 'asker', 'regulator')",
        "UPDATE member_proposal SET member_id = 'lender-y'",
        "UPDATE member_proposal SET proposed_by = 'anna'",
        "UPDATE member_proposal SET proposed_by = replace(proposed_by, 'anna/', 'cleo/')",
    ],
)
def test_a_proposal_that_was_changed_in_the_database_is_refused(
    sandbox: Sandbox, alter: str
) -> None:
    """Whoever holds the database's password must not put another change under two signatures."""
    word = says(sandbox, ANNA, JOINING)
    proposal = propose_change(JOINING, word, sandbox.ports, days=14)
    with closing(psycopg.connect(sandbox.settings.libpq_url)) as connection, connection:
        connection.execute(alter.encode())

    with pytest.raises(OperatorUnknown):
        approve_change(says(sandbox, BEN, JOINING, of=proposal.proposal_id), "", sandbox.ports)

    assert [] == list_members(sandbox.ports)


def test_the_leaf_holds_two_signatures_that_anybody_can_check(sandbox: Sandbox) -> None:
    """A regulator must be able to see that two keys said yes, and not that two names were typed."""
    done(sandbox, JOINING, (ANNA, BEN), "")

    leaves = admin_leaves(sandbox)
    words = [read_word(line) for line in leaves["enrolled"]["approvers"]]
    keys = dict(one.split(" ") for one in leaves["operator_added"]["key"])
    assert ["anna/k1", "ben/k1"] == [word.keyid for word in words]
    for word, key in zip(words, (ANNA, BEN), strict=True):
        public = key.private.public_key()
        assert b64url(public.public_bytes_raw()) == keys[word.keyid]
        text = word_text(sandbox.settings.issuer, word.keyid, word.of, word.digest)
        public.verify(word.signature, text)
        assert JOINING.digest == word.digest


def admin_leaves(sandbox: Sandbox) -> dict[str, dict[str, list[str]]]:
    """Return keys and approvers of the admin leaves, by their event."""
    found: dict[str, dict[str, list[str]]] = {}
    for subject, audit in opened_leaves(sandbox, "admin"):
        event = found.setdefault(str(subject["event"]), {"key": [], "approvers": []})
        event["key"] += [str(audit["key"])] if "key" in audit else []
        approvers = audit.get("approvers", [])
        assert isinstance(approvers, list)
        event["approvers"] += map(str, approvers)
    return found


def test_operators_change_by_two_and_never_fall_below_two(sandbox: Sandbox) -> None:
    """An exchange that one person can bring back to its first day is that person's."""
    with pytest.raises(SecondPerson):
        enrol(sandbox, CLEO)
    retire_ben = Change(kind=ChangeKind.OPERATOR_RETIRE, member="ben", details={})
    with pytest.raises(SecondPerson):
        done(sandbox, retire_ben, (ANNA, BEN), "")
    waiting = propose_change(JOINING, says(sandbox, BEN, JOINING), sandbox.ports, days=14)
    with pytest.raises(InvalidField):
        done(sandbox, adding(sandbox, CLEO), (ANNA, BEN), "0000")
    done(sandbox, adding(sandbox, CLEO), (ANNA, BEN), fingerprint(CLEO))

    done(sandbox, retire_ben, (ANNA, CLEO), "")

    standing = {one.name: one.retired_at is None for one in list_operators(sandbox.ports)}
    assert {"anna": True, "ben": False, "cleo": True} == standing
    for by in (BEN, CLEO):  # Retired himself, or the second after a first who is retired.
        with pytest.raises(OperatorUnknown):
            approve_change(says(sandbox, by, JOINING, of=waiting.proposal_id), "", sandbox.ports)
    with pytest.raises(OperatorUnknown):
        propose_change(JOINING, says(sandbox, BEN, JOINING), sandbox.ports, days=14)
    with pytest.raises(MemberConflict):
        done(sandbox, adding(sandbox, BEN), (ANNA, CLEO), fingerprint(BEN))
    with pytest.raises(AbsentError):
        done(sandbox, retire_ben, (ANNA, CLEO), "")


def test_a_key_that_nobody_showed_to_hold_is_not_enrolled(
    database_url: str, tmp_path: Path
) -> None:
    """Whoever enrols a colleague's public half under its own name would sign by that colleague."""
    opened = make_sandbox(database_url, tmp_path)

    with pytest.raises(UnprovenKey):
        enrol_first(enrolled(ANNA), proof(opened, BEN), opened.ports)

    assert [] == list_operators(opened.ports)
    opened.close()


@pytest.mark.parametrize("seconds", [0, FRESH_SECONDS, FRESH_SECONDS + 1])
def test_an_act_that_is_done_at_once_takes_two_fresh_words(sandbox: Sandbox, seconds: int) -> None:
    """Two words of last week must not open another file today."""
    ports = sandbox.ports
    now = ports.now()
    of = show("prp", uuid7((now - seconds) * 1_000, ports.random_bytes))
    words = [key.say(sandbox.settings.issuer, of, change_digest(*ACT)) for key in (ANNA, BEN)]
    still = replace(ports, now=lambda: now)
    other = ("person_confirmed", "lender-x", {"grant": "gnt_2"})

    if seconds > FRESH_SECONDS:
        with pytest.raises(InvalidField):
            take_words(ACT, words, still)
        return
    assert tuple(word.line() for word in words) == take_words(ACT, words, still)
    for act, said, error in (
        (ACT, words[:1], SecondPerson),
        (ACT, [], SecondPerson),
        (ACT, [words[0], words[0]], SecondPerson),
        (other, words, OperatorUnknown),
    ):
        with pytest.raises(error):
            take_words(act, said, still)


def test_the_commands_take_keys_and_no_typed_names(sandbox: Sandbox, tmp_path: Path) -> None:
    """What one person does at a shell must fail in each command that takes two."""
    env = {
        "EXCHANGE_DATABASE_URL": sandbox.settings.libpq_url,
        "EXCHANGE_DATA_DIR": str(tmp_path),
        "EXCHANGE_SANDBOX": "true",
        "COLUMNS": "300",
    }
    files = {}
    for key in (ANNA, BEN):
        name, _, part = key.keyid.partition("/")
        file = KeyFile(member=name, key=part, algorithm=Algorithm.ED25519, private=key.private)
        files[name] = str(tmp_path / f"{name}.json")
        file.save(files[name])
    notice = json.loads(sandbox_notices(sandbox.ports.terms.profile)[0]) | {"version": "9.0.0"}
    (tmp_path / "notice.json").write_text(json.dumps(notice))
    text = [notice["id"], "9.0.0", notice["lang"]]

    def types(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(command, words, env=env)
        return done.exit_code, done.output + str(done.exception or "")

    gone = ("borrower", "confirm", "lender-x", show("gnt", uuid7(0, sandbox.ports.random_bytes)))
    lost = ("recover", "--accept-loss")
    alone = ("sequence", "--unwitnessed")
    seat = ("seat", "enrol", "lender-s", "mei")
    for words in (gone, lost, alone, seat):
        assert "--key-file" in types(*words, "--by", "anna", "--by", "ben")[1]
        same = types(*words, "--key-file", files["anna"], "--key-file", files["anna"])
        assert "another operator must sign this as well" in same[1]
    both = ("--key-file", files["anna"], "--key-file", files["ben"])
    assert "another operator" not in types(*gone, *both)[1]  # There is no such grant: that is said.
    sandbox.enrol("lender-s")
    assert "/console/seat#" in types(*seat, *both)[1]
    assert "lender-s/mei  waits for its person" in types("seat", "list")[1]
    assert 0 == types("seat", "retire", "lender-s", "mei")[0]
    assert (
        "--key-file" in types("notice", "register", str(tmp_path / "notice.json"), "--by", "x")[1]
    )
    first = types("notice", "register", str(tmp_path / "notice.json"), both[0], both[1])
    again = types("notice", "approve", *text, both[0], both[1])
    second = types("notice", "approve", *text, both[2], both[3])

    assert (0, True) == (first[0], "proposed  approved by anna" in first[1]), first
    assert "this person has approved it already" in again[1]
    assert (0, True) == (second[0], "live  approved by anna, ben" in second[1]), second
    leaves = admin_leaves(sandbox)
    for event in ("notice_approved", "seat_enrolled"):
        words_said = [read_word(line) for line in leaves[event]["approvers"]]
        assert ["anna/k1", "ben/k1"] == [word.keyid for word in words_said]
