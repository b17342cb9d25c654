"""A lender's software foresees the exchange's decision: by its very rules, before it asks."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypedDict

import pytest
from stdnum.cn import ric

from exchange_client import KeyFile
from exchange_client._consent.decision import Reason, Request, decide
from exchange_client._consent.grants import GrantState, HeldGrant
from exchange_client._consent.profiles import load_profile
from exchange_client._consent.purposes import Act, Detail, Purpose
from exchange_client.core.encoding import JSON
from exchange_client.errors import Refused, UsageError
from exchange_client.grants import Grant, build, evidence_of, evidence_of_file, renewal
from exchange_client.grants.permissions import REASONS, Look, check_grant, foresee, profile_of
from exchange_client.identifiers import Identifier
from exchange_client.testing import FakeExchange
from tests.support.borrowers import borrower

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests/vectors/decisions_v1.json").read_text(encoding="utf-8"))
UNUSED: dict[str, JSON] = {"state": "ACTIVE", "uses": 0, "window_start": 0, "window_uses": 0}
APPLICATION = Look(purpose="credit_application")


class Case(TypedDict):
    """One case of the vectors."""

    name: str
    request: dict[str, object]
    grant: dict[str, object] | None
    reason: str


@pytest.fixture
def fake() -> FakeExchange:
    """An exchange in memory."""
    return FakeExchange()


def made(fake: FakeExchange, purpose: str = "credit_application", **changes: object) -> Grant:
    """Make a synthetic borrower's grant, or what the changes make of it."""
    grant = fake.consent("lender-a", borrower(1), purpose)
    if not changes:
        return grant
    terms = {**renewal(grant, _agreed(grant)), **changes}
    terms.pop("supersedes", None)
    return build(borrower(1), terms, key=fake.key("lender-a"), pins=fake.pins, now=fake.clock())


def _agreed(grant: Grant) -> dict[str, object]:
    claims = grant.claims
    evidence = evidence_of(b"another form", media="application/pdf", member="lender-a")
    return {"notice": claims["notice"], "collection": claims["collection"], "evidence": evidence}


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_the_package_decides_as_the_exchange_does(case: Case) -> None:
    """The same vectors hold on both sides, so nothing is refused that a lender could not know."""
    asked = {**VECTORS["request"], **case["request"]}
    request = Request(
        **{
            **asked,
            "purpose": Purpose(asked["purpose"]),
            "act": Act(asked["act"]),
            "parties": frozenset(asked["parties"]),
            "detail": Detail(asked["detail"]),
        }
    )
    held = None
    if case["grant"] is not None:
        both = {**VECTORS["grant"], **case["grant"]}
        typed = {"state": GrantState(both["state"]), "detail": Detail(both["detail"])}
        held = HeldGrant(**{**both, **typed, "fields": frozenset(both["fields"])})

    decision = decide(request, held, load_profile(VECTORS["profile"]), VECTORS["now"])

    assert case["reason"] == decision.reason


def test_the_package_carries_the_rules_byte_for_byte(tmp_path: Path) -> None:
    """What a lender installs is the law that the exchange applies, and no copy that went stale."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT / "clients/python",
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    source = ROOT / "consent"

    with zipfile.ZipFile(wheel) as package:
        names = [name for name in package.namelist() if "/_consent/" in name]
        carried = {name.split("/_consent/")[1]: package.read(name) for name in names}

    kept = {
        str(path.relative_to(source)): path.read_bytes()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert kept == carried


def test_a_look_is_foreseen_as_it_is_decided(fake: FakeExchange) -> None:
    """A lender sees each refusal of a grant's life before it asks."""
    lender, grant = fake.member("lender-a"), made(fake)
    seen = [foresee(APPLICATION, grant, None, fake.pins, now=fake.clock()).reason]
    lender.register_grant(grant, borrower(1))

    def ask(purpose: str = "credit_application") -> tuple[str, str]:
        standing = lender.grant(grant.grant_id)
        look = Look(purpose=purpose)
        foreseen = foresee(look, grant, standing, fake.pins, now=fake.clock()).reason
        answer = lender.query(borrower(1), purpose=purpose, grant=grant.grant_id)
        return foreseen, answer.reason

    told = [ask("guarantor_check")]
    lender.pause_grant(grant.grant_id)
    told.append(ask())
    lender.resume_grant(grant.grant_id)
    told += [ask(), ask()]

    assert ["grant.unusable"] == seen
    assert ["grant.purpose", "grant.paused", "permitted", "grant.used_up"] == [a for a, _ in told]
    assert all(foreseen == decided for foreseen, decided in told)


def test_a_foreseen_answer_says_how_deep_it_goes(fake: FakeExchange) -> None:
    """Detail that will be cut is known before the borrower is asked for it."""
    grant = made(fake)

    found = foresee(
        Look(purpose="credit_application", detail="flag"), grant, UNUSED, fake.pins, now=None
    )

    assert (True, "permitted", "cn@1", "flag") == (
        found.permitted,
        found.reason,
        found.policy,
        found.detail,
    )
    assert frozenset({"dispute", "freshest_month"}) == found.fields
    assert (24, ()) == (found.lookback_months, found.limits)


def test_monitoring_needs_an_account_of_ones_own(fake: FakeExchange) -> None:
    """A lender that has no account with the borrower knows that it need not ask."""
    grant = made(fake, "account_review")

    found = [
        foresee(Look(purpose="account_review", own_account=own), grant, UNUSED, fake.pins).reason
        for own in (False, True)
    ]

    assert ["account.none", "permitted"] == found


@pytest.mark.parametrize(
    ("look", "standing"),
    [
        (Look(purpose="marketing"), None),
        (Look(purpose="credit_application", detail="all"), None),
        (APPLICATION, {"state": "ACTIVE"}),
        (APPLICATION, {"state": "?", "uses": 0, "window_start": 0, "window_uses": 0}),
        (APPLICATION, {"state": "ACTIVE", "uses": "0", "window_start": 0, "window_uses": 0}),
    ],
)
def test_what_cannot_be_foreseen_is_said(
    fake: FakeExchange, look: Look, standing: dict[str, str | int] | None
) -> None:
    """A misspelt purpose is no permission."""
    with pytest.raises(UsageError):
        foresee(look, made(fake), standing and dict(standing), fake.pins)


def test_a_grant_that_will_be_refused_is_refused_at_home(fake: FakeExchange) -> None:
    """A lender mends its terms while the borrower is still at the counter."""
    check_grant(made(fake), fake.pins, now=fake.clock())
    long = made(fake, days=31)

    with pytest.raises(UsageError, match=r"grant\.policy: exp"):
        check_grant(long, fake.pins, now=fake.clock())
    with pytest.raises(UsageError, match=r"grant\.cross_field: iat"):
        check_grant(made(fake), fake.pins, now=fake.clock() - 61)
    with pytest.raises(Refused, match=r"grant\.policy"):
        fake.member("lender-a").register_grant(long, borrower(1))


@pytest.mark.parametrize(("days", "refused"), [(0, False), (1, True)])
def test_a58_a_grant_that_was_signed_before_its_subjects_birth_is_refused(
    fake: FakeExchange, days: int, refused: bool
) -> None:
    """Whoever signs for people who do not exist yet signs for nobody."""
    born = datetime.fromtimestamp(fake.clock(), UTC).date() + timedelta(days)
    number = f"990001{born:%Y%m%d}017"
    number += ric.calc_check_digit(f"{number}0")
    newborn = Identifier.parse("ric", "CN", number, date(2199, 12, 31))
    grant = fake.consent("lender-a", newborn, "credit_application")

    if not refused:
        grant.check_subject(newborn)
        return
    with pytest.raises(UsageError, match="before its subject was born"):
        fake.member("lender-a").register_grant(grant, newborn)


def test_a_renewal_keeps_the_terms_and_takes_new_agreement(fake: FakeExchange) -> None:
    """A borrower who agrees again agrees to the same, unless it is said."""
    lender, older = fake.member("lender-a"), made(fake, "account_review")
    lender.register_grant(older, borrower(1))
    terms = renewal(older, _agreed(older))
    newer = build(borrower(1), terms, key=fake.key("lender-a"), pins=fake.pins, now=fake.clock())

    state = lender.register_grant(newer, borrower(1))

    assert (older.grant_id, "ACTIVE") == (state["chain_id"], state["state"])
    assert "SUPERSEDED" == lender.grant(older.grant_id)["state"]
    kept = ("purpose", "data", "use", "retention", "jurisdiction", "withdrawal")
    assert [older.claims[name] for name in kept] == [newer.claims[name] for name in kept]
    with pytest.raises(UsageError, match="evidence"):
        renewal(older, {"notice": {}, "collection": {}})


def test_evidence_is_hashed_as_it_lies_there(tmp_path: Path) -> None:
    """A recording of any length is named by its hash, and never read into memory whole."""
    path = tmp_path / "form.pdf"
    path.write_bytes(b"synthetic form" * 100_000)

    described = evidence_of_file(path, media="application/pdf", member="lender-a")

    content = path.read_bytes()
    assert evidence_of(content, media="application/pdf", member="lender-a") == described


def test_the_reasons_are_the_exchanges_in_their_order(fake: FakeExchange) -> None:
    """A lender's screens can name every reason there is."""
    assert tuple(reason.value for reason in Reason) == REASONS
    assert "cn@1" == profile_of(fake.pins).ref
    assert isinstance(fake.key("lender-a"), KeyFile)
