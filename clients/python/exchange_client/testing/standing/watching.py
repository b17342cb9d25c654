"""The fake's watches. It looks again whenever their member reads its feed; no worker is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from exchange_client._consent.decision import Decision, Reason
from exchange_client._consent.purposes import Purpose
from exchange_client.core.encoding import JSON, b64url
from exchange_client.testing.answering import graded, seen, velocity
from exchange_client.testing.deciding import judge
from exchange_client.testing.messages import Caller
from exchange_client.testing.refusals import Refusal
from exchange_client.testing.standing.stating import digest_of
from exchange_client.testing.standing.telling import tell
from exchange_client.testing.standing.watch_rules import RULES, changes, possible_kinds
from exchange_client.testing.world import DAY_SECONDS, EPOCH, FakeWatch, World

WATCH_DAYS: Final = 400
_NAMES: Final = {"watch_id", "account_ref", "epoch", "tokens", "purpose", "grant"}
_FINAL: Final = frozenset(
    {
        *(Reason.GRANT_REJECTED, Reason.GRANT_WITHDRAWN, Reason.GRANT_REVOKED),
        *(Reason.GRANT_SUPERSEDED, Reason.GRANT_INVALIDATED, Reason.GRANT_EXPIRED),
        Reason.GRANT_PURPOSE,
    }
)


def add(world: World, caller: Caller, body: Mapping[str, JSON]) -> tuple[FakeWatch, bool]:
    """Add a watch; the same again is the first one.

    Raises:
        Refusal: 409, the id was used for another; 422, account, tokens, grant or kinds refuse it.
    """
    told = _read(body)
    key, digest = (caller.member, str(told["watch_id"])), digest_of(body)
    known = world.watches.get(key)
    if known is not None:
        if known.digest != digest:
            raise Refusal(409, "watch.conflict", pointer="/watch_id")
        return known, True
    watch = FakeWatch(
        member=caller.member,
        watch_id=str(told["watch_id"]),
        account_ref=str(told["account_ref"]),
        purpose=str(told["purpose"]),
        grant=str(told["grant"]),
        digest=digest,
        made_at=world.clock(),
        expires_at=world.clock() + WATCH_DAYS * DAY_SECONDS,
    )
    identities = _identities(world, watch)
    if not identities:
        raise Refusal(422, "watch.rule", pointer="/account_ref")
    if (
        not {str(one["value"]) for one in cast("list[dict[str, str]]", told["tokens"])}
        <= identities
    ):
        raise Refusal(422, "watch.rule", pointer="/tokens")
    decision = _permitted(world, watch)
    possible = possible_kinds(watch.purpose, decision)
    asked = cast("list[str]", told.get("kinds", []))
    if not set(asked) <= possible:
        raise Refusal(422, "watch.rule", pointer="/kinds")
    watch.kinds = tuple(sorted(asked or possible))
    watch.seen, _ = _look(world, watch, decision)
    _log(world, watch, "WATCH_ADDED", "permitted")
    world.watches[key] = watch
    return watch, False


def find(world: World, caller: Caller, watch_id: str) -> FakeWatch:
    """Return a member's watch.

    Raises:
        Refusal: 404, absent or another's.
    """
    watch = world.watches.get((caller.member, watch_id))
    if watch is None:
        raise Refusal(404, "absent")
    return watch


def renew(world: World, watch: FakeWatch, body: Mapping[str, JSON]) -> bool:
    """Let a watch live on from now; say whether it was renewed so on this day.

    Raises:
        Refusal: 409, it has ended; 422, account or grant refuse it.
    """
    if not body.keys() <= {"grant"}:
        raise Refusal(422, "request.field")
    if watch.ended_at is not None:
        raise Refusal(409, "watch.ended")
    before, expires = watch.grant, world.clock() + WATCH_DAYS * DAY_SECONDS
    watch.grant = str(body.get("grant", before))
    if watch.grant == before and expires - watch.expires_at < DAY_SECONDS:
        return True
    try:
        _permitted(world, watch)
    except Refusal:
        watch.grant = before
        raise
    watch.expires_at = expires
    _log(world, watch, "WATCH_RENEWED", "permitted")
    return False


def remove(world: World, watch: FakeWatch) -> bool:
    """End a watch at its member's wish; say whether it had ended before."""
    if watch.ended_at is not None:
        return True
    watch.ended_at, watch.ended_cause = world.clock(), "REMOVED"
    _log(world, watch, "WATCH_ENDED", "REMOVED")
    return False


def listed(world: World, caller: Caller) -> list[dict[str, object]]:
    """List a member's watches in the order of their ids."""
    own = [one for (member, _), one in world.watches.items() if member == caller.member]
    return [shown(one) for one in sorted(own, key=lambda watch: watch.watch_id)]


def shown(watch: FakeWatch) -> dict[str, object]:
    """Return a watch as it stands."""
    return {
        "watch_id": watch.watch_id,
        "account_ref": watch.account_ref,
        "purpose": watch.purpose,
        "grant": watch.grant,
        "kinds": list(watch.kinds),
        "made_at": watch.made_at,
        "expires_at": watch.expires_at,
        "ended_at": watch.ended_at,
        "ended_cause": watch.ended_cause,
    }


def look_again(world: World, member: str) -> None:
    """Look again for every live watch of a member, and tell it what changed."""
    for watch in list(world.watches.values()):
        if watch.member == member and watch.ended_at is None:
            _look_again(world, watch)


def _look_again(world: World, watch: FakeWatch) -> None:
    if world.clock() >= watch.expires_at:
        return _end(world, watch, "EXPIRED")
    if not _identities(world, watch):
        return _end(world, watch, "ACCOUNT")
    _follow(world, watch)
    decision = _judged(world, watch)
    if decision.reason in _FINAL:
        return _end(world, watch, "GRANT", decision.reason.value)
    if decision.permitted:
        _compare(world, watch, decision)
    return None


def _compare(world: World, watch: FakeWatch, decision: Decision) -> None:
    after, bands = _look(world, watch, decision)
    kept, today = dict(after), world.clock.today()
    for kind in changes(watch.seen, after, watch.kinds):
        if watch.told.get(kind) == today:
            kept[RULES[kind][0]] = watch.seen[RULES[kind][0]]  # It is told tomorrow.
            continue
        watch.told[kind] = today
        leaf = _log(world, watch, kind, "permitted")
        tell(world, watch.member, kind, {**_facts(watch), "leaf": b64url(leaf)}, bands)
    watch.seen = {**watch.seen, **kept}


def _end(world: World, watch: FakeWatch, cause: str, reason: str = "") -> None:
    watch.ended_at, watch.ended_cause = world.clock(), cause
    leaf = _log(world, watch, "WATCH_ENDED", reason or cause)
    why = {"cause": cause, **({"reason": reason} if reason else {})}
    tell(world, watch.member, "WATCH_ENDED", {**_facts(watch), **why, "leaf": b64url(leaf)})


def _look(
    world: World, watch: FakeWatch, decision: Decision
) -> tuple[dict[str, object], dict[str, object]]:
    """Return what is compared, and the bands that are told."""
    fields, identities = decision.fields - {"statement"}, _identities(world, watch)
    outcome, finding = seen(world, watch.member, identities, fields)
    if "velocity" in fields:
        finding["velocity"] = velocity(world, watch.member, identities)
    letter, _ = graded(outcome, finding, watch.purpose, decision)
    found = {
        "current_bucket": finding.get("current_bucket", 0),
        "lender_band": finding.get("lender_band", "0"),
        "velocity": cast("dict[str, str]", finding.get("velocity", {})).get("30"),
        "dispute": finding.get("dispute", False),
    }
    compared = {band: one for band, one in found.items() if band in fields}
    grade = {} if letter is None else {"grade": letter}
    return {**compared, **grade}, {**finding, **grade, "outcome": outcome}


def _identities(world: World, watch: FakeWatch) -> frozenset[str]:
    """Return the tokens of the member's open account; none where there is none."""
    account = world.accounts.get((watch.member, watch.account_ref))
    return account.tokens if account is not None and account.is_open else frozenset()


def _judged(world: World, watch: FakeWatch) -> Decision:
    grant = world.grants.get(watch.grant)
    if grant is not None and grant.token not in _identities(world, watch):
        grant = None
    asked = {"purpose": watch.purpose, "detail": "bands", "grant": watch.grant, "spends": "no"}
    return judge(asked, grant, watch.member, [False], world.clock())


def _permitted(world: World, watch: FakeWatch) -> Decision:
    decision = _judged(world, watch)
    if not decision.permitted:
        raise Refusal(422, "watch.rule", pointer="/grant")
    return decision


def _follow(world: World, watch: FakeWatch) -> None:
    """Rest on the grant that took the place of a superseded one."""
    held = world.grants.get(watch.grant)
    if held is not None and held.state(world.clock()) == "SUPERSEDED":
        for one in world.grants.values():
            if one.chain_id == held.chain_id and one.state(world.clock()) == "ACTIVE":
                watch.grant = one.grant_id


def _facts(watch: FakeWatch) -> dict[str, object]:
    return {
        "watch_id": watch.watch_id,
        "account_ref": watch.account_ref,
        "grant_id": watch.grant,
    }


def _log(world: World, watch: FakeWatch, event: str, reason: str) -> bytes:
    subject = {
        "kind": "watch",
        "t": world.clock(),
        "member": watch.member,
        "purpose": watch.purpose,
        "event": event,
    }
    audit = {"watch": watch.watch_id, "grant": watch.grant, "reason": reason}
    return world.log.append(watch.member, subject, audit)


def _read(body: Mapping[str, JSON]) -> Mapping[str, JSON]:
    if not _NAMES <= body.keys() <= _NAMES | {"kinds"}:
        raise Refusal(422, "request.field")
    if body["epoch"] != EPOCH:
        raise Refusal(409, "token.epoch", pointer="/epoch")
    if body["purpose"] not in (Purpose.ACCOUNT_REVIEW, Purpose.PORTFOLIO_MONITORING):
        raise Refusal(422, "request.field", pointer="/purpose")
    kinds = body.get("kinds")
    if kinds is not None and not (isinstance(kinds, list) and set(map(str, kinds)) <= set(RULES)):
        raise Refusal(422, "request.field", pointer="/kinds")
    return body
