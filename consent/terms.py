"""Hold one artefact against the profile's policy, and turn it into the row that uses are judged by.

In:  an Artefact whose own members agree, the profile, and the member's roles.
Out: nothing, or ArtefactRefused at step `policy`; and the HeldGrant that a registration stores.
Not here: notices and evidence hashes, which are known to the registry alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .artefact import Artefact
from .claims import ArtefactRefused, Step
from .decision import Reason
from .grants import GrantState, HeldGrant
from .parts import AgreeAct, Mode
from .policies import Policy
from .profiles import LegalBasis, Profile
from .purposes import DETAIL_DEPTH, PURPOSES, Act, Detail, Fetch, PurposeRule

_DAY_SECONDS = 86_400
_BY_FIELD: Mapping[str, Reason] = MappingProxyType(
    {"purpose": Reason.PURPOSE_OFF, "evidence/level": Reason.GRANT_LEVEL}
)
_BY_STEP: Mapping[Step, Reason] = MappingProxyType(
    {
        Step.NOTICE: Reason.GRANT_UNUSABLE,
        Step.AFTER_WITHDRAWAL: Reason.GRANT_WITHDRAWN,
        Step.EVIDENCE: Reason.GRANT_UNUSABLE,
    }
)
_BEYOND = "goes beyond the policy"
_Rule = tuple[str, bool, str]


def check_policy(artefact: Artefact, profile: Profile, parties: frozenset[str]) -> None:
    """Refuse an artefact that the profile would not let anyone use.

    Args:
        parties: the member's roles.

    Raises:
        ArtefactRefused: the purpose is not open to this member, or a limit is passed.
    """
    rule = PURPOSES[artefact.purpose]
    policy = profile.policy[artefact.purpose]
    # In this order: a closed purpose has no limits to speak of.
    for field, holds, expected in (
        *_of_purpose(artefact, rule, policy, parties),
        *_of_profile(artefact, profile),
        *_of_limits(artefact, rule, policy),
    ):
        if not holds:
            raise ArtefactRefused(Step.POLICY, field, expected)


def hold(artefact: Artefact, state: GrantState) -> HeldGrant:
    """Return the row of a newly registered artefact: nothing used yet."""
    use = artefact.use
    return HeldGrant(
        grantee=artefact.grantee,
        purpose=artefact.purpose,
        state=state,
        level=artefact.evidence.level,
        cross_border=artefact.cross_border,
        not_before=artefact.nbf,
        expires=artefact.exp,
        uses=0,
        max_uses=use.max_uses,
        window_start=0,
        window_uses=0,
        window_max=use.frequency_max,
        window_seconds=(use.frequency_days or 0) * _DAY_SECONDS,
        detail=artefact.depth.detail,
        fields=artefact.depth.fields,
        lookback_months=artefact.depth.lookback_months,
    )


def artefact_reason(refused: ArtefactRefused) -> Reason | None:
    """Return why a question may not rest on the artefact sent with it; None: it is no artefact.

    What is wrong in itself (form, key, signature, members) is an error of the request. What the
    policy or the registry does not take is a refusal, and so a result.
    """
    if refused.step is Step.POLICY:
        return _BY_FIELD.get(refused.field, Reason.GRANT_UNUSABLE)
    return _BY_STEP.get(refused.step)


def _of_purpose(
    artefact: Artefact, rule: PurposeRule, policy: Policy, parties: frozenset[str]
) -> tuple[_Rule, ...]:
    by_consent = artefact.legal_basis is LegalBasis.CONSENT
    return (
        ("purpose", policy.on and rule.needs_grant, "is not open under this profile"),
        ("purpose", not rule.parties.isdisjoint(parties), "is not open to this member"),
        ("legal_basis", rule.consent_allowed or not by_consent, "must not be consent here"),
        ("evidence/level", artefact.evidence.level >= policy.level, "is below the policy's"),
        ("use/fetch", _fetch_fits(artefact.use.fetch, rule), "is not one of this purpose"),
        ("use/mode", (artefact.use.mode is Mode.STORE) is (rule.act is Act.REPORT), "does not fit"),
    )


def _of_profile(artefact: Artefact, profile: Profile) -> tuple[_Rule, ...]:
    by_consent = artefact.legal_basis is LegalBasis.CONSENT
    separate = artefact.notice.separate or not (profile.separate_consent and by_consent)
    agreed = (artefact.collection.act is AgreeAct.NONE) is not by_consent
    return (
        ("jurisdiction", artefact.jurisdiction == profile.id, "must be the profile's"),
        ("legal_basis", artefact.legal_basis in profile.legal_bases, "is none of the profile's"),
        ("notice/lang", artefact.notice.lang in profile.languages, "is none of the profile's"),
        ("notice/separate", separate, "must be true under this profile"),
        ("collection/act", agreed, "is none exactly where the basis is not consent"),
    )


def _of_limits(artefact: Artefact, rule: PurposeRule, policy: Policy) -> tuple[_Rule, ...]:
    days = policy.max_days or 0
    lasts, depth = artefact.exp - artefact.nbf, artefact.depth
    deepest = policy.detail if rule.fields else Detail.FLAG
    seldom = artefact.use.fetch is not Fetch.RECURRING or _seldom(artefact, policy)
    return (
        ("exp", lasts <= days * _DAY_SECONDS, f"must be at most {days} days after nbf"),
        ("data/fields", depth.fields <= rule.fields, "names more than the purpose may see"),
        ("data/detail", DETAIL_DEPTH[depth.detail] <= DETAIL_DEPTH[deepest], _BEYOND),
        ("data/lookback_months", depth.lookback_months <= policy.lookback_months, _BEYOND),
        ("use/frequency", seldom, _BEYOND),
    )


def _fetch_fits(fetch: Fetch, rule: PurposeRule) -> bool:
    """A grant for once is always narrower than a recurring one."""
    return fetch is rule.fetch or (fetch is Fetch.ONCE and rule.fetch is Fetch.RECURRING)


def _seldom(artefact: Artefact, policy: Policy) -> bool:
    most, days = artefact.use.frequency_max or 0, artefact.use.frequency_days or 0
    return most <= (policy.window_max or 0) and days >= (policy.window_days or 0)
