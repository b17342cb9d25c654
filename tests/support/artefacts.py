"""Build grant artefacts for tests, the demo and benches: valid ones, and ones with a flaw.

Signed with the Ed25519 key given; `kid` is `<member>/<key>`, as in signed messages.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.artefact import subject_commitment_text
from consent.profiles import LegalBasis, load_profile
from consent.purposes import PURPOSES, Act, Fetch, Purpose
from consent.sandbox.notices import SANDBOX_VERSION, sandbox_notice, sandbox_notice_id

GRANT_TYPE = "cx-grant+jws"
SUBJECT_INPUT = b"cx/subject/v1\nric\nCN\n11010519491231002X"  # the synthetic one of GB 11643
SALT = hashlib.sha256(b"vector salt grant 1").digest()
DAY_SECONDS = 86_400
ABSENT: Final = object()  # as a change: leave the member out


def grant_id(now: int) -> str:
    """Return a fresh grant id of this time."""
    return f"gnt_{now * 1000:012x}7{secrets.token_hex(2)[:3]}8{secrets.token_hex(8)[:15]}"


def artefact_claims(
    *,
    member: str,
    exchange: str,
    now: int,
    purpose: str = Purpose.CREDIT_APPLICATION,
    profile: str = "CN",
    jti: str | None = None,
    salt: bytes = SALT,
    subject_input: bytes = SUBJECT_INPUT,
    changes: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return the claims of an artefact that registers under this profile.

    Args:
        changes: members to set by path, such as `{"use/max_uses": 2, "withdrawal": ABSENT}`.
    """
    law, rule = load_profile(profile), PURPOSES[Purpose(purpose)]
    policy = law.policy[rule.purpose]
    basis = law.legal_bases[0]
    by_consent = basis == LegalBasis.CONSENT
    claims: dict[str, object] = {
        "ver": "1",
        "jti": jti or grant_id(now),
        "iss": member,
        "aud": exchange,
        "iat": now,
        "nbf": now,
        "exp": now + (policy.max_days or 1) * DAY_SECONDS,
        "purpose": rule.purpose.value,
        "legal_basis": basis,
        "grantee": member,
        "recipients": {"scope": "grantee_only"},
        "subject": {
            "commit": subject_commitment_text(salt, subject_input),
            "id_scheme": "cn.ric",
            "ref": "customer-0001",
            "capacity": "self",
        },
        "data": {
            "fields": sorted(rule.fields),
            "detail": "bands" if rule.fields else "flag",
            "lookback_months": policy.lookback_months,
        },
        "use": _use(rule.fetch, rule.act, policy.window_max, policy.window_days),
        "retention": {"answer_days": policy.answer_days or 30, "evidence_months": 84},
        "notice": {
            "id": sandbox_notice_id(purpose),
            "version": SANDBOX_VERSION,
            "lang": law.languages[0],
            "sha256": _digest(sandbox_notice(purpose, law.languages[0], law.id)),
            "shown_at": now - 100,
            "separate": True,
        },
        "collection": {
            "channel": "app",
            "act": "checkbox+otp" if by_consent else "none",
            "at": now - 10,
        },
        "evidence": {
            "level": 1,
            "type": "lender_attested",
            "sha256": _digest(secrets.token_bytes(16)),
            "media": "application/pdf",
            "held_by": member,
        },
        "jurisdiction": law.id,
        "cross_border": {"allowed": False},
    }
    if by_consent:
        claims["withdrawal"] = {"uri": f"https://{member}.example/withdraw"}
    else:
        claims["basis_ref"] = "test basis"
    return changed(claims, changes or {})


def changed(claims: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Return a copy with members set by path; ABSENT leaves one out."""
    result = copy.deepcopy(dict(claims))
    for path, value in changes.items():
        *parents, name = path.split("/")
        place = result
        for parent in parents:
            inner = place[parent]
            assert isinstance(inner, dict), path
            place = inner
        if value is ABSENT:
            del place[name]
        else:
            place[name] = value
    return result


def sign_artefact(
    claims: Mapping[str, object],
    private_key: Ed25519PrivateKey,
    *,
    kid: str,
    header: Mapping[str, object] | None = None,
) -> str:
    """Return the compact JWS over these claims.

    Args:
        header: members to set in the header, for flaws.
    """
    head = {"alg": "EdDSA", "kid": kid, "typ": GRANT_TYPE, **(header or {})}
    signing_input = f"{_segment(head)}.{_segment(claims)}"
    return f"{signing_input}.{_base64url(private_key.sign(signing_input.encode()))}"


def make_artefact(
    private_key: Ed25519PrivateKey,
    *,
    member: str,
    exchange: str,
    now: int,
    key: str = "k1",
    purpose: str = Purpose.CREDIT_APPLICATION,
    profile: str = "CN",
    jti: str | None = None,
    salt: bytes = SALT,
    subject_input: bytes = SUBJECT_INPUT,
    changes: Mapping[str, object] | None = None,
) -> str:
    """Return a signed artefact that registers under this profile, or what `changes` make of it."""
    claims = artefact_claims(
        member=member,
        exchange=exchange,
        now=now,
        purpose=purpose,
        profile=profile,
        jti=jti,
        salt=salt,
        subject_input=subject_input,
        changes=changes,
    )
    return sign_artefact(claims, private_key, kid=f"{member}/{key}")


def _use(
    fetch: Fetch | None, act: Act, window_max: int | None, window_days: int | None
) -> dict[str, object]:
    use: dict[str, object] = {"fetch": fetch or Fetch.ONCE, "mode": "QUERY"}
    if fetch is Fetch.STANDING or act is Act.REPORT:
        return use | {"mode": "STORE"}
    if fetch is Fetch.RECURRING:
        return use | {"frequency": {"max": window_max, "days": window_days}}
    return use | {"max_uses": 1}


def _segment(value: Mapping[str, object]) -> str:
    return _base64url(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _digest(content: bytes) -> str:
    return _base64url(hashlib.sha256(content).digest())


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
