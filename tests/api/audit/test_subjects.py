"""Opening a person: one asks, another releases, and the person will see both."""

from __future__ import annotations

import base64
from hashlib import sha512

import pytest
from werkzeug.test import TestResponse

from exchange.domain.members import Role
from tests.support.regulator import Regulator, look

TOKEN = sha512(b"a synthetic person").digest()
OPENING = "opn_0192f3a4b5c67d8e9fa0b1c2d3e4f506"
CASE = "2026-417"


def ask(regulator: Regulator, **changes: object) -> TestResponse:
    """Ask to open a person."""
    token = base64.urlsafe_b64encode(TOKEN).rstrip(b"=").decode()
    body = {"opening_id": OPENING, "epoch": "ep_1", "tokens": [token], "case": CASE, **changes}
    return regulator.send("POST", "/audit/v1/subjects", body)


def release(regulator: Regulator, *, case: str = CASE, first: bool = False) -> TestResponse:
    """Release it, as the second person unless said."""
    key = regulator.first if first else regulator.second
    path = f"/audit/v1/subjects/{OPENING}/release"
    return regulator.send("POST", path, {"case": case}, key=key)


def pseudonym(regulator: Regulator) -> str:
    """Return the name the person has in the log."""
    keyring = regulator.sandbox.ports.keyring
    return keyring.pseudonym(keyring.index("ep_1", TOKEN))


def test_a_person_is_searched_by_only_after_two_people_said_so(regulator: Regulator) -> None:
    """No single official looks up a neighbour."""
    subject = pseudonym(regulator)
    regulator.looks(look(subject), look())
    path = f"/audit/v1/entries?kind=query&subject={subject}"
    before = regulator.send("GET", path)
    asked = ask(regulator)
    between = regulator.send("GET", path)
    released = release(regulator)

    found = regulator.get(f"entries?kind=query&subject={subject}")

    assert (403, 403) == (before.status_code, between.status_code)
    assert "audit.subject_closed" == between.json["code"]  # type: ignore[index]  # an object
    assert "subjects" not in asked.json  # type: ignore[operator]  # an object
    assert [subject] == released.json["subjects"]  # type: ignore[index]  # an object
    assert 1 == found["total"]


def test_whoever_asked_cannot_release(regulator: Regulator) -> None:
    """Two people means two keys."""
    ask(regulator)

    response = release(regulator, first=True)

    assert (403, "audit.second_person") == (response.status_code, response.json["code"])  # type: ignore[index]  # an object


def test_the_second_person_names_the_case(regulator: Regulator) -> None:
    """A release is given for a case, and not for an id that somebody sent around."""
    ask(regulator)

    response = release(regulator, case="another")

    assert 422 == response.status_code


def test_asking_and_releasing_and_each_search_are_leaves_about_the_person(
    regulator: Regulator,
) -> None:
    """Whoever was opened can see later that they were, by whom and in which case."""
    subject = pseudonym(regulator)
    ask(regulator)
    release(regulator)
    regulator.get(f"entries?subject={subject}")
    regulator.sandbox.sequence()

    found = regulator.get(f"entries?kind=regulator_access&subject={subject}")

    rows = found["entries"]
    assert isinstance(rows, list)
    assert [1, 2, 3] == [row["entity"][0]["sequence"] for row in rows]
    assert [CASE, CASE, None] == [row["detail"]["audit"].get("case") for row in rows]


def test_the_same_question_again_is_the_same_opening(regulator: Regulator) -> None:
    """A retry neither asks twice nor logs twice."""
    first = ask(regulator)

    again = ask(regulator)

    assert first.json == again.json
    assert "true" == again.headers["Cx-Replayed"]
    assert 409 == ask(regulator, case="another").status_code
    release(regulator)
    assert "true" == release(regulator).headers["Cx-Replayed"]


def test_another_authoritys_opening_looks_absent(regulator: Regulator) -> None:
    """Authorities do not learn of each other's cases."""
    other = regulator.sandbox.enrol("other-authority", Role.REGULATOR)
    ask(regulator)

    path = f"/audit/v1/subjects/{OPENING}/release"
    response = regulator.send("POST", path, {"case": CASE}, key=other)

    assert 404 == response.status_code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/audit/v1/entries"),
        ("GET", "/audit/v1/export?from_index=0&to_index=1"),
        ("GET", "/audit/v1/log"),
    ],
)
def test_a66_a_member_key_opens_nothing_here_and_a_regulators_nothing_there(
    regulator: Regulator, method: str, path: str
) -> None:
    """A lender cannot read the log, and an authority cannot ask about borrowers."""
    there = regulator.send(method, path, key=regulator.lender)
    here = regulator.send("POST", "/v1/queries", {})

    assert (403, "auth.role") == (there.status_code, there.json["code"])  # type: ignore[index]  # an object
    assert (403, "auth.role") == (here.status_code, here.json["code"])  # type: ignore[index]  # an object
