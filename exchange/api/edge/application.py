"""Flask without what this exchange never uses: it cost a query more than its grant does.

Left out: sessions, which nothing here keeps; a look at every function, at every request, for
coroutines; and the Host header, which says nothing here: the target is the configured public base.
A response is written out as it stands, its length added; odd ones go Flask's way. A route whose
path is fixed and whose view asks nothing of Flask is answered without it: see `direct`. Paths are
matched and never built, so what builds them is compiled when first asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter, Rule

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_NO_SESSION = NullSession()


class _NoSessions(SessionInterface):
    def open_session(self, app: Flask, request: Request) -> NullSession:
        return _NO_SESSION


class Reply(Response):
    """A response that is written out as it stands."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Write status and headers, and return the body."""
        if self.status_code != 200 or environ["REQUEST_METHOD"] not in {"POST", "GET"}:
            return super().__call__(environ, start_response)
        if not isinstance(self.response, list) or self._on_close:
            return super().__call__(environ, start_response)
        body = self.get_data()
        headers = self.headers.to_wsgi_list()
        if "Content-Length" not in self.headers:
            headers.append(("Content-Length", str(len(body))))
        start_response(self.status, headers)
        return (body,)


class HeaderLines(list[tuple[str, str]]):
    """The header of a whole answer, in its order."""

    def add(self, name: str, value: str) -> None:
        """Put one more line behind the others."""
        self.append((name, value))

    def get(self, name: str, default: str = "") -> str:
        """Return the value of the first line of this name."""
        return next((value for known, value in self if known == name), default)


class Whole:
    """An answer 200 whose bytes are at hand: what `Reply` is, at a fifth of its cost.

    Flask takes it for an application of its own, and turns it into a `Reply` where a route is not
    answered directly.
    """

    __slots__ = ("_body", "content_type", "headers")

    status_code = 200

    def __init__(self, body: bytes, content_type: str) -> None:
        self._body = body
        self.content_type = content_type
        self.headers = HeaderLines([("Content-Type", content_type)])

    def get_data(self) -> bytes:
        """Return the body."""
        return self._body

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Write status and headers, and return the body."""
        start_response("200 OK", [*self.headers, ("Content-Length", str(len(self._body)))])
        return (self._body,)


Answer: TypeAlias = Response | Whole


class _Route(Rule):
    """A route whose path is built by code that is compiled then: a third of a start, otherwise."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = super()._compile_builder

        def build(route: Rule, **values: object) -> tuple[str, str]:
            return compiled(append_unknown)(route, **values)

        return build


class Application(Flask):
    """The Flask application of one server process."""

    response_class = Reply
    url_rule_class = _Route
    session_interface = _NoSessions()

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        # By method and path; each takes the environ of a request, and no error leaves it.
        self.direct: dict[tuple[str, str], Callable[[WSGIEnvironment], Answer]] = {}
        # Hears of each direct answer: the route, its method, the answer, the seconds it took.
        self.observed: Callable[[str, str, Answer, float], None] = _unobserved

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request: directly, where its route is one that can be."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        view = self.direct.get((method, path))
        if view is None:
            return super().wsgi_app(environ, start_response)
        began = time.perf_counter()
        response = view(environ)
        self.observed(path, method, response, time.perf_counter() - began)
        if isinstance(response, Whole):
            return response(environ, start_response)
        return Reply.force_type(response)(environ, start_response)

    def ensure_sync(self, func: Callable[..., object]) -> Callable[..., object]:
        """Take functions as they are: all of ours are plain."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Match a request by method and path alone."""
        if request is None:
            return None
        environ = request.environ
        return MapAdapter(
            self.url_map,
            server_name="",
            script_name="/",
            subdomain="",
            url_scheme=environ["wsgi.url_scheme"],
            path_info=request.path,
            default_method=environ["REQUEST_METHOD"],
            query_args=environ.get("QUERY_STRING", ""),
        )


def _unobserved(_route: str, _method: str, _response: Answer, _seconds: float) -> None:
    """Tell nobody."""
