"""The fake takes borrowers' own words, as their lender relays them: form, account, leaf.

Statements are whole here; disputes build on the same words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from exchange_client.core.encoding import JSON, dumps
from exchange_client.testing.messages import Caller
from exchange_client.testing.refusals import Refusal
from exchange_client.testing.world import Account, FakeStatement, World

STATEMENT_CHARACTERS_MAX: Final = 200


def state(world: World, caller: Caller, body: Mapping[str, JSON]) -> tuple[FakeStatement, bool]:
    """Take a borrower's own word about an account; the same again is the first one.

    Raises:
        Refusal: 404, no such account; 409, the id was used for another.
    """
    told = texts(body, {"statement_id", "account_ref", "text"})
    check_text(told["text"], STATEMENT_CHARACTERS_MAX)
    account, digest = account_of(world, caller.member, told["account_ref"]), digest_of(body)
    known = world.statements.get(told["statement_id"])
    if known is not None:
        if known.digest != digest:
            raise Refusal(409, "statement.conflict", pointer="/statement_id")
        return known, True
    statement = FakeStatement(
        account=account,
        text=told["text"],
        digest=digest,
        made_at=world.clock(),
        leaf=log_said(world, caller.member, {"kind": "statement"}),
    )
    world.statements[told["statement_id"]] = statement
    return statement, False


def texts(body: Mapping[str, JSON], names: set[str]) -> dict[str, str]:
    """Read a body that is texts under these names.

    Raises:
        Refusal: 422, it is not.
    """
    told = {name: value for name, value in body.items() if isinstance(value, str)}
    if body.keys() != names or told.keys() != names:
        raise Refusal(422, "request.field")
    return told


def check_text(text: str, characters_max: int) -> None:
    """Hold that a text prints, is not blank and not too long.

    Raises:
        Refusal: 422, it does not.
    """
    plain = text.strip() and all(line.isprintable() for line in text.split("\n"))
    if not plain or len(text) > characters_max:
        raise Refusal(422, "request.field", pointer="/text")


def digest_of(body: Mapping[str, JSON]) -> bytes:
    """Return the SHA-256 of what was asked."""
    return hashlib.sha256(dumps(dict(body))).digest()


def account_of(world: World, member: str, account_ref: str) -> Account:
    """Return an account of this member.

    Raises:
        Refusal: 404, there is none.
    """
    account = world.accounts.get((member, account_ref))
    if account is None:
        raise Refusal(404, "absent")
    return account


def log_said(world: World, member: str, subject: dict[str, object]) -> bytes:
    """Add a leaf about what was said."""
    return world.log.append(member, {**subject, "t": world.clock(), "member": member}, {})
