"""The hostile corpus about artefacts that were not signed as they must be: A56, second half."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange_client.keys import KeyFile
from tests.support.artefacts import sign_artefact
from tests.support.grant_desk import GrantDesk, refusal
from tests.support.sandbox import Sandbox, make_sandbox

YEAR_SECONDS = 365 * 86_400


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members."""
    made = make_sandbox(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def desk(sandbox: Sandbox) -> GrantDesk:
    """The desk of one lender."""
    return GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))


@pytest.fixture
def other(sandbox: Sandbox) -> GrantDesk:
    """The desk of another lender."""
    return GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))


def forged(desk: GrantDesk, how: str) -> str:
    """Return an artefact that was not signed as it must be."""
    stranger, good = KeyFile.generate("member-a"), desk.artefact()
    elsewhere = GrantDesk(sandbox=desk.sandbox, key=stranger)
    head, payload, signature = good.split(".")
    claims = {"iss": "member-a"}
    keyid = desk.key.keyid
    forgeries = {
        "wrong key": elsewhere.artefact(),
        "unknown key": sign_artefact(claims, desk.private, kid="member-a/k9"),
        "another member's key": sign_artefact(claims, desk.private, kid="member-b/k1"),
        "payload edited": f"{head}.{_edited(payload)}.{signature}",
        "signature edited": f"{head}.{payload}.{_edited(signature)}",
        "header edited": f"{_edited(head)}.{payload}.{signature}",
        "another payload": f"{head}.{desk.artefact().split('.')[1]}.{signature}",
        "no signature": f"{head}.{payload}.",
        "padded": f"{good}==",
        "type of a receipt": sign_artefact(
            claims, desk.private, kid=keyid, header={"typ": "cx-receipt+jwt"}
        ),
        "no algorithm": sign_artefact(claims, desk.private, kid=keyid, header={"alg": "none"}),
        "another algorithm": sign_artefact(
            claims, desk.private, kid=keyid, header={"alg": "ES256"}
        ),
        "a fourth header": sign_artefact(claims, desk.private, kid=keyid, header={"crit": ["x"]}),
        "not a JWS": "artefact",
        "too long": desk.artefact(changes={"basis_ref": "x" * 4096}),
        "issued before its key": desk.artefact(now=desk.now - YEAR_SECONDS),
    }
    return forgeries[how]


def _edited(segment: str) -> str:
    """Change one character in the middle."""
    middle = len(segment) // 2
    return segment[:middle] + ("A" if segment[middle] != "A" else "B") + segment[middle + 1 :]


@pytest.mark.parametrize(
    ("how", "codes"),
    [
        ("wrong key", {"grant.signature"}),
        ("unknown key", {"grant.key"}),
        ("another member's key", {"grant.key"}),
        ("payload edited", {"grant.signature", "grant.form", "grant.key"}),
        ("signature edited", {"grant.signature"}),
        ("header edited", {"grant.form"}),
        ("another payload", {"grant.signature"}),
        ("no signature", {"grant.form"}),
        ("padded", {"grant.form"}),
        ("type of a receipt", {"grant.form"}),
        ("no algorithm", {"grant.form"}),
        ("another algorithm", {"grant.key", "grant.signature"}),
        ("a fourth header", {"grant.form"}),
        ("not a JWS", {"grant.form"}),
        ("too long", {"grant.form"}),
        ("issued before its key", {"grant.key"}),
    ],
)
def test_a56_a_forged_or_edited_artefact_registers_nothing(
    desk: GrantDesk, how: str, codes: set[str]
) -> None:
    """Nobody can make a borrower's consent out of nothing, or change one that was given."""
    response = desk.register(forged(desk, how))

    status, code, pointer = refusal(response)
    assert 422 == status
    assert code in codes
    assert pointer.startswith("/artefact")
    assert [(0,)] == desk.sql("SELECT count(*) FROM grant_artefact")
    assert 0 == desk.leaves()


def test_a56_another_member_cannot_register_an_artefact_it_intercepted(
    desk: GrantDesk, other: GrantDesk
) -> None:
    """A stolen artefact is worth nothing to the thief."""
    stolen = desk.artefact()

    assert (422, "grant.key", "/artefact") == refusal(other.register(stolen))
