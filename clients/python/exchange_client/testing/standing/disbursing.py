"""The fake takes a member's word that a loan was paid out, tied to the look that came before."""

from __future__ import annotations

import hashlib
from typing import Final

from exchange_client.core.encoding import JSON, b64url
from exchange_client.testing.messages import Caller
from exchange_client.testing.records.reporting import sign_receipt
from exchange_client.testing.refusals import Refusal
from exchange_client.testing.world import EPOCH, World

AHEAD_SECONDS_MAX: Final = 60
_NEEDED: Final = {"disbursement_id", "epoch", "token", "account_ref", "paid_at"}


def disburse(world: World, caller: Caller, told: dict[str, JSON], body: bytes) -> tuple[str, bool]:
    """Log one disbursement; return its receipt, and whether it was told before.

    Raises:
        Refusal: 409, the id was used for another; 422, paid in the future, or by another's look.
    """
    if not _NEEDED <= told.keys() <= _NEEDED | {"query_id"}:
        raise Refusal(422, "request.field")
    if told["epoch"] != EPOCH:
        raise Refusal(409, "token.epoch", pointer="/epoch")
    paid_at = told["paid_at"]
    if type(paid_at) is not int or paid_at > world.clock() + AHEAD_SECONDS_MAX:
        raise Refusal(422, "request.field", pointer="/paid_at")
    place, digest = (caller.member, str(told["disbursement_id"])), hashlib.sha256(body).digest()
    if place in world.disbursements:
        known, receipt = world.disbursements[place]
        if known != digest:
            raise Refusal(409, "disbursement.conflict", pointer="/disbursement_id")
        return receipt, True
    _check_query(world, caller.member, told)
    account = str(told["account_ref"])
    leaf = world.log.append(
        caller.member,
        {"kind": "disbursement", "t": world.clock(), "member": caller.member},
        {
            "disbursement": place[1],
            "account": account,
            "paid_at": paid_at,
            "key": caller.keyid,
            **({"query": told["query_id"]} if "query_id" in told else {}),
        },
    )
    claims: dict[str, object] = {
        "disbursement": place[1],
        "account": account,
        "digest": b64url(digest),
        "event": "disbursed",
        "warnings": [],
    }
    receipt = sign_receipt(world, caller.member, claims, leaf)
    world.disbursements[place] = (digest, receipt)
    return receipt, False


def _check_query(world: World, member: str, told: dict[str, JSON]) -> None:
    if "query_id" not in told:
        return
    stored = world.answers.get((member, str(told["query_id"])))
    if stored is None or stored.primary != told["token"]:
        raise Refusal(422, "request.field", pointer="/query_id")
