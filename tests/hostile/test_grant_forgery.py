"""The hostile corpus about artefacts that were not signed as they must be: A56, second half."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from exchange.crypto.signing import sign_jws
from exchange_client.keys import KeyFile
from tests.support.artefacts import GRANT_TYPE, artefact_claims, sign_artefact
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


@pytest.fixture(scope="module")
def misspeller(
    shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GrantDesk]:
    """The desk of a lender none of whose artefacts is taken."""
    made = make_sandbox(shared_database_url, tmp_path_factory.mktemp("misspelt"))
    yield GrantDesk(sandbox=made, key=made.enrol("member-a"))
    made.close()


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


def misspelt(desk: GrantDesk, how: str) -> str:
    """Return an artefact that its member signed, and whose payload can be read in two ways."""
    text = json.dumps(artefact_claims(member=desk.member, exchange="x", now=desk.now))
    found = re.search(r'"iat": (\d+)', text)
    assert found is not None
    iat = found[0]
    spelt = {
        "a member named twice": text.replace(iat, f'{iat}, "iat": 1'),
        "named twice by an escape": text.replace(iat, f'{iat}, "\\u0069at": 1'),
        "a look-alike member": text.replace('"purpose"', '"purp\u043ese"', 1),
        "a look-alike beside it": text.replace(iat, f'{iat}, "\u0456at": 1'),
        "a look-alike value": text.replace("credit_application", "credit_applic\u0430tion", 1),
        "a full-width digit": text.replace('"ver": "1"', '"ver": "\uff11"'),
        "a zero-width joiner": text.replace('"member-a"', '"member-a\u200d"', 1),
        "a bidi control": text.replace('"customer', '"\u202ecustomer', 1),
        "a byte order mark": "\ufeff" + text,
        "a fraction": text.replace(iat, f"{iat}.0"),
        "an exponent": text.replace(iat, '"iat": 1e9'),
        "a boolean": text.replace(iat, '"iat": true'),
        "a text": text.replace(iat, '"iat": "1764000000"'),
        "a number beyond all": text.replace(iat, f"{iat}{'0' * 20}"),
        "minus zero": text.replace(iat, '"iat": -0'),
        "something behind it": text + "{}",
        "a list": f"[{text}]",
    }[how]
    assert spelt != text
    kid, sign = desk.key.keyid, desk.private.sign
    return sign_jws(spelt.encode(), GRANT_TYPE, kid, sign)


@pytest.mark.parametrize(
    "how",
    [
        *("a member named twice", "named twice by an escape", "a look-alike member"),
        *("a look-alike beside it", "a look-alike value", "a full-width digit"),
        *("a zero-width joiner", "a bidi control", "a byte order mark", "a fraction"),
        *("an exponent", "a boolean", "a text", "a number beyond all", "minus zero"),
        *("something behind it", "a list"),
    ],
)
def test_a56_an_artefact_that_can_be_read_in_two_ways_is_read_in_none(
    misspeller: GrantDesk, how: str
) -> None:
    """A borrower shown one consent and an exchange that reads another: nobody may sign that."""
    response = misspeller.register(misspelt(misspeller, how))

    status, code, pointer = refusal(response)
    assert 422 == status
    assert code in {"grant.form", "grant.schema", "grant.key"}
    assert pointer.startswith("/artefact")
    assert [(0,)] == misspeller.sql("SELECT count(*) FROM grant_artefact")
    assert 0 == misspeller.leaves()


def test_a56_an_artefact_of_the_largest_size_is_taken_and_one_byte_more_is_not(
    desk: GrantDesk,
) -> None:
    """The limit is where it is said to be: 4 KiB."""
    short = len(desk.artefact(changes={"withdrawal/uri": "https://a.example/"}))
    sized = {}
    for more in range((4_096 - short) * 3 // 4 - 3, (4_096 - short) * 3 // 4 + 4):
        artefact = desk.artefact(changes={"withdrawal/uri": "https://a.example/" + "x" * more})
        sized[len(artefact)] = artefact
    below = max(size for size in sized if size <= 4_096)
    above = min(size for size in sized if size > 4_096)

    assert (422, "grant.form", "/artefact") == refusal(desk.register(sized[above]))
    assert (below, "grant.form") != (below, refusal(desk.register(sized[below]))[1])


@pytest.mark.parametrize(
    ("ahead", "status"),
    [(0, 200), (60, 200), (61, 422)],
)
def test_a56_an_artefact_from_the_future_is_refused_to_the_second(
    sandbox: Sandbox, desk: GrantDesk, ahead: int, status: int
) -> None:
    """A lender's clock may be a minute off; a consent of tomorrow was not given yet."""
    with time_machine.travel(desk.now, tick=False):
        sandbox.sequence()
        response = desk.register(desk.artefact(changes={"iat": desk.now + ahead}))

    assert status == response.status_code, response.text


def test_a56_another_member_cannot_register_an_artefact_it_intercepted(
    desk: GrantDesk, other: GrantDesk
) -> None:
    """A stolen artefact is worth nothing to the thief."""
    stolen = desk.artefact()

    assert (422, "grant.key", "/artefact") == refusal(other.register(stolen))
