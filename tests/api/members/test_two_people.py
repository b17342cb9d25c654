"""Enrolment, roles, keys and the way back take two people; each change is a leaf naming both."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.cli.main import app as operator
from exchange.domain.members import MemberStatus, Role
from exchange.errors import (
    AbsentError,
    InvalidField,
    RoleError,
    SecondPerson,
    SettingsError,
    UnprovenKey,
    WeakKey,
)
from exchange.services.members.change_members import (
    approve_change,
    list_proposals,
    propose_change,
)
from exchange.services.members.manage_members import list_members, set_standing
from exchange.services.members.ports import Change, ChangeKind, Proposal
from exchange.settings import load
from exchange_client.core.encoding import b64url
from exchange_client.keys import KeyFile
from exchange_client.signing import prove_possession
from tests.support.operators import ANNA, BEN, OperatorKey, says
from tests.support.sandbox import Sandbox

JOINING = Change(
    kind=ChangeKind.ENROL,
    member="lender-x",
    details={
        "name": "Synthetic X",
        "contact": "ops@x.example",
        "roles": ["asker"],
        "zone": "UTC",
        "profile": "CN",
    },
)


def members(sandbox: Sandbox) -> dict[str, tuple[MemberStatus, frozenset[Role], list[str]]]:
    """Return every member: its standing, its roles, its keys."""
    listed = list_members(sandbox.ports)
    return {one.member: (one.status, one.roles, [key.key for key in held]) for one, held in listed}


def key_change(sandbox: Sandbox, key: KeyFile, **details: object) -> Change:
    """Return the change that registers a key, with its proof."""
    member, _, name = key.keyid.partition("/")
    whole: dict[str, object] = {
        "key": name,
        "algorithm": key.algorithm.value,
        "public_key": b64url(key.public_key),
        "days": 30,
        "proof": b64url(prove_possession(sandbox.settings.issuer, key)),
    }
    return Change(kind=ChangeKind.KEY, member=member, details=whole | details)


def proposed(
    sandbox: Sandbox, change: Change, by: OperatorKey = ANNA, *, days: int = 14
) -> Proposal:
    """Let one operator propose a change."""
    return propose_change(change, says(sandbox, by, change), sandbox.ports, days=days)


def approved(
    sandbox: Sandbox, proposal: Proposal, by: OperatorKey = BEN, read_back: str = ""
) -> None:
    """Let another operator approve it."""
    word = says(sandbox, by, proposal.change, of=proposal.proposal_id)
    approve_change(word, read_back, sandbox.ports)


def done(sandbox: Sandbox, change: Change, read_back: str = "") -> None:
    """Let two people make a change."""
    approved(sandbox, proposed(sandbox, change), read_back=read_back)


def test_no_member_is_from_abroad(sandbox: Sandbox) -> None:
    """The gate does not ask whether a question crosses a border: none may."""
    abroad = replace(JOINING, details={**JOINING.details, "profile": "UK"})

    with pytest.raises(InvalidField) as refused:
        proposed(sandbox, abroad)

    assert ["/profile"] == [fault.pointer for fault in refused.value.faults]
    assert ([], {}) == (list_proposals(sandbox.ports), members(sandbox))


def test_nothing_changes_before_the_second_person(sandbox: Sandbox) -> None:
    """One operator, or whoever took that one's terminal, must not let a false member in."""
    proposal = proposed(sandbox, JOINING)
    before = members(sandbox)

    with pytest.raises(SecondPerson):
        approved(sandbox, proposal, ANNA)

    assert {} == before == members(sandbox)
    assert [proposal] == list_proposals(sandbox.ports)
    assert issubclass(SecondPerson, RoleError)


def test_the_second_person_makes_it_so_once(sandbox: Sandbox) -> None:
    """A proposal that could be carried out twice would undo what was decided in between."""
    proposal = proposed(sandbox, JOINING)

    approved(sandbox, proposal)

    assert (MemberStatus.ACTIVE, frozenset({Role.ASKER}), []) == members(sandbox)["lender-x"]
    assert [] == list_proposals(sandbox.ports)
    with pytest.raises(AbsentError):
        approved(sandbox, proposal)


def test_a_proposal_lapses(sandbox: Sandbox) -> None:
    """What was forgotten for a month was not meant for today."""
    proposal = proposed(sandbox, JOINING, days=1)
    tomorrow = replace(sandbox.ports, now=lambda: proposal.lapses_at)

    with pytest.raises(AbsentError):
        approve_change(says(sandbox, BEN, JOINING, of=proposal.proposal_id), "", tomorrow)

    assert {} == members(sandbox)


def test_roles_change_by_two(sandbox: Sandbox) -> None:
    """Whoever can make itself a regulator can read everything."""
    done(sandbox, JOINING)
    regulator = Change(kind=ChangeKind.ROLES, member="lender-x", details={"roles": ["regulator"]})

    proposal = proposed(sandbox, regulator)
    before = members(sandbox)["lender-x"][1]
    approved(sandbox, proposal)

    assert frozenset({Role.ASKER}) == before
    assert frozenset({Role.REGULATOR}) == members(sandbox)["lender-x"][1]


def test_a_suspension_is_one_persons_and_its_end_is_twos(sandbox: Sandbox) -> None:
    """What protects must not wait; what lets back in must."""
    done(sandbox, JOINING)
    set_standing("lender-x", MemberStatus.SUSPENDED, sandbox.ports)
    suspended = members(sandbox)["lender-x"][0]

    done(sandbox, Change(kind=ChangeKind.REACTIVATE, member="lender-x", details={}))

    assert MemberStatus.SUSPENDED is suspended
    assert MemberStatus.ACTIVE is members(sandbox)["lender-x"][0]


def test_a_key_takes_the_fingerprint_that_the_member_read_out(sandbox: Sandbox) -> None:
    """A key slipped in on the way is not the one that the member reads from its own screen."""
    done(sandbox, JOINING)
    key, other = KeyFile.generate("lender-x"), KeyFile.generate("lender-x")
    proposal = proposed(sandbox, key_change(sandbox, key))

    for wrong in ("", other.fingerprint):
        with pytest.raises(InvalidField):
            approved(sandbox, proposal, read_back=wrong)
    before = members(sandbox)["lender-x"][2]
    approved(sandbox, proposal, read_back=key.fingerprint.upper())

    assert ([], ["k1"]) == (before, members(sandbox)["lender-x"][2])
    with sandbox.exchange(key) as exchange:
        assert "lender-x" == exchange.member


def test_a_key_without_its_proof_is_not_even_proposed(sandbox: Sandbox) -> None:
    """Whoever registers another's public half could take over what the other signed."""
    done(sandbox, JOINING)
    key, other = KeyFile.generate("lender-x"), KeyFile.generate("lender-x")
    p256 = KeyFile.generate("lender-x", "k2")
    wrong = (
        prove_possession("another-exchange", key),
        prove_possession(sandbox.settings.issuer, other),
        prove_possession(sandbox.settings.issuer, p256),
        bytes(64),
        b"",
    )

    for proof in wrong:
        unproven = key_change(sandbox, key, proof=b64url(proof))
        with pytest.raises(UnprovenKey):
            proposed(sandbox, unproven)
    weak = key_change(sandbox, key, public_key=b64url(bytes([1]) + bytes(31)))
    with pytest.raises(WeakKey):
        proposed(sandbox, weak)

    assert [] == list_proposals(sandbox.ports)


def test_one_person_suffices_in_a_sandbox_alone() -> None:
    """The shortcut of an afternoon's trial must not reach real borrowers."""
    url = "postgresql:///exchange"

    with pytest.raises(SettingsError, match="ONE_PERSON_SUFFICES"):
        load(one_person_suffices=True, database_url=url, sandbox=False)

    assert load(one_person_suffices=True, database_url=url, sandbox=True).one_person_suffices


@pytest.mark.parametrize(
    ("words", "valid"),
    [
        (("enrol", "x1", "--role", "boss"), ("contributor", "asker", "regulator", "evaluator")),
        (("roles", "x1", "--role", ""), ("contributor", "asker", "regulator", "evaluator")),
        (("enrol", "x1", "--role", "asker", "--zone", "Mars/Base"), ("Asia/Shanghai",)),
        (("key", "add", "x1", "k1", "--algorithm", "rsa"), ("ed25519", "ecdsa-p256-sha256")),
        (("key", "add", "x1", "k1", "--public-key=a b"), ("base64url",)),
        (("key", "add", "x1", "k1", "--public-key=AA", "--proof=+/"), ("base64url",)),
        (("key", "add", "x1", "k1", "--days", "401", "--public-key=AA"), ("equal to 400",)),
    ],
    ids=lambda one: " ".join(one),
)
def test_a_word_that_is_none_of_the_valid_ones_ends_with_2_and_the_list(
    words: tuple[str, ...], valid: tuple[str, ...]
) -> None:
    """An operator who must look up the words in the code gives up on the command."""
    more = ["--name", "X", "--contact", "x"] if words[0] == "enrol" else []

    done = CliRunner().invoke(operator, ["member", *words, *more], env={"COLUMNS": "300"})

    assert 2 == done.exit_code, done.output
    said = re.sub(r"[\s│]+", " ", done.output)
    assert all(word in said for word in valid), said


def test_a_change_without_a_key_ends_with_2(sandbox: Sandbox, tmp_path: Path) -> None:
    """Nobody is nobody's second person."""
    env = {
        "EXCHANGE_DATABASE_URL": sandbox.settings.libpq_url,
        "EXCHANGE_DATA_DIR": str(tmp_path),
        "EXCHANGE_SANDBOX": "true",
    }
    words = ["member", "roles", "lender-x", "--role", "asker"]

    nameless = CliRunner().invoke(operator, words, env=env)
    alone = CliRunner().invoke(operator, words, env={**env, "EXCHANGE_ONE_PERSON_SUFFICES": "true"})

    assert 2 == nameless.exit_code
    assert "--key-file" in nameless.output
    assert isinstance(alone.exception, AbsentError)  # there is no lender-x; the rest was taken
