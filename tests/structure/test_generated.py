"""What is generated from the code is what the code says now."""

from __future__ import annotations

import re

from exchange.domain.rows import CATALOGUE
from exchange.errors import InvalidRecord
from exchange.settings import Settings
from tests.structure.generated import (
    ERRORS,
    OPENAPI,
    ROOT,
    ROW_CODES,
    SDK_CODES,
    SETTINGS,
    application,
    error_classes,
    errors_page,
    openapi,
    row_codes_page,
    sdk_codes,
    settings_page,
    tracked,
)

# Routes that need no signature, each with the reason why anyone may call it.
OPEN_ROUTES = {
    "/.well-known/cx-exchange": "what a member pins before it can sign",
    "/log/<path:place>": "tiles open nothing; who may fetch is said by a random path",
    "/healthz": "says only that the process lives",
    "/readyz": "answers the operator's addresses only",
    "/metrics": "answers the operator's addresses only",
    "/openapi.json": "answers the operator's addresses only",
}
# People have no keys of members: these rooms guard their own pages, by sessions and passkeys.
PAGES = ("/borrower", "/console", "/assets/")
# One of them is of the type that a route takes; the other is refused for its type.
TYPES = ("application/json", "application/x-ndjson", "application/octet-stream")
# A code, behind the field that it is raised on where both stand together.
RAISED = re.compile(r"""(?:"(\w+)", )?["']((?:row|plaus)\.[a-z_0-9]+|batch\.line)["']""")
UNITS = (
    "_bytes_",
    "_rows_",
    "_seconds",
    "_days",
    "_ms",
    "_max",
    "_percent_",
    "_per_",
    "_min",
    "workers",
    "threads",
)


def test_every_route_is_signed_but_the_named_ones() -> None:
    """A route that someone forgot to guard shows borrowers to strangers."""
    app = application()
    client = app.test_client()
    answered = {}

    for rule in app.url_map.iter_rules():
        if rule.rule not in OPEN_ROUTES and not rule.rule.startswith(PAGES):
            path = rule.rule.replace("<", "").replace(">", "")
            method = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})[0]
            types = TYPES if method in {"POST", "PUT"} else (None,)
            answered[rule.rule] = {
                client.open(
                    path, method=method, data="{}" if one else None, content_type=one
                ).status_code
                for one in types
            }

    assert answered
    assert {} == {rule: found for rule, found in answered.items() if not found <= {401, 415}}
    assert {} == {rule: found for rule, found in answered.items() if 401 not in found}


def test_no_page_opens_on_another_host_and_none_tells_without_a_session() -> None:
    """A page that someone forgot to guard shows borrowers to whoever guesses its address."""
    app = application()
    client = app.test_client()
    pages = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(PAGES[:2])]

    elsewhere, here = (
        {
            (rule.rule, method): client.open(
                rule.rule.replace("<", "").replace(">", ""), method=method, base_url=base
            ).status_code
            for rule in pages
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
        for base in ("http://exchange.example", "http://localhost:8420")
    )

    assert {404} == set(elsewhere.values())
    doors = ("/borrower", "/borrower/request", "/console", "/console/seat")
    assert {(door, "GET") for door in doors} == {
        page for page, status in here.items() if status != 403
    }


def test_the_list_of_open_routes_names_no_route_that_is_gone() -> None:
    """A stale exception waits for the next route of its name."""
    rules = {rule.rule for rule in application().url_map.iter_rules()}

    assert set() == OPEN_ROUTES.keys() - rules


def test_every_error_has_a_code_of_its_own_and_a_title() -> None:
    """A program tells errors apart by their codes, a person by their titles."""
    classes = list(error_classes())

    assert len(classes) == len({one.code for one in classes})
    assert [] == [one for one in classes if not one.__doc__ or "\n\n" in one.__doc__.strip()[:1]]


def test_the_catalogue_of_errors_is_complete() -> None:
    """Whoever meets a code must find its page."""
    assert errors_page() == ERRORS.read_text(encoding="utf-8")


def test_the_catalogue_of_row_codes_is_on_its_page_and_in_the_sdk() -> None:
    """A fault must read the same on the page, in the answer and at the lender's desk."""
    assert row_codes_page() == ROW_CODES.read_text(encoding="utf-8")
    assert sdk_codes() == SDK_CODES.read_text(encoding="utf-8")


def test_every_row_code_that_is_raised_is_listed_and_no_other() -> None:
    """A code without a page leaves a lender guessing; a page without a code helps nobody."""
    listed = {one.code for one in CATALOGUE}
    raised = {
        (code, field)
        for path in tracked()
        if path.is_relative_to(ROOT / "exchange") or path.is_relative_to(ROOT / "consent")
        if path.name != "catalogue.py"
        for field, code in RAISED.findall(path.read_text())
    }
    offline = {
        code
        for path in tracked()
        if path.is_relative_to(SDK_CODES.parent)
        for _, code in RAISED.findall(path.read_text())
    }

    assert listed == {code for code, _ in raised} - {InvalidRecord.code}
    assert offline <= listed
    fields = {one.code: {*one.fields, ""} for one in CATALOGUE}
    assert [] == [
        (code, field)
        for code, field in raised
        if code in fields and "*" not in fields[code] and field not in fields[code]
    ]
    assert [] == [one.code for one in CATALOGUE if not (one.fields and all(one[2:]))]


def test_the_settings_example_is_complete() -> None:
    """An operator cannot set what is not documented."""
    assert settings_page() == SETTINGS.read_text(encoding="utf-8")


def test_every_setting_is_described_and_every_number_has_its_unit_in_its_name() -> None:
    """Whether a limit is in seconds or milliseconds must not be looked up."""
    fields = Settings.model_fields.items()

    assert [] == [name for name, field in fields if not field.description]
    numbers = [name for name, field in fields if field.annotation is int]
    assert [] == [name for name in numbers if not any(unit in name for unit in UNITS)]


def test_the_api_is_the_one_that_was_published() -> None:
    """A change that breaks clients must be seen in review: run `make generated` and read it."""
    assert openapi() == OPENAPI.read_text(encoding="utf-8")
