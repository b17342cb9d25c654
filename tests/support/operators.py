"""Operators of tests, and what they sign."""

from __future__ import annotations

from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.crypto.operator_keys import OperatorKey
from exchange.crypto.public_keys import possession_text
from exchange.domain.ids import show, uuid7
from exchange.domain.members import Algorithm
from exchange.domain.operators import Operator, Word
from exchange.services.members.ports import Change
from exchange.services.operators.manage_operators import enrol_first
from tests.support.sandbox import Sandbox


def made(name: str, key: str = "k1") -> OperatorKey:
    """Make an operator's key in memory."""
    return OperatorKey(keyid=f"{name}/{key}", private=Ed25519PrivateKey.generate())


ANNA, BEN, CLEO = made("anna"), made("ben"), made("cleo")


def enrolled(key: OperatorKey, now: int = 0) -> Operator:
    """Return what is enrolled of a key."""
    name, _, part = key.keyid.partition("/")
    public = key.private.public_key().public_bytes_raw()
    return Operator(name=name, key=part, public_key=public, enrolled_at=now, retired_at=None)


def proof(sandbox: Sandbox, key: OperatorKey) -> bytes:
    """Prove to hold a key."""
    public = enrolled(key).public_key
    text = possession_text(sandbox.settings.issuer, key.keyid, Algorithm.ED25519, public)
    return key.private.sign(text)


def enrol(sandbox: Sandbox, key: OperatorKey) -> None:
    """Enrol one of the first two."""
    enrol_first(enrolled(key, sandbox.ports.now()), proof(sandbox, key), sandbox.ports)


def says(sandbox: Sandbox, by: OperatorKey, change: Change, *, of: UUID | None = None) -> Word:
    """Let an operator sign a change, under a fresh proposal if none is named."""
    proposal = of or uuid7(sandbox.ports.now_ms(), sandbox.ports.random_bytes)
    return by.say(sandbox.settings.issuer, show("prp", proposal), change.digest)


__all__ = ["ANNA", "BEN", "CLEO", "OperatorKey", "enrol", "enrolled", "made", "proof", "says"]
