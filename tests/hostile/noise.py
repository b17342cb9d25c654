"""Random hostile requests: raw bytes, from a seed. At least 40 % carry a right signature.

None of them asks for anything that could be done: what is signed is nonsense, absent, or a read.
"""

from __future__ import annotations

import json
import random
import string
from dataclasses import dataclass, replace

from exchange.api.edge.transport import JSON_TYPE, LINES_TYPE
from exchange_client.core.ids import new_id
from tests.hostile.target import Target
from tests.support.edge_app import private_key
from tests.support.signed_requests import Draft, signed_headers

PATHS = (
    *("/v1/queries", "/v1/query-batches", "/v1/tokens", "/v1/grants", "/v1/batches"),
    *("/v1/records/acc-{id}", "/v1/queries/qry_{id}", "/v1/grants/gnt_{id}", "/v1/receipts/{id}"),
    *("/v1/batches/bat_{id}", "/v1/batches/bat_{id}/faults", "/v1/grants/gnt_{id}/withdraw"),
    *("/v1/disputes", "/v1/disputes/dsp_{id}/answer", "/v1/webhooks/whk_{id}", "/v1/events"),
    *("/v1/watches", "/v1/watches/wch_{id}", "/v1/watches/wch_{id}/renew"),
    *("/v1/purposes", "/v1/notices", "/audit/v1/entries", "/log/checkpoint", "/healthz"),
    *("/.well-known/cx-exchange", "/metrics", "/", "/nowhere", "/v1/grants/changes"),
)
METHODS = ("GET", "POST", "PUT", "DELETE", "POST", "POST")
STRANGE = ("TRACE", "OPTIONS", "PATCH", "get", "CONNECT", "\x00", "POST POST")
KEYS = ("member-a/k1", "member-c/k1", "member-a/p1")
NOBODIES = ("suspended/k1", "retired/k1", "member-a/k9", "../etc/passwd", "x" * 60 + "/k1")
TEXTS = (
    *("'; DROP TABLE member; --", "{{7*7}}", "%s%n%x", "\u202ereversed", "<script>", "a\u0000b"),
    *("=cmd|' /C calc'!A0", "../../x", "\r\nSet-Cookie: a=b", "${jndi:ldap://x}", "", "x" * 2_000),
)


@dataclass(frozen=True, slots=True)
class Noise:
    """One request as it is sent."""

    raw: bytes
    signed: bool


class NoiseMaker:
    """Makes requests for one server from one seed."""

    def __init__(self, target: Target, seed: int) -> None:
        self._target = target
        self._chance = random.Random(seed)  # noqa: S311 - to repeat a run

    def request(self) -> Noise:
        """Make the next one."""
        if self._chance.random() < 0.55:
            return Noise(self._signed(), signed=True)
        return Noise(self._chance.choice((self._forged, self._mangled, self._bytes))(), False)

    def _signed(self) -> bytes:
        keyid = self._chance.choice(KEYS)
        draft = self._draft(keyid)
        algorithm = "ecdsa-p256-sha256" if keyid.endswith("p1") else "ed25519"
        draft = replace(draft, algorithm=algorithm)
        return self._laid_out(draft, signed_headers(draft, private_key(keyid, algorithm)))

    def _forged(self) -> bytes:
        """A signature of nobody, of another time, or over something else."""
        draft = self._draft(self._chance.choice((*KEYS, *NOBODIES)))
        draft = replace(
            draft,
            created=draft.created + self._chance.choice((0, -100, 100, -(10**9), 10**12)),
            tag=self._chance.choice(("cx-1-request", "other", "")),
            components=self._chance.choice((None, (), ("@method",), ("@target-uri", "@method"))),
        )
        return self._laid_out(draft, signed_headers(draft, private_key("a stranger")))

    def _mangled(self) -> bytes:
        """A right request with some of its bytes changed on the way."""
        raw = bytearray(self._signed())
        for _ in range(self._chance.randint(1, 8)):
            raw[self._chance.randrange(len(raw))] = self._chance.randrange(256)
        return bytes(raw)

    def _bytes(self) -> bytes:
        method = self._chance.choice((*METHODS, *STRANGE))
        lines = [f"{method} {self._path()} HTTP/1.{self._chance.choice('0119')}", "Host: x"]
        lines += [f"{self._word()}: {self._text()}" for _ in range(self._chance.randint(0, 70))]
        raw = "\r\n".join([*lines, "Connection: close", "", ""])
        return raw.encode("utf-8", "surrogatepass") + self._chance.randbytes(
            self._chance.choice((0, 0, 10, 5_000))
        )

    def _draft(self, keyid: str) -> Draft:
        method = self._chance.choice(METHODS)
        body = b"" if method == "GET" else self._body()
        media = self._chance.choice((JSON_TYPE, LINES_TYPE, "text/html"))
        return replace(
            self._target.draft(method, self._path(), body),
            keyid=keyid,
            content_type=media if body else None,
        )

    def _body(self) -> bytes:
        whole = json.dumps(self._value(0)).encode()
        made = self._chance.choice(
            (
                whole,
                whole + b"\n",
                whole[: self._chance.randint(0, len(whole))],
                self._chance.randbytes(self._chance.choice((1, 50, 3_000))),
                b"[" * self._chance.choice((10, 5_000)),
                self._target.body(more=f',"{self._word()}":1'),
                b"",
            )
        )
        return made

    def _value(self, depth: int) -> object:
        leaf = self._chance.choice((None, True, -0.0, 1e300, 2**63, 5, self._text(), new_id("qry")))
        if depth > 3 or self._chance.random() < 0.4:
            return leaf
        names = ("query_id", "tokens", "epoch", "purpose", "artefact", "elements", self._word())
        if self._chance.random() < 0.3:
            return [self._value(depth + 1) for _ in range(self._chance.randint(0, 4))]
        chosen = self._chance.sample(names, self._chance.randint(0, len(names)))
        return {name: self._value(depth + 1) for name in chosen}

    def _path(self) -> str:
        path = self._chance.choice(PATHS).replace("{id}", new_id("qry")[4:])
        return path + self._chance.choice(("", "", "", "?limit=-1", "?after=%00", "?a=1&a=2", "/"))

    def _text(self) -> str:
        return self._chance.choice(TEXTS)

    def _word(self) -> str:
        letters = string.ascii_letters + string.digits + "-_"
        return "".join(self._chance.choices(letters, k=self._chance.randint(1, 30)))

    def _laid_out(self, draft: Draft, headers: dict[str, str]) -> bytes:
        path = draft.target_uri.removeprefix(self._target.base)
        lines = [f"{draft.method} {path} HTTP/1.1", "Host: x", "Connection: close"]
        if draft.body:
            lines.append(f"Content-Length: {len(draft.body)}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + draft.body
