"""Synthetic borrowers and their consents, for tests, the demo and the benchmarks.

Valid in form and checksum, and nobody's: resident IDs and company codes of region 999999, which no
register ever issued; passports of Antarctica, which issues none; tax numbers with a running serial
under letters ZZZPZ; mobile numbers of the range that Ofcom keeps for drama (+44 7700 900000 to
900999), which are so few that borrowers share them, as they do when numbers are given out again.
"""

from __future__ import annotations

import hashlib
import secrets
import time

from consent.sandbox.notices import SANDBOX_VERSION, sandbox_notice, sandbox_notice_id
from exchange_client.core.encoding import b64url
from exchange_client.grants import Grant, build, evidence_of, evidence_to_sign
from exchange_client.identifiers import Identifier
from exchange_client.keys import KeyFile
from exchange_client.pins import Pins

REGION = "999999"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SERIALS_A_DAY = 1_000


def borrower(number: int) -> Identifier:
    """Return the identifier of the n-th synthetic borrower, n up to 9 million."""
    day, serial = divmod(number, _SERIALS_A_DAY)
    year, rest = divmod(day, 336)
    month, of_month = divmod(rest, 28)
    body = f"{REGION}{1970 + year}{month + 1:02d}{of_month + 1:02d}{serial:03d}"
    check = "10X98765432"[sum(w * int(d) for w, d in zip(_WEIGHTS, body, strict=True)) % 11]
    return Identifier.parse("ric", "CN", body + check)


def company(number: int) -> Identifier:
    """Return the code of the n-th synthetic company."""
    values = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"91{REGION}{number:09d}"
    total = sum(values.index(c) * pow(3, place, 31) for place, c in enumerate(body))
    return Identifier.parse("uscc", "CN", body + values[-total % 31])


def passport(number: int) -> Identifier:
    """Return the n-th synthetic passport."""
    return Identifier.parse("passport", "AQ", f"X{number:08d}")


def tax_number(number: int) -> Identifier:
    """Return the n-th synthetic Indian tax number, n up to 9,998."""
    return Identifier.parse("pan", "IN", f"ZZZPZ{number % 9_998 + 1:04d}Z")


def mobile(number: int) -> Identifier:
    """Return the mobile number of the n-th synthetic borrower; others have it as well."""
    return Identifier.parse("mobile", "ZZ", f"+447700900{number % 1_000:03d}")


def consent(identifier: Identifier, purpose: str, *, key: KeyFile, pins: Pins) -> Grant:
    """Make a synthetic borrower's level-1 consent, as its lender would sign it."""
    kept = evidence_of(secrets.token_bytes(16), media="application/pdf", member=key.member)
    terms = {**_terms(identifier, purpose, act="checkbox+otp"), "evidence": kept}
    return build(identifier, terms, key=key, pins=pins)


def unsigned(identifier: Identifier, purpose: str, *, key: KeyFile, pins: Pins) -> Grant:
    """Make what a synthetic borrower is asked to sign with a passkey (level 2)."""
    terms = {**_terms(identifier, purpose, act="passkey"), "evidence": evidence_to_sign()}
    return build(identifier, terms, key=key, pins=pins)


def _terms(identifier: Identifier, purpose: str, *, act: str) -> dict[str, object]:
    now = int(time.time())
    return {
        "purpose": purpose,
        "subject": {"ref": f"cust-{hashlib.sha256(identifier.oprf_input()).hexdigest()[:12]}"},
        "notice": {
            "id": sandbox_notice_id(purpose),
            "version": SANDBOX_VERSION,
            "lang": "zh-CN",
            "sha256": b64url(hashlib.sha256(sandbox_notice(purpose, "zh-CN", "CN")).digest()),
            "shown_at": now - 60,
            "separate": True,
        },
        "collection": {"channel": "app", "act": act, "at": now - 30},
        "retention": {"answer_days": 180, "evidence_months": 84},
        "jurisdiction": "CN",
        "withdrawal": {"uri": "https://member.example/withdraw"},
    }
