"""A real Chromium with its virtual authenticator before a served exchange.

Where no Chromium is installed every test here skips and says so: `chromium` is a package of
Debian, and CHROMIUM names one that stands elsewhere. The same pages are tested over plain HTTP in
tests/console, which needs no browser.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright
from werkzeug.serving import make_server

from tests.support.record_desk import RecordDesk
from tests.support.sandbox import Sandbox, make_sandbox

HERE = Path(__file__).parent
AXE = (HERE / "vendor" / "axe.min.js").read_text()
PATIENCE_MS = 90_000  # on a machine that runs every other test as well
SERIOUS = {"serious", "critical"}


@dataclass(slots=True, kw_only=True)
class Served:
    """An exchange whose pages a browser can open."""

    sandbox: Sandbox
    base: str


@dataclass(slots=True, kw_only=True)
class Person:
    """A borrower before a browser window, with a passkey device."""

    page: Page
    device: CDPSession
    base: str
    authenticator: str  # the device's id
    asked: list[str] = field(default_factory=list)  # every address that the browser asked for
    said: list[str] = field(default_factory=list)  # on its console, refusals of the CSP included

    def strangers(self) -> list[str]:
        """Return the addresses of others that the browser asked."""
        return [url for url in self.asked if not url.startswith(self.base + "/")]

    def faults(self) -> list[str]:
        """Return the serious faults of accessibility of the page that is open."""
        self.page.evaluate(AXE)
        found = self.page.evaluate("async () => (await axe.run()).violations")
        return [
            f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in SERIOUS
        ]


def chromium() -> str:
    """Return the browser's program, or skip loudly."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("NOT TESTED IN A BROWSER: no Chromium here (Debian: apt-get install chromium)")
    return found


@pytest.fixture
def served(database_url: str, tmp_path: Path) -> Iterator[Served]:
    """An exchange with its pages on a port of this machine."""
    chromium()  # Skips before anything is started.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    base = f"http://localhost:{port}"
    sandbox = make_sandbox(database_url, tmp_path, pages_base_url=base)
    server = make_server("127.0.0.1", port, sandbox.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Served(sandbox=sandbox, base=base)
    server.shutdown()
    thread.join()
    server.server_close()
    sandbox.close()


@pytest.fixture
def lender(served: Served) -> RecordDesk:
    """The desk of one lender."""
    return RecordDesk(sandbox=served.sandbox, key=served.sandbox.enrol("member-a"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module.

    No longer: its driver keeps an event loop running in this thread, in which no other test could
    run one of its own.
    """
    program = chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=program,
            # As root it cannot build its sandbox; it opens nothing but our own pages.
            args=["--no-sandbox"] if os.getuid() == 0 else [],
        )
        yield launched
        launched.close()


@pytest.fixture
def person(served: Served, browser: Browser) -> Iterator[Person]:
    """A person with a fresh profile and a device that verifies its user."""
    context = browser.new_context(locale="en-GB", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    added = device.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
            }
        },
    )
    made = Person(
        page=page, device=device, base=served.base, authenticator=added["authenticatorId"]
    )
    page.on("request", lambda request: made.asked.append(request.url))
    page.on("console", lambda message: made.said.append(message.text))
    yield made
    context.close()
