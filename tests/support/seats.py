"""People at the console: seats given, taken with a device, signed in to."""

from __future__ import annotations

import re
from html import unescape

from werkzeug.test import TestResponse

from exchange.domain.base64url import b64url
from exchange.services.seats.manage_seats import enrol_seat
from exchange.services.seats.ports import SeatName
from tests.support.authenticator import Authenticator
from tests.support.borrower_browser import Browser, Page
from tests.support.sandbox import Sandbox

OPERATORS = ("anna", "ben")


def code_for(sandbox: Sandbox, member: str, name: str = "mei") -> str:
    """Give a person a seat; return the code of its link."""
    return b64url(enrol_seat(SeatName(member, name), 1, OPERATORS, sandbox.ports))


def take(browser: Browser, code: str, device: Authenticator) -> TestResponse:
    """Make the passkey of a seat by its link's code."""
    opened = browser.send(Page(browser.get("/console/seat")).form("/console/seat"), {"code": code})
    if opened.status_code != 200:
        return opened
    form = Page(opened).form("/console/seat/key")
    return browser.send(form, {"creation": device.create(form.told["creation"])})


def sign_in(browser: Browser, device: Authenticator) -> TestResponse:
    """Sign in to the console with this device."""
    form = Page(browser.get("/console")).form("/console/sign-in")
    return browser.send(form, {"assertion": device.sign(form.told["challenge"])})


def sit(sandbox: Sandbox, member: str, name: str = "mei") -> Browser:
    """Return the browser of a person of this member who is signed in to the console."""
    browser, device = Browser(sandbox=sandbox), Authenticator()
    assert 303 == take(browser, code_for(sandbox, member, name), device).status_code
    assert 303 == sign_in(browser, device).status_code
    return browser


def seen(browser: Browser, path: str) -> str:
    """Return the text of a page that must open, without its tags."""
    response = browser.get(path)
    assert 200 == response.status_code, response.text
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", response.text).split()))
