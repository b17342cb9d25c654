"""Flask without what this exchange never uses: it cost a query more than its grant does.

Left out: sessions, which nothing here keeps; a look at every function, at every request, for
coroutines; and the Host header, which says nothing here: the target is the configured public base.
A response is written out as it stands, its length added; odd ones go Flask's way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter

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


class Application(Flask):
    """The Flask application of one server process."""

    response_class = Reply
    session_interface = _NoSessions()

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
