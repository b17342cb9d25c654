"""One lender's desk for tests of grants: signed calls over HTTP, without the SDK's own checks.

Tokens are made from a number: the exchange takes any 64 bytes of an open epoch for one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from werkzeug.test import TestResponse

from consent.purposes import Detail, Purpose
from exchange.api.edge.transport import PART_TYPE
from exchange.domain.ids import uuid7
from exchange.domain.members import Role
from exchange.domain.queries import Asker, Query, Token, TokenKind
from exchange_client.keys import KeyFile
from exchange_client.proofs import verify_proof
from tests.support.access_log import run_sql
from tests.support.artefacts import changed, make_artefact
from tests.support.sandbox import BASE, Sandbox
from tests.support.signed_requests import Draft, signed_headers

ABSENT_GRANT = "gnt_0000000000007000800000000000000f"


@dataclass(slots=True, kw_only=True)
class GrantDesk:
    """A member with its key, and the exchange it talks to."""

    sandbox: Sandbox
    key: KeyFile
    profile: str = "CN"
    now: int = field(default_factory=lambda: int(time.time()))

    @property
    def member(self) -> str:
        """The member's id."""
        return self.key.member

    @property
    def private(self) -> Ed25519PrivateKey:
        """The private half of its key."""
        assert isinstance(self.key.private, Ed25519PrivateKey)
        return self.key.private

    def send(self, method: str, path: str, body: object = None) -> TestResponse:
        """Send a signed request; bytes go as they are, anything else as JSON."""
        plain = isinstance(body, bytes)
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        draft = Draft(
            method=method,
            target_uri=BASE + path,
            created=int(time.time()),
            body=raw,
            content_type=(PART_TYPE if plain else "application/json") if raw else None,
            keyid=self.key.keyid,
        )
        return self.sandbox.app.test_client().open(
            path, method=method, data=raw or None, headers=signed_headers(draft, self.private)
        )

    def artefact(
        self,
        *,
        purpose: str = Purpose.CREDIT_APPLICATION,
        jti: str | None = None,
        changes: Mapping[str, object] | None = None,
        now: int | None = None,
    ) -> str:
        """Return an artefact that this exchange takes, or what `changes` make of it."""
        return make_artefact(
            self.private,
            member=self.member,
            key=self.key.keyid.split("/")[1],
            exchange=self.sandbox.settings.issuer,
            now=self.now if now is None else now,
            purpose=purpose,
            profile=self.profile,
            jti=jti,
            changes=changes,
        )

    def query(self, grant: str | None = None, subject: int = 1) -> Query:
        """Return a question about the n-th subject, as the services take it."""
        return Query(
            query_id=uuid7(self.sandbox.ports.now_ms(), secrets.token_bytes),
            digest=secrets.token_bytes(32),
            epoch="ep_1",
            tokens=(Token(kind=TokenKind.IDENTITY, value=token(subject)),),
            purpose=Purpose.CREDIT_APPLICATION,
            grant_id=UUID(grant.removeprefix("gnt_")) if grant else None,
            operator="op-1",
            application="app-1",
            detail=Detail.BANDS,
            after_size=0,
            after_root="",
        )

    def asker(self) -> Asker:
        """Return who asks, as one more verified signature says it."""
        return Asker(
            member=self.member,
            key=self.key.keyid.split("/")[1],
            nonce=secrets.token_urlsafe(18),
            roles=frozenset({Role.ASKER}),
        )

    def register(self, artefact: str, subject: int = 1) -> TestResponse:
        """Register an artefact for the n-th subject."""
        body = {
            "artefact": artefact,
            "token": _text(token(subject)),
            "epoch": self.sandbox.settings.epoch,
        }
        return self.send("POST", "/v1/grants", body)

    def granted(
        self,
        subject: int = 1,
        *,
        purpose: str = Purpose.CREDIT_APPLICATION,
        changes: Mapping[str, object] | None = None,
    ) -> str:
        """Register a fresh grant for the n-th subject; return its id."""
        response = self.register(self.artefact(purpose=purpose, changes=changes), subject)
        assert 200 == response.status_code, response.text
        return str(shown(response)["grant_id"])

    def end(self, grant: str, how: str, body: Mapping[str, object] | None = None) -> TestResponse:
        """Withdraw or revoke a grant."""
        return self.send("POST", f"/v1/grants/{grant}/{how}", dict(body or {}))

    def ask(
        self,
        grant: str | None,
        subject: int = 1,
        *,
        purpose: str = Purpose.CREDIT_APPLICATION,
        changes: Mapping[str, object] | None = None,
    ) -> TestResponse:
        """Ask about the n-th subject."""
        body: dict[str, object] = {
            "query_id": query_id(),
            "epoch": self.sandbox.settings.epoch,
            "tokens": [{"kind": "identity", "value": _text(token(subject))}],
            "purpose": purpose,
            "operator": "op-1",
            "application_ref": "app-1",
        }
        if grant is not None:
            body["grant_id"] = grant
        return self.send("POST", "/v1/queries", changed(body, changes or {}))

    def answer(
        self, grant: str | None, subject: int = 1, *, purpose: str = Purpose.CREDIT_APPLICATION
    ) -> tuple[str, str]:
        """Ask about the n-th subject; return outcome and reason."""
        claims = answer_claims(self.ask(grant, subject, purpose=purpose))
        return str(claims["outcome"]), str(claims["reason"])

    def opened(self, leaf: str) -> dict[str, dict[str, object]]:
        """Return what one of its leaves says, proven against the log."""
        self.sandbox.sequence()
        response = self.send("GET", f"/v1/receipts/{leaf}")
        assert 200 == response.status_code, response.text
        proof = verify_proof(response.data, self.sandbox.pins().log_vkey, leaf=_bytes(leaf))
        return {slot: json.loads(payload) for slot, payload in proof.openings.items()}

    def leaves(self, kind: str = "grant") -> int:
        """Count the leaves of one kind."""
        rows = self.sql("SELECT count(*) FROM log_search WHERE kind = %s", kind)
        return int(str(rows[0][0]))

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Look into the database."""
        return run_sql(self.sandbox.settings.libpq_url, statement, *values)


def token(subject: int) -> bytes:
    """Return the token of the n-th subject."""
    return hashlib.sha512(f"subject {subject}".encode()).digest()


def query_id() -> str:
    """Return a fresh query id."""
    value = (int(time.time() * 1000) << 80) | (7 << 76) | (2 << 62) | secrets.randbits(62)
    return f"qry_{UUID(int=value).hex}"


def shown(response: TestResponse) -> dict[str, object]:
    """Return the JSON object of a response that went well."""
    assert 200 == response.status_code, response.text
    value = response.get_json()
    assert isinstance(value, dict)
    return value


def state(desk: GrantDesk, grant: object) -> object:
    """Return where a grant stands."""
    return shown(desk.send("GET", f"/v1/grants/{grant}"))["state"]


def refusal(response: TestResponse) -> tuple[int, str, str]:
    """Return status, code and the first pointer of a problem document."""
    problem = response.get_json()
    assert "application/problem+json" == response.content_type
    assert isinstance(problem, dict)
    faults = problem.get("errors") or [{"pointer": ""}]
    return response.status_code, str(problem["code"]), str(faults[0]["pointer"])


def answer_claims(response: TestResponse) -> dict[str, object]:
    """Return the claims of an answer's receipt."""
    claims = json.loads(_bytes(str(shown(response)["receipt"]).split(".")[1]))
    assert isinstance(claims, dict)
    return claims


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
