"""What a setting's type cannot say: the form of a URL, and settings that contradict each other.

No message repeats a value: a mistyped secret must not reach a log.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from exchange.domain.log.policies import NO_QUORUM, parse_policy
from exchange.errors import FormError

if TYPE_CHECKING:
    from exchange.settings import Settings


def addresses(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check that these are network addresses."""
    try:
        return tuple(str(ip_address(part)) for part in value)
    except ValueError:
        raise ValueError("must be IP addresses, separated by commas") from None


def base_url(value: str) -> str:
    """Check a base URL: scheme, host and port, nothing after them."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https URL")
    if value != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
        raise ValueError("must end after the host or port: no path, query or user")
    return value


def listen(value: str) -> str:
    """Check an address to listen on."""
    host, colon, port = value.rpartition(":")
    if value.startswith("unix:/") or (colon and host and port.isdecimal() and int(port) < 1 << 16):
        return value
    raise ValueError("must be address:port or unix:/path")


def database_url(value: str) -> str:
    """Check that this is a libpq URL that names a database."""
    parts = urlsplit(value)
    if parts.scheme != "postgresql" or not parts.path.strip("/"):
        raise ValueError("must be postgresql://user:password@host/database")
    return value


def witness_policy(path: Path) -> None:
    """Check a policy file: its form, and that two histories cannot both become final."""
    try:
        policy = parse_policy(path.read_text(encoding="utf-8"))
    except OSError:
        raise ValueError("names no readable file") from None
    except (UnicodeDecodeError, FormError) as error:
        raise ValueError(f"is no policy file: {error}") from None
    if policy.quorum != NO_QUORUM and policy.quorum.splits():
        raise ValueError("two quorums without a common witness could each make a history final")


def disagreements(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield (setting, fault) for settings that cannot stand together."""
    if settings.sandbox:
        if settings.consortium == "live":
            yield "sandbox", "a live consortium is no sandbox"
    else:
        yield from _outside_sandbox(settings)
    if settings.consortium == "live":
        yield from _live(settings)
    if settings.page_rows_default > settings.page_rows_max:
        yield "page_rows_default", "must not exceed page_rows_max"
    if settings.nonce_keep_seconds < (
        settings.created_past_seconds_max + settings.created_ahead_seconds_max
    ):
        yield "nonce_keep_seconds", "must cover the window in which a signature is accepted"


def _outside_sandbox(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.database_url is None:
        yield "database_url", "must be given, unless `sandbox` is true"
    for name in ("one_person_suffices", "webhook_loopback"):
        if getattr(settings, name):
            yield name, "only in a sandbox"


def _live(settings: Settings) -> Iterator[tuple[str, str]]:
    if not settings.public_base_url.startswith("https://"):
        yield "public_base_url", "must be https in a live consortium"
    if not settings.pages_base_url.startswith("https://"):
        yield "pages_base_url", "must be https in a live consortium"
    if settings.origin_domain.endswith("example"):
        yield "origin_domain", "must be the consortium's own in a live consortium"
    parts = urlsplit(settings.libpq_url)
    options = parse_qs(parts.query)
    on_socket = not parts.hostname and options.get("host", [""])[0].startswith("/")
    if not on_socket and options.get("sslmode") != ["verify-full"]:
        yield "database_url", "must say sslmode=verify-full in a live consortium"
