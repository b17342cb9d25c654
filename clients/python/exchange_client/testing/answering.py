"""The fake answers questions: gate, look-up, cut, leaf, receipt; in that order, as the exchange."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Final

from exchange_client._consent.decision import Decision
from exchange_client._consent.purposes import NEW_CREDIT, PURPOSES, Detail, Purpose
from exchange_client.core.encoding import b64url, dumps, standard_base64, unb64url
from exchange_client.grades import MODEL, grade_of
from exchange_client.receipts import PAYLOAD_BYTES, RECEIPT_TYPE, SUBJECT_LABEL
from exchange_client.signing import sign_jws
from exchange_client.testing import findings
from exchange_client.testing.deciding import judge
from exchange_client.testing.messages import Caller
from exchange_client.testing.questions import Asked
from exchange_client.testing.refusals import Refusal
from exchange_client.testing.world import (
    DAY_SECONDS,
    EPOCH,
    EXCHANGE,
    MMD_SECONDS,
    PROFILE,
    Account,
    Inquiry,
    Look,
    StoredAnswer,
    World,
)

ANSWER_DAYS: Final = 180


def answer(world: World, caller: Caller, asked: Asked) -> tuple[str, bool]:
    """Answer a question; the same one again gets the first receipt.

    Returns:
        The receipt, and whether it was given before.

    Raises:
        Refusal: 409, the id was used for another question, or the log never had the checkpoint
            that the question names.
    """
    stored = world.answers.get((caller.member, asked.query_id))
    if stored is not None:
        if stored.digest != asked.digest:
            raise Refusal(409, "query.conflict", pointer="/query_id")
        return stored.receipt, True
    if asked.after is not None and not world.log.knows(*asked.after):
        raise Refusal(409, "log.disagrees", pointer="/after")
    decision = _decide(world, caller.member, asked)
    if decision.permitted:
        claims = _found(world, caller.member, asked, decision)
    else:
        claims = _withheld(decision.reason.value)
    leaf = _log(world, caller, asked, claims)
    receipt = _receipt(world, caller.member, asked, claims, leaf)
    world.answers[caller.member, asked.query_id] = StoredAnswer(
        digest=asked.digest, receipt=receipt, primary=asked.primary
    )
    return receipt, False


def _decide(world: World, member: str, asked: Asked) -> Decision:
    """Decide a question; where it is permitted, the grant is spent."""
    grant = world.grants.get(asked.grant_id or "")
    if grant is not None and grant.token != asked.primary:
        grant = None
    own = world.accounts_where(
        lambda account: account.member == member and asked.primary in account.tokens
    )
    named = {"grant": asked.grant_id} if asked.grant_id else {}
    decision = judge(
        {"purpose": asked.purpose, "detail": asked.detail, **named},
        grant,
        member,
        [account.row.get("status") == "OVERDUE" for account in own if account.is_open],
        world.clock(),
    )
    if decision.permitted and grant:
        grant.spend(world.clock())
    return decision


def _withheld(reason: str) -> dict[str, object]:
    return {
        "outcome": "WITHHELD",
        "reason": reason,
        "finding": None,
        "grade": None,
        "reasons": ["R08"],
        "limits": [],
    }


def seen(
    world: World, member: str, identities: frozenset[str], fields: frozenset[str]
) -> tuple[str, dict[str, object]]:
    """Return the outcome and the bands that a member may see of a subject, but for velocity."""
    others = world.accounts_where(
        lambda account: account.member != member and bool(account.tokens & identities)
    )
    now, today = world.clock(), world.clock.today()
    # What was not checked in time is flagged and no longer shown.
    held = [one for one in others if one.hidden_from is None or now < one.hidden_from]
    full = findings.find(held, world.contributors_besides(member), today) if held else {}
    full["dispute"] = any(one.disputed for one in others)
    if held:
        full["statement"] = _said(world, member, identities, held)
    finding = {name: value for name, value in full.items() if name in fields}
    if "overdue_amount_band" in finding:
        finding["other_currency"] = False
    if not held:
        return "NO_DATA", finding
    return "ADVERSE" if findings.is_adverse(held, today) else "NO_ADVERSE", finding


def _said(
    world: World, member: str, identities: frozenset[str], held: Sequence[Account]
) -> str | None:
    """Return the newest statement; one about an account that does not enter is not read out."""
    about = [
        one
        for one in world.statements.values()
        if one.account.tokens & identities and one.account.member != member
    ]
    newest = about[-1] if about else None
    return newest.text if newest and any(newest.account is one for one in held) else None


def _found(world: World, member: str, asked: Asked, shown: Decision) -> dict[str, object]:
    outcome, finding = seen(world, member, asked.identities, shown.fields)
    if "velocity" in shown.fields:
        finding["velocity"] = velocity(world, member, asked.tokens)
    if asked.purpose in NEW_CREDIT:
        world.inquiries.append(Inquiry(member=member, tokens=asked.tokens, at=world.clock()))
        world.looks[member, asked.primary] = Look(
            member=member,
            identities=asked.identities,
            query_id=asked.query_id,
            fields=shown.fields,
            given={**finding, "outcome": outcome},
        )
    return _graded(outcome, finding, asked, shown, world.contributors_besides(member))


def _graded(
    outcome: str, finding: dict[str, object], asked: Asked, shown: Decision, contributors: int
) -> dict[str, object]:
    blurred = "lender_band" in shown.fields and contributors < findings.SMALL_CONSORTIUM
    limits = [*(one.value for one in shown.limits), *(["SMALL_CONSORTIUM"] if blurred else [])]
    letter, reasons = graded(outcome, finding, asked.purpose, shown)
    notes = (
        *(("R07",) if outcome == "NO_DATA" else ()),
        *(("R09",) if finding.get("dispute") is True else ()),
        *(("R10",) if limits else ()),
    )
    return {
        "outcome": outcome,
        "reason": "permitted",
        "finding": finding,
        "grade": letter,
        "reasons": [*reasons, *notes],
        "limits": limits,
    }


def graded(
    outcome: str, finding: Mapping[str, object], purpose: str, shown: Decision
) -> tuple[str | None, tuple[str, ...]]:
    """Return grade and reasons, as far as a purpose is graded at all."""
    if not PURPOSES[Purpose(purpose)].graded or shown.detail is not Detail.BANDS:
        return None, ()
    if outcome == "NO_DATA":
        return "U", ()
    _, letter, reasons = grade_of(finding)
    return letter, reasons


def velocity(world: World, member: str, tokens: frozenset[str]) -> dict[str, str]:
    """Return how many other members asked about new credit under these tokens, in bands."""
    bands = {}
    for days in (7, 30, 90):
        since = world.clock() - days * DAY_SECONDS
        askers = {
            one.member
            for one in world.inquiries
            if one.member != member and one.at > since and one.tokens & tokens
        }
        bands[str(days)] = findings.velocity_band(len(askers))
    return bands


def _log(world: World, caller: Caller, asked: Asked, claims: Mapping[str, object]) -> bytes:
    subject = {
        "kind": "query",
        "t": world.clock(),
        "member": caller.member,
        "purpose": asked.purpose,
        "outcome": claims["outcome"],
    }
    audit: dict[str, object] = {
        "query": asked.query_id,
        "request_sha256": standard_base64(asked.digest),
        "key": caller.keyid,
        "operator": asked.operator,
        "application": asked.application,
        "reason": claims["reason"],
        "policy": PROFILE,
    }
    if asked.grant_id is not None:
        audit["grant"] = asked.grant_id
    if asked.after is not None:
        size, root = asked.after
        audit["after"] = {"size": size, "root": standard_base64(root)}
    return world.log.append(caller.member, subject, audit)


def _receipt(
    world: World, member: str, asked: Asked, claims: Mapping[str, object], leaf: bytes
) -> str:
    now, salt = world.clock(), os.urandom(16)
    subject = hashlib.sha256(SUBJECT_LABEL + salt + unb64url(asked.primary)).digest()
    payload: dict[str, object] = {
        "iss": EXCHANGE,
        "aud": member,
        "iat": now,
        "exp": now + ANSWER_DAYS * DAY_SECONDS,
        "jti": asked.query_id,
        "req": b64url(asked.digest),
        "sub": b64url(salt + subject),
        "purpose": asked.purpose,
        "grant": asked.grant_id,
        **claims,
        "model": MODEL,
        "policy": PROFILE,
        "profile": PROFILE,
        "epoch": EPOCH,
        "leaf": b64url(leaf),
        "log": world.log.origin,
        "mmd": MMD_SECONDS,
        "pad": "",
    }
    payload["pad"] = "0" * (PAYLOAD_BYTES - len(dumps(payload)))
    return sign_jws(dumps(payload), RECEIPT_TYPE, world.keys["receipt"])
