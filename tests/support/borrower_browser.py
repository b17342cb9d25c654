"""A borrower at the hosted pages, over plain HTTP: reads pages, fills forms, keeps cookies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

from werkzeug.test import Client, TestResponse

from exchange.domain.base64url import b64url
from tests.support.authenticator import PAGES, Authenticator
from tests.support.grant_desk import GrantDesk, shown, token
from tests.support.sandbox import Sandbox

SIGNED_BY_BORROWER: dict[str, object] = {
    "evidence": {"level": 2, "type": "borrower_passkey"},
    "collection/act": "passkey",
}
AGENT = "Mozilla/5.0 (a test)"


@dataclass(slots=True)
class Form:
    """One form of a page."""

    action: str
    told: dict[str, str]  # its data-… attributes
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What a test reads of a page."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        self.status = response.status_code
        self.text = response.text
        self.language = ""
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, their fields, links and the language."""
        told = {name: value or "" for name, value in attrs}
        self.tags.append((tag, told))
        if tag == "html":
            self.language = told.get("lang", "")
        elif tag == "a":
            self.links.append(told["href"])
        elif tag == "form":
            data = {name[5:]: value for name, value in told.items() if name.startswith("data-")}
            self.forms.append(Form(told["action"], data))
        elif tag in {"input", "button"} and "name" in told and self.forms:
            self.forms[-1].fields[told["name"]] = told.get("value", "")

    def form(self, action: str) -> Form:
        """Return the form that goes to this path."""
        return next(form for form in self.forms if form.action == action)


@dataclass(slots=True, kw_only=True)
class Browser:
    """A person's browser with its cookies."""

    sandbox: Sandbox
    agent: str = AGENT
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.sandbox.app.test_client()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> TestResponse:
        """Open a page."""
        return self.client.get(path, base_url=PAGES, headers=self._headers(headers))

    def page(self, path: str) -> Page:
        """Open a page, going on where it sends the browser."""
        response = self.get(path)
        while response.status_code == 303:
            response = self.get(response.headers["Location"])
        return Page(response)

    def send(
        self,
        form: Form,
        values: Mapping[str, str] | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> TestResponse:
        """Send a form; headers of None are left out."""
        told = {"Origin": PAGES, "Sec-Fetch-Site": "same-origin", **(headers or {})}
        kept = {name: value for name, value in told.items() if value is not None}
        return self.client.post(
            form.action,
            base_url=PAGES,
            data={**form.fields, **(values or {})},
            headers=self._headers(kept),
        )

    def open(self, link: str) -> TestResponse:
        """Follow a one-time link, as its script does, up to the request's page."""
        parts = urlsplit(link)
        page = Page(self.get(parts.path))
        sent = self.send(page.form("/borrower/request"), {"code": parts.fragment})
        return self.get(sent.headers["Location"]) if sent.status_code == 303 else sent

    def agree(self, page: Page, device: Authenticator, *, new: bool = True) -> TestResponse:
        """Sign a request's page with this device, making its key first or not."""
        form = page.form("/borrower/request/accept")
        values = {"creation": device.create(form.told["creation"])} if new else {}
        return self.send(form, {**values, "assertion": device.sign(form.told["challenge"])})

    def sign_in(self, device: Authenticator) -> TestResponse:
        """Sign in with this device."""
        form = Page(self.get("/borrower")).form("/borrower/sign-in")
        return self.send(form, {"assertion": device.sign(form.told["challenge"])})

    def _headers(self, more: Mapping[str, str] | None) -> dict[str, str]:
        return {"User-Agent": self.agent, **(more or {})}


def requested(
    desk: GrantDesk, subject: int = 1, changes: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Let a lender request a grant of the n-th subject; return what it is told."""
    artefact = desk.artefact(changes={**SIGNED_BY_BORROWER, **(changes or {})})
    return shown(request(desk, artefact, subject))


def request(desk: GrantDesk, artefact: str, subject: int = 1) -> TestResponse:
    """Send a grant request."""
    body = {"artefact": artefact, "token": b64url(token(subject)), "epoch": "ep_1"}
    return desk.send("POST", "/v1/grant-requests", body)


def agreed(
    desk: GrantDesk, browser: Browser, device: Authenticator, subject: int = 1, *, new: bool = True
) -> str:
    """Let a borrower agree to a fresh request; return the grant's id."""
    told = requested(desk, subject)
    response = browser.agree(Page(browser.open(str(told["link"]))), device, new=new)
    assert 200 == response.status_code, response.text
    return str(told["grant_id"])
