"""The files that pages load: style and script, ours alone, each held to its SHA-256.

`assets/SHA256SUMS` lists them; a file that differs from its line is not served, and the process
that finds one does not start.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Response

from exchange.console.web.headers import harden
from exchange.errors import AbsentError, IntegrityError

FOLDER = Path(__file__).parent.parent / "assets"
LIST = FOLDER / "SHA256SUMS"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is served."""

    content: bytes
    media: str
    version: str  # first digits of its SHA-256, in its address: a new file is a new address


def load_assets() -> dict[str, Asset]:
    """Read every listed file.

    Raises:
        IntegrityError: one is not the file that is listed.
    """
    return {
        name: _load(name, digest)
        for digest, name in (line.split("  ") for line in LIST.read_text().splitlines())
    }


def asset_routes(assets: dict[str, Asset]) -> Blueprint:
    """Build the route of the files."""
    routes = Blueprint("assets", __name__)
    routes.after_request(harden)

    @routes.get("/assets/<version>/<name>")
    def asset(version: str, name: str) -> Response:
        """Serve a listed file under the address of its content."""
        found = assets.get(name)
        if found is None or found.version != version:
            raise AbsentError
        response = Response(found.content, content_type=found.media)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    return routes


def _load(name: str, digest: str) -> Asset:
    path = FOLDER / name
    content = path.read_bytes()
    if sha256(content).hexdigest() != digest:
        raise IntegrityError(f"the asset {name} is not the one that is listed")
    return Asset(content, _TYPES[path.suffix], digest[:16])
