"""One site of hosted pages: its address, its words, its templates, and how a page is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flask import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from exchange.console.web.assets import Asset
from exchange.console.web.cookies import LANGUAGE
from exchange.console.web.words import LANGUAGES, Words, choose_language
from exchange.errors import AbsentError

# Controls turn a text round, or hide a part of it: nobody's name may do that to a page.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
TEMPLATES = Path(__file__).parent.parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything that pages share."""

    origin: str  # scheme, host and port under which people reach it
    name: str  # of the exchange
    words: dict[str, Words]
    assets: dict[str, Asset]
    report: Callable[[Exception], None]  # a refusal, for the security events
    templates: Environment = field(init=False)

    def __post_init__(self) -> None:
        # A text that is missing fails its page: it never shows as nothing.
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_plain,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals["asset"] = self.address
        object.__setattr__(self, "templates", environment)

    @property
    def host(self) -> str:
        """What the Host header of a request to these pages must say."""
        return self.origin.partition("://")[2]

    def address(self, name: str) -> str:
        """Return the path of one of our files."""
        return f"/assets/{self.assets[name].version}/{name}"

    def check_host(self, request: Request) -> None:
        """Answer on the pages' own host alone: a cookie brought to another one opens nothing.

        Raises:
            AbsentError: the request names another host.
        """
        if request.environ.get("HTTP_HOST") != self.host:
            raise AbsentError

    def language(self, request: Request, wanted: str | None = None) -> Words:
        """Return the words for whoever sent this: what they chose, else what they were shown."""
        chosen = request.args.get("lang") or request.cookies.get(LANGUAGE)
        return self.words[
            choose_language(
                chosen if chosen in LANGUAGES else wanted,
                request.headers.get("Accept-Language", ""),
            )
        ]

    def page(self, template: str, words: Words, *, status: int = 200, **values: object) -> Response:
        """Render a page."""
        text = self.templates.get_template(template).render(
            t=words, site=self, languages=LANGUAGES, **values
        )
        return Response(text, status=status, content_type="text/html; charset=utf-8")


def _plain(value: object) -> object:
    """Take the controls out of a text that goes into a page."""
    return _CONTROLS.sub("", value) if type(value) is str else value
