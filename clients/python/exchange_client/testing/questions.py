"""The fake reads one question, strictly."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from exchange_client._consent.purposes import Purpose
from exchange_client.core.encoding import JSON, unb64url
from exchange_client.testing.refusals import Refusal
from exchange_client.testing.world import EPOCH

_NEEDED: Final = {"query_id", "epoch", "tokens", "purpose", "operator", "application_ref"}
_ALLOWED: Final = _NEEDED | {"grant_id", "detail", "after"}
TOKEN_BYTES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question as it was read."""

    query_id: str
    primary: str  # token, base64url
    identities: frozenset[str]
    tokens: frozenset[str]  # the contact included
    purpose: str
    grant_id: str | None
    detail: str
    operator: str
    application: str
    digest: bytes  # SHA-256 of the bytes that asked
    after: tuple[int, bytes] | None = None  # size and root of a checkpoint that it names


def read_question(body: bytes, question: Mapping[str, JSON]) -> Asked:
    """Read a question.

    Raises:
        Refusal: 422, a member is missing, unknown or of the wrong form; 409, the epoch is closed.
    """
    if not _NEEDED <= question.keys() <= _ALLOWED:
        raise Refusal(422, "request.field")
    if question["epoch"] != EPOCH:
        raise Refusal(409, "token.epoch", pointer="/epoch")
    tokens = read_tokens(question["tokens"])
    purpose, detail = question["purpose"], question.get("detail", "bands")
    if purpose not in frozenset(Purpose) or detail not in ("bands", "flag"):
        raise Refusal(422, "request.field", pointer="/purpose")
    grant_id = question.get("grant_id")
    return Asked(
        query_id=str(question["query_id"]),
        primary=tokens[0][1],
        identities=frozenset(value for kind, value in tokens if kind == "identity"),
        tokens=frozenset(value for _, value in tokens),
        purpose=str(purpose),
        grant_id=grant_id if isinstance(grant_id, str) else None,
        detail=str(detail),
        operator=str(question["operator"]),
        application=str(question["application_ref"]),
        digest=hashlib.sha256(body).digest(),
        after=_after(question.get("after")),
    )


def read_tokens(value: JSON) -> list[tuple[str, str]]:
    """Read tokens as (kind, value): 1 to 3 identities, then at most one contact.

    Raises:
        Refusal: 422, they are not.
    """
    try:
        tokens = [_token(one) for one in (value if isinstance(value, list) else [])]
    except ValueError:
        raise Refusal(422, "request.field", pointer="/tokens") from None
    kinds = [kind for kind, _ in tokens]
    identities = kinds.count("identity")
    if not 1 <= identities <= 3 or kinds[identities:] not in ([], ["contact"]):
        raise Refusal(422, "request.field", pointer="/tokens")
    return tokens


def _after(named: JSON) -> tuple[int, bytes] | None:
    match named:
        case None:
            return None
        case {"size": int(size), "root": str(root), **rest} if not rest:
            return size, unb64url(root)
        case _:
            raise Refusal(422, "request.field", pointer="/after")


def _token(one: JSON) -> tuple[str, str]:
    if not isinstance(one, dict) or set(one) != {"kind", "value"}:
        raise ValueError("a token has kind and value")
    if len(unb64url(one["value"])) != TOKEN_BYTES:
        raise ValueError("a token has 64 bytes")
    return str(one["kind"]), str(one["value"])
