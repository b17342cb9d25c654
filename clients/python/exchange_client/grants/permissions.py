"""Know a refusal before asking: the exchange's own rules of consent, over what the member holds.

In:  a grant as it was made, and where the exchange says it stands.
Out: the decision that the exchange will make: permitted or one reason, and how deep an answer goes.
The rules are those of the exchange, copied byte for byte into this package; what only the exchange
knows (another's records, this second's uses) it alone decides.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from exchange_client._consent.artefact import Artefact, check_together, parse_artefact
from exchange_client._consent.claims import ArtefactRefused
from exchange_client._consent.decision import Reason, Request, decide
from exchange_client._consent.grants import GrantState, HeldGrant
from exchange_client._consent.profile_values import ProfileFault
from exchange_client._consent.profiles import Profile, load_profile
from exchange_client._consent.purposes import Act, Detail, Party, Purpose
from exchange_client._consent.terms import check_policy, hold
from exchange_client.core.encoding import JSON
from exchange_client.errors import UsageError
from exchange_client.grants import Grant
from exchange_client.pins import Pins

LENDER = frozenset({Party.ASKER.value, Party.CONTRIBUTOR.value})
_COUNTERS = ("uses", "window_start", "window_uses")
REASONS = tuple(reason.value for reason in Reason)  # in the order in which they are tested


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What the exchange will decide."""

    permitted: bool
    reason: str  # `permitted`, or why not
    policy: str  # profile and version that judged it
    detail: str  # deepest that the answer may be
    fields: frozenset[str]  # of the finding that may be shown
    lookback_months: int
    limits: tuple[str, ...]  # why the answer is shallower than asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A question that is to be asked under a grant."""

    purpose: str
    detail: str = "bands"
    own_account: bool = False  # the member has the account that the purpose asks for


def profile_of(pins: Pins) -> Profile:
    """Return the profile that the exchange goes by, as this package knows it.

    Raises:
        UsageError: this package has another version of it; upgrade the package.
    """
    for ref in pins.profiles:
        try:
            profile = load_profile(ref.partition("@")[0].upper())
        except ProfileFault:
            continue
        if profile.ref == ref:
            return profile
    raise UsageError(f"this version knows no profile {', '.join(pins.profiles)}: upgrade it")


def check_grant(
    grant: Grant, pins: Pins, *, roles: frozenset[str] = LENDER, now: int | None = None
) -> None:
    """Refuse a grant that the exchange would refuse, before it is sent.

    Args:
        roles: the member's at this exchange.
        now: unix seconds; the clock's, if it is left out.

    Raises:
        UsageError: the step that refuses it, the member of the artefact, and what was expected.
    """
    at = int(time.time()) if now is None else now
    try:
        artefact = parse_artefact(grant.claims)
        check_together(artefact, signer=str(grant.claims["iss"]), exchange=pins.exchange, now=at)
        check_policy(artefact, profile_of(pins), roles)
    except ArtefactRefused as error:
        raise UsageError(f"grant.{error.step}: {error}") from error


def foresee(
    look: Look,
    grant: Grant | None,
    standing: Mapping[str, JSON] | None,
    pins: Pins,
    *,
    now: int | None = None,
) -> Foreseen:
    """Tell what the exchange will decide about a question.

    Args:
        grant: what it will name; None: nothing.
        standing: what the exchange said of the grant (`Exchange.grant`); None: it knows none.
        now: unix seconds; the clock's, if it is left out.

    Raises:
        UsageError: the purpose or detail is unknown, or the grant is no artefact.
    """
    profile = profile_of(pins)
    member = str(grant.claims["iss"]) if grant else ""
    try:
        request = Request(
            purpose=Purpose(look.purpose),
            act=Act.LOOK,
            member=member,
            parties=LENDER,
            grant_named=grant is not None,
            detail=Detail(look.detail),
        )
    except ValueError as error:
        raise UsageError("the purpose or the detail is not one of the closed list") from error
    held = _held(grant, standing, own_account=look.own_account) if grant and standing else None
    decision = decide(request, held, profile, int(time.time()) if now is None else now)
    return Foreseen(
        permitted=decision.permitted,
        reason=decision.reason.value,
        policy=decision.policy,
        detail=decision.detail.value,
        fields=decision.fields,
        lookback_months=decision.lookback_months,
        limits=tuple(limit.value for limit in decision.limits),
    )


def _held(grant: Grant, standing: Mapping[str, JSON], *, own_account: bool) -> HeldGrant:
    try:
        state = GrantState(str(standing["state"]))
        uses, start, used = (_whole(standing[name]) for name in _COUNTERS)
    except (KeyError, ValueError) as error:
        raise UsageError("the standing is not what the exchange says of a grant") from error
    return replace(
        hold(_artefact(grant), state),
        uses=uses,
        window_start=start,
        window_uses=used,
        own_account=own_account,
    )


def _whole(value: JSON) -> int:
    if not isinstance(value, int):
        raise ValueError("not a number")
    return value


def _artefact(grant: Grant) -> Artefact:
    try:
        return parse_artefact(grant.claims)
    except ArtefactRefused as error:
        raise UsageError(f"grant.{error.step}: {error}") from error
