"""A query: one subject, one purpose, one grant; and what the store found for it."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from consent.claims import Step
from consent.decision import Reason
from consent.purposes import Detail, Purpose
from exchange.domain.members import Role


class TokenKind(StrEnum):
    """Identity tokens decide outcomes; contact tokens only feed velocity."""

    IDENTITY = "identity"
    CONTACT = "contact"


class Token(Struct, frozen=True, kw_only=True, gc=False):
    """A subject's only name here: 64 bytes, output of the OPRF."""

    kind: TokenKind
    value: bytes

    def __repr__(self) -> str:
        return f"Token({self.kind})"


class RefusedArtefact(Struct, frozen=True, kw_only=True, gc=False):
    """An artefact sent with a query that the policy or the registry does not take."""

    reason: Reason
    step: Step
    sha256: bytes  # of the artefact


class Query(Struct, frozen=True, kw_only=True):
    """A question as it was asked; who asks comes from the signature, never from here."""

    query_id: UUID
    digest: bytes  # SHA-256 of the exact bytes that asked, 32 bytes
    epoch: str
    tokens: tuple[Token, ...]  # 1 to 3 identity, primary first, then 0 or 1 contact
    purpose: Purpose
    grant_id: UUID | None
    operator: str
    application: str
    detail: Detail  # bands or flag
    after_size: int
    after_root: str  # standard base64, as the log writes it; "" with size 0
    artefact: str | None = None  # a grant sent along, to be registered first: compact JWS
    refused: RefusedArtefact | None = None  # what became of it, where it was not registered


class Asker(Struct, frozen=True, kw_only=True, gc=False):
    """Who asks, as the verified signature said it."""

    member: str
    key: str
    nonce: str
    roles: frozenset[Role]
