"""An embargo: two people name its end, within its bound; it stands in every leaf that it hides."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from exchange.errors import InvalidField
from exchange.services.audit.open_subject import Release, release_subject
from tests.api.audit.test_subjects import CASE, ask, pseudonym, release
from tests.support import embargoes
from tests.support.access_log import run_sql
from tests.support.regulator import Regulator, look, open_regulator

DAY_SECONDS = 86_400
MAX_SECONDS = 90 * DAY_SECONDS  # embargo_days_max, by default


def test_an_embargo_lies_ahead_and_within_its_bound(regulator: Regulator) -> None:
    """A person would be kept from knowing for ever; or an entry of the past be taken back."""
    sandbox, now = regulator.sandbox, regulator.sandbox.ports.now()
    for until in (now - 1, now, now + MAX_SECONDS + 1):
        with pytest.raises(InvalidField, match="must lie ahead"):
            embargoes.ask(sandbox, until, now)

    taken = [
        embargoes.ask(sandbox, until, now).opening.embargo_until
        for until in (now + 1, now + MAX_SECONDS)
    ]

    assert [now + 1, now + MAX_SECONDS] == taken
    counted = "SELECT count(*) FROM log_search WHERE kind = 'regulator_access'"
    assert [(2,)] == run_sql(sandbox.settings.libpq_url, counted)  # What was refused left none.


def test_where_the_bound_is_nothing_there_is_no_embargo(database_url: str, tmp_path: Path) -> None:
    """A consortium whose law knows no such delay must be able to say so."""
    with open_regulator(database_url, tmp_path, embargo_days_max=0) as regulator:
        now = regulator.sandbox.ports.now()
        response = ask(regulator, embargo_until=now + 1)

        assert (422, "request.field") == (response.status_code, response.json["code"])  # type: ignore[index]  # JSON, or the test fails
        assert 200 == ask(regulator).status_code


@pytest.mark.parametrize("until", [True, "2026-12-01", 0, -1, 1.5, 2**60, None])
def test_an_end_is_a_time_and_nothing_else(regulator: Regulator, until: object) -> None:
    """What is read as no embargo tips a suspect off."""
    response = ask(regulator, embargo_until=until)

    assert 422 == response.status_code or 400 == response.status_code


def test_the_second_person_names_the_same_end(regulator: Regulator) -> None:
    """One official alone would decide how long somebody is kept from knowing."""
    sandbox, now = regulator.sandbox, regulator.sandbox.ports.now()
    until = now + DAY_SECONDS
    asked = embargoes.ask(sandbox, until, now).opening
    second, ports = embargoes.asker("k2"), embargoes.audit_ports(sandbox, now)
    for other in (None, until - 1, until + 1):
        said = Release(case=embargoes.CASE, embargo_until=other)
        with pytest.raises(InvalidField, match="must be the end"):
            release_subject(asked.opening_id, said, second, ports)

    said = Release(case=embargoes.CASE, embargo_until=until)
    released = release_subject(asked.opening_id, said, second, ports)

    assert until == released.opening.embargo_until
    plain = embargoes.ask(sandbox, None, now).opening
    with pytest.raises(InvalidField):  # Nor is one added where none was asked for.
        release_subject(plain.opening_id, said, second, ports)


def test_the_same_id_with_another_end_is_another_question(regulator: Regulator) -> None:
    """An end would be moved by asking again."""
    until = regulator.sandbox.ports.now() + DAY_SECONDS
    first = ask(regulator, embargo_until=until)

    again, other = ask(regulator, embargo_until=until), ask(regulator, embargo_until=until + 1)

    assert first.json == again.json
    assert (200, 409, 409) == (again.status_code, other.status_code, ask(regulator).status_code)


def test_a_lender_sets_none(regulator: Regulator) -> None:
    """A lender would hide its own looks from its borrowers."""
    until = regulator.sandbox.ports.now() + DAY_SECONDS

    response = regulator.send(
        "POST", "/audit/v1/subjects", {"embargo_until": until}, key=regulator.lender
    )

    assert (403, "auth.role") == (response.status_code, response.json["code"])  # type: ignore[index]  # JSON, or the test fails


def test_each_leaf_about_the_person_holds_the_end_and_a_search_does_while_it_stands(
    regulator: Regulator,
) -> None:
    """The search after the release would tell what the release was not to tell."""
    subject, now = pseudonym(regulator), regulator.sandbox.ports.now()
    until = now + DAY_SECONDS
    regulator.looks(look(subject))
    ask(regulator, embargo_until=until)
    path = f"/audit/v1/subjects/{ask(regulator, embargo_until=until).json['opening_id']}/release"  # type: ignore[index]  # JSON, or the test fails
    told = regulator.send(
        "POST", path, {"case": CASE, "embargo_until": until}, key=regulator.second
    )
    regulator.get(f"entries?subject={subject}")
    regulator.sandbox.sequence()

    found = regulator.get(f"entries?kind=regulator_access&subject={subject}")

    assert until == told.json["embargo_until"]  # type: ignore[index]  # JSON, or the test fails
    rows = cast("list[dict[str, dict[str, dict[str, object]]]]", found["entries"])
    assert 3 * [until] == [row["detail"]["audit"]["embargo_until"] for row in rows]


def test_an_ended_embargo_is_in_no_later_leaf(regulator: Regulator) -> None:
    """A delay would grow by itself with each search."""
    ask(regulator)
    release(regulator)
    subject = pseudonym(regulator)
    regulator.sandbox.sequence()
    url_until = regulator.sandbox.ports.now() - 1
    with regulator.sandbox.database.begin() as work:
        work.connection.execute("UPDATE subject_opening SET embargo_until = %s", (url_until,))
        work.commit()
    regulator.get(f"entries?subject={subject}")
    regulator.sandbox.sequence()

    found = regulator.get(f"entries?kind=regulator_access&subject={subject}")

    rows = cast("list[dict[str, dict[str, dict[str, object]]]]", found["entries"])
    assert 3 * [None] == [row["detail"]["audit"].get("embargo_until") for row in rows]
