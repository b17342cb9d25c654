"""What the fake exchange holds: keys, members, accounts, grants, answers. Everything in memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from voprf import ristretto

from exchange_client.core.encoding import b64url, dumps
from exchange_client.core.records.reporting import QualityReport
from exchange_client.keys import Algorithm, KeyFile
from exchange_client.pins import DESCRIPTION_TYPE, SUITE
from exchange_client.signing import sign_jws
from exchange_client.testing.access_log import AccessLog
from exchange_client.testing.deciding import FakeGrant, open_looks
from exchange_client.testing.findings import Held
from exchange_client.testing.refusals import Refusal

EXCHANGE: Final = "cx_fake"
PROFILE: Final = "cn@1"
EPOCH: Final = "ep_1"
PUBLIC_BASE: Final = "https://exchange.test"
KEY_USES: Final = ("response", "receipt", "batch", "promise", "statement")
MMD_SECONDS: Final = 60
DAY_SECONDS: Final = 86_400
SEED_BYTES: Final = 32


class Clock:
    """A clock that tests may set forward."""

    def __init__(self) -> None:
        self._ahead = 0

    def __call__(self) -> int:
        """Return unix seconds."""
        return int(time.time()) + self._ahead

    def advance(self, *, days: int = 0, seconds: int = 0) -> None:
        """Let time pass."""
        self._ahead += days * DAY_SECONDS + seconds

    def today(self) -> date:
        """Return the day it is."""
        return datetime.fromtimestamp(self(), UTC).date()


@dataclass(slots=True, kw_only=True)
class Account(Held):
    """An account, and the tokens of its subject."""

    tokens: frozenset[str]  # identity tokens, base64url
    hidden_from: int | None = None  # unix seconds: a dispute about it is answered too late


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """A file by its digest, and what became of it; without a receipt it was refused."""

    digest: bytes
    receipt: str
    faults: tuple[dict[str, object], ...]
    absent: tuple[str, ...] = ()  # open accounts that a FULL file did not mention


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """A question by the digest of its bytes, and the receipt it was given."""

    digest: bytes
    receipt: str
    primary: str  # token of the subject, base64url


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The last permitted look of a member at a subject for new credit: who is told corrections."""

    member: str
    identities: frozenset[str]
    query_id: str
    fields: frozenset[str]  # that its grant permitted
    given: dict[str, object]  # the finding, and `outcome`


@dataclass(slots=True, kw_only=True)
class FakeDispute:
    """A dispute about one account."""

    dispute_id: str
    member: str
    account_ref: str
    account: Account
    cause: str
    digest: bytes  # SHA-256 of what opened it
    opened_at: int  # unix seconds
    due_on: date
    state: str = "OPEN"
    result: str | None = None
    answered_at: int | None = None
    closed_at: int | None = None
    extended: bool = False
    days_late: int = 0
    reopened: int = 0
    steps: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeStatement:
    """A borrower's own word about one account."""

    account: Account
    text: str
    digest: bytes
    made_at: int  # unix seconds
    leaf: bytes


@dataclass(slots=True, kw_only=True)
class FakeWatch:
    """A watch over the borrower of one account."""

    member: str
    watch_id: str
    account_ref: str
    purpose: str
    grant: str
    digest: bytes  # SHA-256 of what asked for it
    made_at: int  # unix seconds
    expires_at: int
    kinds: tuple[str, ...] = ()
    seen: dict[str, object] = field(default_factory=dict)  # at the look before
    told: dict[str, date] = field(default_factory=dict)  # the last day of each kind
    ended_at: int | None = None
    ended_cause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A permitted look at new credit: what velocity counts."""

    member: str
    tokens: frozenset[str]
    at: int  # unix seconds


def _exchange_keys() -> dict[str, KeyFile]:
    return {
        use: KeyFile(
            member="fake-exchange",
            key=use,
            algorithm=Algorithm.ED25519,
            private=Ed25519PrivateKey.generate(),
        )
        for use in KEY_USES
    }


def _evaluator() -> ristretto.Evaluator:
    return ristretto.Evaluator.from_seed(os.urandom(SEED_BYTES), f"cx/oprf/v1/{EPOCH}".encode())


def _log() -> AccessLog:
    return AccessLog("exchange.test/access/fake", Ed25519PrivateKey.generate())


@dataclass(slots=True, kw_only=True)
class World:
    """One fake exchange."""

    clock: Clock = field(default_factory=Clock)
    keys: dict[str, KeyFile] = field(default_factory=_exchange_keys)
    evaluator: ristretto.Evaluator = field(default_factory=_evaluator)
    log: AccessLog = field(default_factory=_log)
    members: dict[str, bytes] = field(default_factory=dict)  # keyid -> public key
    nonces: set[tuple[str, str]] = field(default_factory=set)  # member, nonce
    accounts: dict[tuple[str, str], Account] = field(default_factory=dict)  # member, ref
    grants: dict[str, FakeGrant] = field(default_factory=dict)
    # (grantee, hash) -> (bundle, token) of the first grant that named it
    evidence: dict[tuple[str, bytes], tuple[str, str]] = field(default_factory=dict)
    answers: dict[tuple[str, str], StoredAnswer] = field(default_factory=dict)
    batches: dict[tuple[str, str], StoredBatch] = field(default_factory=dict)
    received: dict[tuple[str, str], bytes] = field(default_factory=dict)  # of files in parts
    inquiries: list[Inquiry] = field(default_factory=list)
    looks: dict[tuple[str, str], Look] = field(default_factory=dict)  # member, primary token
    disputes: dict[str, FakeDispute] = field(default_factory=dict)
    statements: dict[str, FakeStatement] = field(default_factory=dict)
    disbursements: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    watches: dict[tuple[str, str], FakeWatch] = field(default_factory=dict)  # member, id
    feeds: dict[str, list[dict[str, object]]] = field(default_factory=dict)  # by member
    quality: dict[str, QualityReport] = field(default_factory=dict)  # by member

    def description(self) -> str:
        """Return the signed description that members pin."""
        public_key = b64url(self.evaluator.public_key.serialize())
        payload: dict[str, object] = {
            "iss": EXCHANGE,
            "iat": self.clock(),
            "exp": self.clock() + DAY_SECONDS,
            "name": "Fake exchange",
            "environment": "test",
            "public_base": PUBLIC_BASE,
            "keys": [_jwk(use, key) for use, key in self.keys.items()],
            "oprf": [{"epoch": EPOCH, "suite": SUITE, "public_key": public_key, "open": True}],
            "log": {"origin": self.log.origin, "vkey": self.log.vkey},
            "purposes": sorted(open_looks()),
            "profiles": [PROFILE],
            "limits": {"tokens_max": 500, "queries_max": 1000, "batch_rows_max": 10_000},
            "versions": ["2026-12-01"],
        }
        return sign_jws(dumps(payload), DESCRIPTION_TYPE, self.keys["statement"])

    def sign_claims(self, use: str, typ: str, claims: dict[str, object]) -> str:
        """Sign claims under the key of one use."""
        return sign_jws(dumps(claims), typ, self.keys[use])

    def accounts_where(self, holds: Callable[[Account], bool]) -> list[Account]:
        """Return the accounts for which this holds."""
        return [account for account in self.accounts.values() if holds(account)]

    def contributors_besides(self, member: str) -> int:
        """Count the other members that report."""
        return len({account.member for account in self.accounts.values()} - {member})

    def grant_of(self, member: str, grant_id: str) -> FakeGrant:
        """Return a member's own grant.

        Raises:
            Refusal: 404, absent or another's.
        """
        grant = self.grants.get(grant_id)
        if grant is None or grant.held.grantee != member:
            raise Refusal(404, "absent")
        return grant


def _jwk(use: str, key: KeyFile) -> dict[str, str]:
    public = b64url(key.public_key)
    return {"kid": key.keyid, "use": use, "kty": "OKP", "crv": "Ed25519", "x": public}
