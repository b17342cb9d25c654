"""`cx policy` as a member types it, and the whole way from a question to a notice."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exchange_client import Disbursement, Exchange
from exchange_client._consent.profiles import load_profile
from exchange_client._consent.sandbox.notices import sandbox_adverse_notices
from exchange_client.cli.main import app
from exchange_client.cli.options import Outside
from exchange_client.cli.telling import EXAMPLES
from exchange_client.policy import (
    Action,
    Case,
    Gate,
    Sender,
    decide,
    load_policy,
    registered,
    replay,
    write_notice,
)
from exchange_client.receipts import verify
from exchange_client.testing import FakeExchange
from tests.client.policy.samples import HEAD, STOP, policy_of, rule, sample

MEMBER = "lender-x"
COMMANDS = ("check", "deciding.decide", "gate", "test", "explain")


@pytest.fixture
def fake() -> FakeExchange:
    """An exchange in memory."""
    return FakeExchange()


@pytest.fixture
def lender(fake: FakeExchange) -> Iterator[Exchange]:
    """A member of it."""
    with fake.member(MEMBER) as exchange:
        yield exchange


def looked(fake: FakeExchange, lender: Exchange, persona: str, place: Path) -> Path:
    """Ask about a borrower for app-1; keep receipt, proof and own inputs."""
    borrower = fake.persona(persona).identifiers[0]
    grant = fake.grant(lender, borrower, "credit_application")
    answer = lender.query(
        borrower, purpose="credit_application", grant=grant, application_ref="app-1"
    )
    answer.receipt.save(place, lender.receipt_proof(answer.receipt).proof)
    place.with_name(f"{place.name}.inputs.json").write_text('{"requested_minor": 500000}')
    return place


@pytest.fixture
def desk(fake: FakeExchange, lender: Exchange, tmp_path: Path) -> Path:
    """A folder with all that the examples name."""
    fake.key(MEMBER).save(tmp_path / "key")
    fake.pins.save(tmp_path / "pins")
    looked(fake, lender, "three_lenders", tmp_path / "one.receipt")
    (tmp_path / "policy.toml").write_text(sample())
    before = sample().replace("STOP_NEW_CREDIT", "REVIEW").replace('limit_factor = "0.00", ', "")
    (tmp_path / "before.toml").write_text(before.replace('"2026-12-01.1"', '"2026-11-01.1"'))
    notices = {json.loads(one)["lang"] + json.loads(one)["purpose"]: one for one in frames()}
    (tmp_path / "notice.json").write_bytes(notices["encredit_application"])
    (tmp_path / "告知.json").write_bytes(notices["zh-CNcredit_application"])
    return tmp_path


def frames() -> tuple[bytes, ...]:
    """Return the frames of notices that the fake's registry holds."""
    return sandbox_adverse_notices(load_profile("CN"))


def typed(fake: FakeExchange, desk: Path, *words: str) -> Result:
    """Type a command in that folder."""
    environment = {"CX_KEY_FILE": str(desk / "key"), "CX_PINS": str(desk / "pins")}
    outside = Outside(transport=fake.transport, clock=fake.clock)
    return CliRunner().invoke(app, list(words), env=environment, obj=outside)


def told(done: Result) -> Mapping[str, object]:
    """Return the one JSON object on stdout."""
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_of_the_help_works(
    command: str, fake: FakeExchange, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first thing that is typed is the example."""
    monkeypatch.chdir(desk)
    words = shlex.split(EXAMPLES[command])[1:]

    done = typed(fake, desk, *words)
    again = typed(fake, desk, *words, "--json")

    assert (0, 0) == (done.exit_code, again.exit_code), done.output + again.output
    assert told(again)


def test_a_decision_is_told_whole(
    fake: FakeExchange, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is logged must be enough to find the decision again."""
    monkeypatch.chdir(desk)

    lines = typed(fake, desk, "policy", "decide", "policy.toml", "one.receipt").stdout.splitlines()
    value = told(typed(fake, desk, "policy", "decide", "policy.toml", "one.receipt", "--json"))

    policy = load_policy("policy.toml")
    assert "STOP_NEW_CREDIT" == lines[0]
    assert "a person must look at it before it takes effect" == lines[-1].strip()
    receipt = verify("one.receipt", fake.pins).receipt
    assert decide(policy, receipt, {"requested_minor": 500_000}).as_json() == value
    fake.clock.advance(days=181)
    late = typed(fake, desk, "policy", "decide", "policy.toml", "one.receipt")
    assert (0, True) == (late.exit_code, "the answer's use has ended" in late.stderr)


def test_a_faulty_policy_leaves_with_every_line(
    fake: FakeExchange, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check in a pipeline must fail, and say where."""
    monkeypatch.chdir(desk)
    (desk / "bad.toml").write_text(HEAD + rule("r", "sex = { eq = 1 }, x = { eq = 1 }", STOP))

    done = typed(fake, desk, "policy", "check", "bad.toml")
    value = told(typed(fake, desk, "policy", "check", "bad.toml", "--json"))
    used = typed(fake, desk, "policy", "decide", "bad.toml", "one.receipt")

    assert (1, 2) == (done.exit_code, used.exit_code)
    expected = ["bad.toml:6: policy.forbidden_input", "bad.toml:6: policy.unknown_field"]
    assert expected == [": ".join(one.split(": ")[:2]) for one in done.stdout.splitlines()]
    faults = value["faults"]
    assert isinstance(faults, list)
    assert [6, 6] == [one["line"] for one in faults]
    assert "usage.policy: 2 faults: bad.toml:6: " in used.stderr


@pytest.mark.parametrize("content", ["[]", '{"requested_minor": null}', '{"a": 1}', "{", ""])
def test_own_inputs_that_do_not_fit_decide_nothing(
    content: str, fake: FakeExchange, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number that is not there must not be taken for a small one."""
    monkeypatch.chdir(desk)
    (desk / "in.json").write_text(content)

    words = ("policy", "decide", "policy.toml", "one.receipt", "--inputs", "in.json")
    done = typed(fake, desk, *words)

    assert (2, True) == (done.exit_code, "own inputs" in done.stderr), done.output


def test_a_replay_shows_what_would_change(
    fake: FakeExchange, lender: Exchange, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new policy is approved by what it would have done, not by how it reads."""
    monkeypatch.chdir(desk)
    looked(fake, lender, "clean", desk / "two.receipt")
    looked(fake, lender, "no_data", desk / "three.receipt")
    words = ("policy", "test", "policy.toml", "one.receipt", "two.receipt", "three.receipt")

    done = typed(fake, desk, *words, "--old", "before.toml").stdout
    value = told(typed(fake, desk, *words, "--old", "before.toml", "--json"))

    query_id = verify("one.receipt", fake.pins).receipt.claims.jti
    assert [line.split() for line in done.splitlines()[:-1]] == [
        ["old", "new", "looks"],
        ["PROCEED", "PROCEED", "1"],
        ["REVIEW", "REVIEW", "1"],
        ["REVIEW", "STOP_NEW_CREDIT", "1"],
        ["1", "of", "3", "would", "be", "decided", "otherwise"],
    ]
    assert done.splitlines()[-1].startswith(f"{query_id}  REVIEW x1 -> STOP_NEW_CREDIT x0  by over")
    changed = value["changed"]
    assert isinstance(changed, list)
    assert [query_id] == [one["query_id"] for one in changed]


def test_a_replay_gives_each_policy_what_it_declares(
    fake: FakeExchange, lender: Exchange, tmp_path: Path
) -> None:
    """The old policy did not know an input that the new one asks for."""
    receipt = verify(looked(fake, lender, "clean", tmp_path / "r"), fake.pins).receipt
    old = policy_of(tmp_path)
    head = HEAD + 'own_inputs = { x = "integer" }\n'
    new = policy_of(tmp_path, rule("r", "x = { gte = 5 }", STOP), head=head)

    done = replay(old, new, [Case(receipt=receipt, own_inputs={"x": 5, "more": "y"})])

    assert {(Action.PROCEED, Action.STOP_NEW_CREDIT): 1} == dict(done.counts)
    with pytest.raises(Exception, match="own inputs x are not known"):
        replay(old, new, [Case(receipt=receipt)])


def test_the_gate_refuses_by_its_code(
    fake: FakeExchange, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A payout program reads the exit code and the code of the refusal."""
    monkeypatch.chdir(desk)

    done = typed(fake, desk, "policy", "gate", "one.receipt", "--application", "app-2", "--json")

    assert (1, "gate.application") == (done.exit_code, told(done)["error"])


def test_the_notice_comes_in_the_language_of_its_frame(
    fake: FakeExchange, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A borrower is told in a language that they read."""
    monkeypatch.chdir(desk)
    words = shlex.split(EXAMPLES["explain"].replace("notice.json", "告知.json"))[1:]

    done = typed(fake, desk, *words)

    assert "本决定由Lender X独立作出" in done.stdout


def test_the_application_goes_from_the_question_to_the_gate(
    fake: FakeExchange, lender: Exchange, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever names the application as it asks can show it as it pays out."""
    monkeypatch.chdir(desk)
    borrower = fake.persona("clean").identifiers[0]
    grant = fake.grant(lender, borrower, "credit_application")
    (desk / "subject.txt").write_text(f"ric CN {borrower.number}\n")
    asked = ("--purpose", "credit_application", "--grant", grant, "--id-file", "subject.txt")

    done = [
        typed(fake, desk, "query", *asked, "--application", "app-9", "--receipt", "new.receipt"),
        typed(fake, desk, "receipt", "fetch", "new.receipt"),
        typed(fake, desk, "policy", "gate", "new.receipt", "--application", "app-9"),
    ]

    assert [0, 0, 0] == [one.exit_code for one in done], done[-1].output
    assert done[-1].stdout.startswith("cleared      app-9, by qry_")


def test_from_the_question_to_the_notice(
    fake: FakeExchange, lender: Exchange, tmp_path: Path
) -> None:
    """The whole way of two applications: ask, decide, pay out, or tell the borrower why not."""
    policy = policy_of(tmp_path, head=sample())
    gate, inputs = Gate.of(lender.desk), {"requested_minor": 100_000}
    late, clean = (fake.persona(name).identifiers[0] for name in ("three_lenders", "clean"))
    answers = [
        lender.query(
            borrower,
            purpose="credit_application",
            grant=fake.grant(lender, borrower, "credit_application"),
            application_ref=application,
        )
        for borrower, application in ((late, "app-1"), (clean, "app-2"))
    ]

    refused, accepted = (decide(policy, answer, inputs) for answer in answers)
    cleared = gate.require(lender.receipt_proof(answers[1].receipt), "app-2")
    lender.disburse(
        Disbursement(
            identifier=clean,
            account_ref="acc-1",
            paid_at=fake.clock(),
            query_id=cleared.query_id,
        )
    )
    frame = next(one for one in frames() if b"adverse_credit_application" in one)
    template = registered(frame, lender.notices())
    sender = Sender(name="Lender X", contact="desk@lender.example")
    notice = write_notice(refused, answers[0].receipt, template, sender)

    assert (Action.STOP_NEW_CREDIT, Action.PROCEED) == (refused.decision, accepted.decision)
    assert refused == decide(policy, lender.answer(notice.query_id), inputs)
    [paid] = [one for one in fake.world.log.payloads("audit") if "disbursement" in one]
    assert answers[1].query_id == paid["query"]
