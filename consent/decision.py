"""Decide whether one act is permitted, and say why with exactly one reason.

In:  the request, the grant it relies on as the locked row holds it, the profile, and the time.
Out: a Decision. It is logged and receipted whether it permits or refuses.
Not here: HTTP, SQL, signatures, clocks. `gate` gives the SQL gate the same terms, so
that a row is spent exactly where `decide` permits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from .grants import GrantState, HeldGrant
from .policies import Policy
from .profiles import Profile
from .purposes import (
    DETAIL_DEPTH,
    FINDING_FIELDS,
    FLAG_FIELDS,
    PROTECTING_FIELDS,
    PURPOSES,
    Account,
    Act,
    Detail,
    Permission,
    Purpose,
    PurposeRule,
)
from .reciprocity import Earned

NOT_BEFORE_TOLERANCE_SECONDS = 60  # for clocks that run ahead; the end has none


class Reason(StrEnum):
    """Why an act is refused, or that it is not: in the order in which they are tested."""

    PURPOSE_OFF = "purpose.off"
    RECIPROCITY_NONE = "reciprocity.none"
    GRANT_MISSING = "grant.missing"
    CASE_MISSING = "case.missing"
    GRANT_UNUSABLE = "grant.unusable"
    GRANT_REQUESTED = "grant.requested"
    GRANT_REJECTED = "grant.rejected"
    GRANT_PAUSED = "grant.paused"
    GRANT_WITHDRAWN = "grant.withdrawn"
    GRANT_REVOKED = "grant.revoked"
    GRANT_SUPERSEDED = "grant.superseded"
    GRANT_INVALIDATED = "grant.invalidated"
    GRANT_EARLY = "grant.early"
    GRANT_EXPIRED = "grant.expired"
    GRANT_PURPOSE = "grant.purpose"
    GRANT_LEVEL = "grant.level"
    GRANT_ABROAD = "grant.abroad"
    GRANT_USED_UP = "grant.used_up"
    GRANT_TOO_OFTEN = "grant.too_often"
    ACCOUNT_NONE = "account.none"
    PERMITTED = "permitted"


class Limit(StrEnum):
    """Why an answer is shallower than asked."""

    PURPOSE = "PURPOSE"
    GRANT_DETAIL = "GRANT_DETAIL"
    RECIPROCITY = "RECIPROCITY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One act that somebody wants to do. What is not said is not so: the default is no."""

    purpose: Purpose
    act: Act
    member: str
    parties: frozenset[str]  # the member's roles, or `subject` or `exchange`
    grant_named: bool = False
    detail: Detail = Detail.BANDS  # as asked
    abroad: bool = False
    reciprocal: bool = True  # False: the member's contribution class gets no answers
    earned: Earned = Earned.ALL  # how deep its contribution lets an answer go
    case_open: bool = False  # an open case, proof of control or budget, where no grant is used
    refused: Reason | None = None  # why the artefact sent with the question was not registered
    spends: bool = True  # False: an event of a watch, decided again without a use


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What `decide` says. A refused act may see nothing."""

    permitted: bool
    reason: Reason
    policy: str  # profile and version that judged it, such as `cn@1`
    level: int  # of evidence behind the grant; 0 without a grant
    detail: Detail  # deepest that the answer may be
    fields: frozenset[str]  # of the finding that may be shown
    lookback_months: int
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The parameters of the SQL gate for one request."""

    open: bool  # False where purpose, case or reciprocity already refuse, or no grant is named
    level: int
    abroad: bool
    account: Account
    spends: bool


_BY_STATE: Mapping[GrantState, Reason] = MappingProxyType(
    {
        GrantState.REQUESTED: Reason.GRANT_REQUESTED,
        GrantState.REJECTED: Reason.GRANT_REJECTED,
        GrantState.PAUSED: Reason.GRANT_PAUSED,
        GrantState.WITHDRAWN: Reason.GRANT_WITHDRAWN,
        GrantState.REVOKED: Reason.GRANT_REVOKED,
        GrantState.SUPERSEDED: Reason.GRANT_SUPERSEDED,
        GrantState.INVALIDATED: Reason.GRANT_INVALIDATED,
        # Never stored; refused all the same should a row ever hold one.
        GrantState.EXPIRED: Reason.GRANT_EXPIRED,
        GrantState.CONSUMED: Reason.GRANT_USED_UP,
    }
)
_NOTHING: frozenset[str] = frozenset()
_DECISIONS_CACHED_MAX = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class _Depth:
    detail: Detail
    fields: frozenset[str]
    limits: tuple[Limit, ...]


_NO_DEPTH = _Depth(detail=Detail.OUTCOME, fields=_NOTHING, limits=())


def decide(request: Request, grant: HeldGrant | None, profile: Profile, now: int) -> Decision:
    """Return the first reason that applies, in the order of `Reason`.

    Args:
        grant: the locked row of this grant id under this subject's token; None where there is none.
        now: unix seconds.
    """
    rule = PURPOSES[request.purpose]
    policy = profile.policy[request.purpose]
    reason = _before_the_grant(request, rule, policy)
    if not reason and rule.needs_grant:
        reason = _of_the_grant(request, grant, rule, policy, now)
    level = grant.level if grant else 0
    if reason:
        return _refused(reason, profile.ref, level)
    if not grant or rule.act is not Act.LOOK:
        return _permitted(profile.ref, level, _NO_DEPTH, 0)
    asked = min(request.detail, policy.detail, key=DETAIL_DEPTH.__getitem__)
    depth = _depth(rule.purpose, request.detail, asked, (grant.detail, grant.fields))
    depth = _cut_to_earned(depth, rule.purpose, request.earned)
    return _permitted(profile.ref, level, depth, min(policy.lookback_months, grant.lookback_months))


def gate(request: Request, profile: Profile) -> Gate:
    """Return what the SQL gate needs so that it spends a row exactly where `decide` permits."""
    rule = PURPOSES[request.purpose]
    policy = profile.policy[request.purpose]
    return Gate(
        open=rule.needs_grant and _before_the_grant(request, rule, policy) is None,
        level=policy.level,
        abroad=request.abroad,
        account=rule.account,
        spends=request.spends,
    )


def _before_the_grant(request: Request, rule: PurposeRule, policy: Policy) -> Reason | None:
    if not policy.on or request.act is not rule.act or rule.parties.isdisjoint(request.parties):
        return Reason.PURPOSE_OFF
    if not request.reciprocal:
        return Reason.RECIPROCITY_NONE
    if request.refused:
        return request.refused
    if rule.permission is Permission.GRANT:
        return None if request.grant_named else Reason.GRANT_MISSING
    return None if request.case_open else Reason.CASE_MISSING


def _of_the_grant(
    request: Request, grant: HeldGrant | None, rule: PurposeRule, policy: Policy, now: int
) -> Reason | None:
    if grant is None or grant.grantee != request.member:
        return Reason.GRANT_UNUSABLE
    return (
        _BY_STATE.get(grant.state)
        or _of_time(grant, now)
        or _of_terms(request, grant, policy)
        or (_of_use(grant, now) if request.spends else None)
        or (
            Reason.ACCOUNT_NONE
            if rule.account is not Account.NONE and not grant.own_account
            else None
        )
    )


def _of_time(grant: HeldGrant, now: int) -> Reason | None:
    if now + NOT_BEFORE_TOLERANCE_SECONDS < grant.not_before:
        return Reason.GRANT_EARLY
    return Reason.GRANT_EXPIRED if now >= grant.expires else None


def _of_terms(request: Request, grant: HeldGrant, policy: Policy) -> Reason | None:
    if grant.purpose != request.purpose:
        return Reason.GRANT_PURPOSE
    if grant.level < policy.level:
        return Reason.GRANT_LEVEL
    return Reason.GRANT_ABROAD if request.abroad and not grant.cross_border else None


def _of_use(grant: HeldGrant, now: int) -> Reason | None:
    if grant.max_uses is not None and grant.uses >= grant.max_uses:
        return Reason.GRANT_USED_UP
    if grant.window_max is None or now >= grant.window_start + grant.window_seconds:
        return None
    return Reason.GRANT_TOO_OFTEN if grant.window_uses >= grant.window_max else None


# The values are few and frozen, so each is built once: this is the hot path of a query.
@lru_cache(maxsize=_DECISIONS_CACHED_MAX)
def _refused(reason: Reason, policy: str, level: int) -> Decision:
    return Decision(
        permitted=False,
        reason=reason,
        policy=policy,
        level=level,
        detail=Detail.OUTCOME,
        fields=_NOTHING,
        lookback_months=0,
        limits=(),
    )


@lru_cache(maxsize=_DECISIONS_CACHED_MAX)
def _permitted(policy: str, level: int, depth: _Depth, lookback_months: int) -> Decision:
    return Decision(
        permitted=True,
        reason=Reason.PERMITTED,
        policy=policy,
        level=level,
        detail=depth.detail,
        fields=depth.fields,
        lookback_months=lookback_months,
        limits=depth.limits,
    )


@lru_cache(maxsize=_DECISIONS_CACHED_MAX)
def _depth(
    purpose: Purpose, asked: Detail, opened: Detail, granted: tuple[Detail, frozenset[str]]
) -> _Depth:
    """Cut what was asked to what the purpose, the policy and the grant allow.

    Args:
        opened: the shallower of what was asked and what the policy allows.
    """
    rule = PURPOSES[purpose]
    detail = min(opened, granted[0], key=DETAIL_DEPTH.__getitem__)
    open_fields = _fields_at(opened, rule.fields)
    shown = _fields_at(detail, rule.fields) & (granted[1] | PROTECTING_FIELDS)
    limits = (
        *((Limit.PURPOSE,) if open_fields != _fields_at(asked, FINDING_FIELDS) else ()),
        *((Limit.GRANT_DETAIL,) if shown != open_fields else ()),
    )
    return _Depth(detail=detail, fields=shown, limits=limits)


@lru_cache(maxsize=_DECISIONS_CACHED_MAX)
def _cut_to_earned(depth: _Depth, purpose: Purpose, earned: Earned) -> _Depth:
    """Cut to what the asker's own contribution earns; say so where that takes something away."""
    detail, fields = depth.detail, depth.fields
    if earned is Earned.NO_VELOCITY:
        fields = fields - {"velocity"}
    elif earned is Earned.FLAG:
        detail = min(detail, Detail.FLAG, key=DETAIL_DEPTH.__getitem__)
        fields = fields & _fields_at(detail, PURPOSES[purpose].fields)
    if fields == depth.fields:
        return depth
    return _Depth(detail=detail, fields=fields, limits=(*depth.limits, Limit.RECIPROCITY))


def _fields_at(detail: Detail, fields: frozenset[str]) -> frozenset[str]:
    if detail == Detail.BANDS:
        return fields
    return fields & FLAG_FIELDS if detail == Detail.FLAG else _NOTHING
