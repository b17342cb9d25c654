"""Where a member's doorbell hangs: a URL in one spelling, refused at registration if it is odd.

A host is a DNS name of two labels or more, in ASCII and lower case, that no resolver could take
for an address (`0177.0.0.1`, `2130706433`, `[::1]`) and no reader for another name (`xn--`). What
the name resolves to is checked at each delivery (addresses.py), since it may change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from exchange.errors import InvalidEndpoint

URL_CHARACTERS_MAX = 500

_URL = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<host>[a-z0-9.-]{1,253})(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)
_LABEL = r"(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?!xn--)[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
# Names that lead nowhere on the public network (RFC 6761, 6762, 7686, 8375, 9476).
_PRIVATE_ENDS = frozenset(
    {"localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "private"}
    | {"arpa", "alt", "onion", "invalid"}
)
_LOOPBACK = re.compile(r"127\.0\.0\.1|localhost")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRules:
    """What this exchange lets a doorbell be."""

    ports: frozenset[int]
    loopback: bool = False  # sandboxes alone: plain HTTP to this machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A place to ring at."""

    secure: bool  # TLS; never without, but on a sandbox's loopback
    host: str
    port: int
    target: str  # path and query

    @property
    def authority(self) -> str:
        """The Host header."""
        usual = _PORTS["https" if self.secure else "http"]
        return self.host if self.port == usual else f"{self.host}:{self.port}"


def read_endpoint(url: str, rules: EndpointRules) -> Endpoint:
    """Read a URL.

    Raises:
        InvalidEndpoint: it is none that may be rung at; the message names the rule.
    """
    match = _URL.fullmatch(url) if len(url) <= URL_CHARACTERS_MAX else None
    if match is None:
        raise InvalidEndpoint(
            "must be https://name/path, in ASCII, without user or fragment", field="url"
        )
    scheme, host = match["scheme"], match["host"]
    port = int(match["port"] or _PORTS.get(scheme, 0))
    endpoint = Endpoint(secure=scheme == "https", host=host, port=port, target=match["path"] or "/")
    if rules.loopback and scheme in _PORTS and _LOOPBACK.fullmatch(host):
        return endpoint
    if scheme != "https":
        raise InvalidEndpoint("must be https", field="url")
    if not _NAME.fullmatch(host) or host.rpartition(".")[2] in _PRIVATE_ENDS:
        raise InvalidEndpoint("its host must be a public DNS name, not an address", field="url")
    if port not in rules.ports:
        listed = ", ".join(str(one) for one in sorted(rules.ports))
        raise InvalidEndpoint(f"its port must be one of: {listed}", field="url")
    return endpoint
