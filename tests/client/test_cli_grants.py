"""`cx grant`: from a file of terms to a grant that is made, foreseen, registered and renewed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from consent.sandbox.notices import SANDBOX_VERSION, sandbox_notice, sandbox_notice_id
from exchange_client.core.encoding import b64url
from exchange_client.grants import Grant
from tests.support.borrowers import borrower
from tests.support.terminal import Terminal, line, open_terminal, read

PURPOSE = "account_review"
TERMS = """
purpose = "account_review"
days = {days}
jurisdiction = "CN"
[subject]
ref = "cust-1"
[notice]
id = "{notice}"
version = "{version}"
lang = "zh-CN"
sha256 = "{sha256}"
shown_at = {shown_at}
separate = true
[collection]
channel = "app"
act = "checkbox+otp"
at = {shown_at}
[retention]
answer_days = 90
evidence_months = 84
[withdrawal]
uri = "https://lender.example/withdraw"
"""


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Iterator[Terminal]:
    """A member at its terminal, with terms, evidence and a borrower's number in files."""
    with open_terminal(database_url, tmp_path) as made:
        write_terms(made)
        made.at("form").write_bytes(b"synthetic form 1")
        made.at("id").write_text(line(1))
        yield made


def write_terms(terminal: Terminal, days: int = 365) -> None:
    """Write the file of terms."""
    text = TERMS.format(
        days=days,
        notice=sandbox_notice_id(PURPOSE),
        version=SANDBOX_VERSION,
        sha256=b64url(sha256(sandbox_notice(PURPOSE, "zh-CN", "CN")).digest()),
        shown_at=int(time.time()) - 60,
    )
    terminal.at("terms").write_text(text)


def paper(terminal: Terminal, out: str) -> tuple[str, ...]:
    """Return the options that name what a grant is made of."""
    named = {"--terms": "terms", "--evidence": "form", "--id-file": "id", "--out": out}
    return tuple(
        part for option, name in named.items() for part in (option, str(terminal.at(name)))
    )


def test_a_grant_is_made_foreseen_and_registered(terminal: Terminal) -> None:
    """A lender without a line of Python carries a consent from its form to its first use."""
    made = terminal.cx("grant", "make", *paper(terminal, "grant"))
    file = str(terminal.at("grant"))
    asking = (file, "--purpose", PURPOSE, "--own-account", "--json")
    before = terminal.cx("grant", "decide", *asking)
    registered = terminal.cx("grant", "register", file, "--id-file", str(terminal.at("id")))

    after = terminal.cx("grant", "decide", *asking)

    assert [0, 1, 0, 0] == [one.exit_code for one in (made, before, registered, after)]
    assert "grant.unusable" == read(before)["reason"]
    assert (True, "permitted", "cn@1") == tuple(
        read(after)[name] for name in ("permitted", "reason", "policy")
    )
    grant = Grant.load(terminal.at("grant"))
    assert grant.grant_id in made.stdout
    assert borrower(1).number not in made.stdout + registered.stdout
    told = read(terminal.cx("grant", "show", grant.grant_id, "--json"))
    assert ("ACTIVE", PURPOSE) == (told["state"], told["purpose"])


def test_a_grant_is_renewed_and_the_older_one_rests_for_good(terminal: Terminal) -> None:
    """A new agreement takes the old one's place with one command."""
    terminal.cx("grant", "make", *paper(terminal, "grant"))
    id_file = ("--id-file", str(terminal.at("id")))
    terminal.cx("grant", "register", str(terminal.at("grant")), *id_file)
    terminal.at("form").write_bytes(b"synthetic form 2")
    renewed = terminal.cx("grant", "renew", str(terminal.at("grant")), *paper(terminal, "newer"))

    done = terminal.cx("grant", "register", str(terminal.at("newer")), *id_file)

    assert [0, 0] == [renewed.exit_code, done.exit_code]
    older = Grant.load(terminal.at("grant")).grant_id
    told = read(terminal.cx("grant", "show", older, "--json"))
    assert "SUPERSEDED" == told["state"]


def test_terms_that_the_exchange_would_refuse_are_refused_at_home(terminal: Terminal) -> None:
    """Nothing is written, let alone sent, that the policy does not take."""
    write_terms(terminal, days=366)

    done = terminal.cx("grant", "make", *paper(terminal, "grant"))

    assert 2 == done.exit_code
    assert "grant.policy: exp" in done.stderr
    assert not terminal.at("grant").exists()


def test_a_borrower_may_rest_a_grant_and_let_it_go_on(terminal: Terminal) -> None:
    """What the borrower wishes is one command at the lender's."""
    grant = terminal.granted(1)

    states = [
        read(terminal.cx("grant", verb, grant, "--json"))["state"] for verb in ("pause", "resume")
    ]

    assert ["PAUSED", "ACTIVE"] == states


def test_reasons_and_notices_are_listed(terminal: Terminal) -> None:
    """A lender finds the words it may show, and those it may be told."""
    reasons = read(terminal.cx("grant", "list-reasons", "--json"))["reasons"]
    notices = read(terminal.cx("grant", "list-notices", "--json"))["notices"]

    assert isinstance(reasons, list)
    assert isinstance(notices, list)
    assert ("purpose.off", "permitted") == (reasons[0], reasons[-1])
    assert sandbox_notice_id(PURPOSE) in {one["id"] for one in notices}
